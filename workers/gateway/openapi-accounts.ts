import { createRoute, z } from "@hono/zod-openapi";
import * as accounts from "../../shared/contracts/accounts.ts";
import { Deleted } from "../../shared/contracts/admin-models.ts";
import { ApiError } from "../../shared/contracts/error.ts";
import * as spaces from "../../shared/contracts/workspaces.ts";
import { type Responses, json } from "./openapi-admin-route.ts";

const failure = (description: string) => ({ description, content: json(ApiError) });
const failures = {
  400: failure("The request is malformed; `param` names the field at fault."),
  401: failure("Who is asking is not known, or the token or password is not right. It is never said which."),
  403: failure("Whoever asks may not do this."),
  404: failure("There is none of this id, or it is another workspace's."),
  405: failure("The method is not allowed here; see Allow."),
  409: failure("It cannot be done as things are; the message says why."),
  412: failure("It has been changed since the version in If-Match."),
  413: failure("The body is too large."),
  415: failure("The body is not JSON."),
  429: failure("This was tried too often; see Retry-After."),
  500: failure("Something went wrong on this side; x-request-id tells the operator which request it was."),
  503: failure("The database is out of reach; see Retry-After."),
};
type Status = keyof typeof failures;
const of = (...statuses: Status[]): Responses =>
  Object.fromEntries(statuses.map((status) => [status, failures[status]]));

/** What can go wrong wherever somebody who is known reads. */
const READ: Status[] = [401, 403, 405, 429, 500, 503];
const WRITE: Status[] = [...READ, 400, 413, 415];

type Told = {
  readonly tag: "Accounts" | "Workspaces" | "Operators";
  readonly summary: string;
  readonly description?: string;
  /** `bearer`: an access token or a key; `person`: an access token; `none`: neither. */
  readonly by?: "bearer" | "person" | "none";
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Whether the body may be left out. */
  readonly optional?: true;
  readonly gives: readonly [status: 200 | 201, description: string, schema: z.ZodType];
  readonly fails: readonly Status[];
};

const SECURITY: Readonly<Record<NonNullable<Told["by"]>, Record<string, string[]>[]>> = {
  bearer: [{ apiKey: [] }, { accessToken: [] }],
  person: [{ accessToken: [] }],
  none: [],
};

function operation(method: "get" | "post" | "patch" | "delete", path: string, told: Told) {
  const { tag, summary, description, by = "bearer", params, query, headers, body } = told;
  const [status, what, schema] = told.gives;
  return createRoute({
    method,
    path,
    summary,
    tags: [tag],
    security: SECURITY[by],
    ...(description !== undefined && { description }),
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && { body: { required: told.optional !== true, content: json(body) } }),
    },
    responses: { [status]: { description: what, content: json(schema) }, ...of(...told.fails) },
  });
}

const SESSION = [
  operation("post", "/auth/signup", {
    tag: "Accounts",
    summary: "Sign up",
    description:
      "By SIGNUP_POLICY for everybody (`open`: into a workspace of their own), for those who are invited (`invite`), or for nobody (`closed`). An address that has an account is answered as an invitation that is not good. Five an hour from one address.",
    by: "none",
    body: accounts.SignupRequest,
    gives: [201, "The account is made, and its first session begun.", accounts.Session],
    fails: [400, 403, 405, 409, 413, 415, 429, 500, 503],
  }),
  operation("post", "/auth/login", {
    tag: "Accounts",
    summary: "Sign in",
    description:
      "Ten a minute from one address. After ten wrong passwords in a quarter of an hour nobody signs in to an account from anywhere until the first of them is that old; this is so for addresses without an account too.",
    by: "none",
    body: accounts.LoginRequest,
    gives: [200, "A session.", accounts.Session],
    fails: [400, 401, 403, 405, 409, 413, 415, 429, 500, 503],
  }),
  operation("post", "/auth/refresh", {
    tag: "Accounts",
    summary: "Go on with a session",
    description:
      "Gives the next pair of tokens. A refresh token is good once: one that comes a second time, were it at the same moment, was stolen, and ends the session for both. So let one place of your program refresh, and keep what it gets before using it.",
    by: "none",
    body: accounts.RefreshRequest,
    gives: [200, "The session's next tokens.", accounts.Session],
    fails: [400, 401, 405, 413, 415, 429, 500, 503],
  }),
  operation("post", "/auth/logout", {
    tag: "Accounts",
    summary: "Sign out",
    description: "The session ends at once; requests to models may go on for up to 30 seconds.",
    by: "person",
    body: accounts.LogoutRequest,
    optional: true,
    gives: [200, "It has ended.", accounts.LoggedOut],
    fails: WRITE,
  }),
  operation("get", "/auth/me", {
    tag: "Accounts",
    summary: "Show who is signed in",
    by: "person",
    gives: [200, "The person, and the workspaces that they belong to.", accounts.Me],
    fails: READ,
  }),
  operation("post", "/auth/invites/accept", {
    tag: "Accounts",
    summary: "Accept an invitation",
    description:
      "For those who have an account, under every SIGNUP_POLICY. To be in that workspace, sign in with its id.",
    by: "person",
    body: accounts.InviteAcceptance,
    gives: [200, "The workspace that was joined.", accounts.Joined],
    fails: [...WRITE, 409],
  }),
  operation("post", "/auth/password", {
    tag: "Accounts",
    summary: "Change one's password",
    description: "All other sessions end. Wrong current passwords count as they do for signing in.",
    by: "person",
    body: accounts.PasswordChange,
    gives: [200, "It is changed.", accounts.PasswordSet],
    fails: WRITE,
  }),
  operation("post", "/auth/password/reset", {
    tag: "Accounts",
    summary: "Set a new password with a token",
    description: "The token is from an operator, and good once within an hour. All sessions end.",
    by: "none",
    body: accounts.PasswordReset,
    gives: [200, "It is set. Sign in with it.", accounts.PasswordSet],
    fails: [400, 405, 413, 415, 429, 500, 503],
  }),
];

const id = z.string().openapi({ description: "The workspace's id.", example: "ws_Z3xN8uGfT1oKpD5hJ6qB" });
const userId = z.string().openapi({ description: "The user's id.", example: "usr_4k2mVtQ9sXbL0aWcR7yE" });
const inviteId = z
  .string()
  .openapi({ description: "The invitation's id.", example: "inv_J6qBZ3xN8uGfT1oKpD5h" });
const page = {
  limit: z.string().optional().openapi({ description: "Most that are wanted: 1 to 50.", example: "50" }),
  after: z.string().optional().openapi({ description: "The last id of the page before." }),
};
const flag = (description: string) => z.enum(["true", "false"]).optional().openapi({ description });
const ifMatch = z.object({
  "if-match": z.string().optional().openapi({
    description: "The version that was read, as its ETag has it: nothing newer is overwritten.",
    example: '"1"',
  }),
});

const WORKSPACES = [
  operation("get", "/api/v1/workspaces", {
    tag: "Workspaces",
    summary: "List one's workspaces",
    query: z.object({ all: flag("`true`: all that there are; for operators."), ...page }),
    gives: [200, "They, by id.", spaces.WorkspaceList],
    fails: [...READ, 400],
  }),
  operation("post", "/api/v1/workspaces", {
    tag: "Workspaces",
    summary: "Make a workspace",
    description: "For operators. It has nobody in it: invite its first admin.",
    body: spaces.WorkspaceCreate,
    gives: [201, "It is made.", spaces.Workspace],
    fails: WRITE,
  }),
  operation("get", "/api/v1/workspaces/{id}", {
    tag: "Workspaces",
    summary: "Show a workspace",
    params: z.object({ id }),
    gives: [200, "The workspace; its ETag is its version.", spaces.Workspace],
    fails: [...READ, 404],
  }),
  operation("patch", "/api/v1/workspaces/{id}", {
    tag: "Workspaces",
    summary: "Change a workspace",
    description:
      "A JSON merge patch. Its admins name it; its limits are for operators to set. New limits hold everywhere within 90 seconds.",
    params: z.object({ id }),
    headers: ifMatch,
    body: spaces.WorkspacePatch,
    gives: [200, "The workspace as it is now.", spaces.Workspace],
    fails: [...WRITE, 404, 409, 412],
  }),
  operation("post", "/api/v1/workspaces/{id}/leave", {
    tag: "Workspaces",
    summary: "Leave a workspace",
    description:
      "One's sessions in it end at once, this one too if it is one. API keys that one has made stay: they belong to the workspace. Its last admin makes somebody else one first.",
    by: "person",
    params: z.object({ id }),
    gives: [200, "One is no member any more.", Deleted],
    fails: [...READ, 404, 409],
  }),
  operation("get", "/api/v1/workspaces/{id}/members", {
    tag: "Workspaces",
    summary: "List the members",
    params: z.object({ id }),
    gives: [200, "They, by id.", spaces.MemberList],
    fails: [...READ, 404],
  }),
  operation("patch", "/api/v1/workspaces/{id}/members/{userId}", {
    tag: "Workspaces",
    summary: "Give a member another role",
    description: "It counts at once; for requests to models within 30 seconds. The last admin stays one.",
    params: z.object({ id, userId }),
    body: spaces.MemberPatch,
    gives: [200, "The member as they are now.", spaces.Member],
    fails: [...WRITE, 404, 409],
  }),
  operation("delete", "/api/v1/workspaces/{id}/members/{userId}", {
    tag: "Workspaces",
    summary: "Remove a member",
    description:
      "Their sessions in it end at once. API keys that they have made belong to the workspace, and are not touched.",
    params: z.object({ id, userId }),
    gives: [200, "They are no member any more.", Deleted],
    fails: [...READ, 404, 409],
  }),
  operation("get", "/api/v1/workspaces/{id}/invites", {
    tag: "Workspaces",
    summary: "List the open invitations",
    params: z.object({ id }),
    gives: [200, "They, newest first.", spaces.InviteList],
    fails: [...READ, 404],
  }),
  operation("post", "/api/v1/workspaces/{id}/invites", {
    tag: "Workspaces",
    summary: "Invite somebody",
    description:
      "Its token leads into the workspace once. It is good for signing up unless SIGNUP_POLICY is `closed`.",
    params: z.object({ id }),
    body: spaces.InviteCreate,
    gives: [201, "The invitation, with its token.", spaces.NewInvite],
    fails: [...WRITE, 404],
  }),
  operation("delete", "/api/v1/workspaces/{id}/invites/{inviteId}", {
    tag: "Workspaces",
    summary: "Take an invitation back",
    params: z.object({ id, inviteId }),
    gives: [200, "Its token is good no more.", Deleted],
    fails: [...READ, 404],
  }),
];

const OPERATORS = [
  operation("post", "/auth/password/reset-token", {
    tag: "Operators",
    summary: "Make a token for a new password",
    description:
      "For somebody who has forgotten theirs. Those that were made for them before are good no more.",
    body: accounts.ResetTokenRequest,
    gives: [201, "The token; good for an hour.", accounts.ResetToken],
    fails: [...WRITE, 404],
  }),
  operation("get", "/admin/users", {
    tag: "Operators",
    summary: "List the accounts",
    query: z.object({ operators: flag("`true`: those of the operators' workspaces alone."), ...page }),
    gives: [200, "They, by id.", spaces.AccountList],
    fails: [...READ, 400],
  }),
  operation("post", "/admin/users", {
    tag: "Operators",
    summary: "Make an account",
    description: "In the operators' workspace, under every SIGNUP_POLICY.",
    body: spaces.AccountCreate,
    gives: [201, "The account; with its password where one was made.", spaces.NewAccount],
    fails: [...WRITE, 409],
  }),
  operation("patch", "/admin/users/{id}", {
    tag: "Operators",
    summary: "Let somebody in no more, or again",
    description: "Who is disabled cannot sign in, and all of their sessions end at once.",
    params: z.object({ id: userId }),
    body: spaces.AccountPatch,
    gives: [200, "The account as it is now.", spaces.Account],
    fails: [...WRITE, 404, 409],
  }),
];

/** People's part of the description of the API. */
export const ACCOUNT_OPERATIONS = [...SESSION, ...WORKSPACES, ...OPERATORS];
