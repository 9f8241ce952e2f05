import { createAccount, createWorkspace } from "../../../scripts/platform/accounts.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import type { Session } from "../../../shared/contracts/accounts.ts";
import { createToken, hashToken } from "../../../shared/auth/tokens.ts";
import { SessionId, UserId, WorkspaceId, randomBase62 } from "../../../shared/kernel/ids.ts";
import { createAccessTokens } from "../auth/access-token.ts";
import { createPasswords } from "../auth/password.ts";
import { CHEAP_PASSWORDS, type Proof } from "./harness.ts";

export { errorOf } from "./asking.ts";

/** What a request has beside its method and path. */
export type Ask = {
  readonly body?: unknown;
  /** An access token, or a key. */
  readonly token?: string | undefined;
  /** The address that it seems to come from; another for each request when absent. */
  readonly ip?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export const PASSWORD = "correct horse battery staple";

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
let passwordHash: Promise<string> | undefined;
let serial = 0;
/** An address that nobody has had yet. */
export const newIp = (): string => {
  serial += 1;
  return `198.18.${Math.floor(serial / 250)}.${serial % 250}`;
};
/** An e-mail address that nobody has. */
export const newEmail = (): string => {
  serial += 1;
  return `person-${serial}@example.com`;
};

/** The accounts' API of a proof. Its answers are judged as all others are. `secret` signs its tokens, if not the pepper. */
export function accountsOf(proof: () => Proof, secret?: string) {
  const ask = (
    method: string,
    path: string,
    { body, token, ip, headers = {} }: Ask = {},
  ): Promise<Response> =>
    proof().fetch(proof().url + path, {
      method,
      headers: {
        "cf-connecting-ip": ip ?? newIp(),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const post = (path: string, body: unknown, more: Ask = {}) => ask("POST", path, { ...more, body });
  /** What a request that goes well answers. */
  const gives = async <T>(asked: Promise<Response>): Promise<T> => {
    const response = await asked;
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const workspace = (operator = false) =>
    createWorkspace(proof().database, "a workspace", Date.now(), { operator });
  const sql = (text: string, ...values: unknown[]) =>
    proof()
      .database.prepare(text)
      .bind(...values)
      .run();
  /** An account in a workspace, made from without. */
  const person = async (role: Role = "admin", workspaceId?: string, email = newEmail()) => {
    const ws = workspaceId ?? (await workspace());
    passwordHash ??= createPasswords(random, CHEAP_PASSWORDS).hash(PASSWORD);
    const more = { email, name: "Ada", passwordHash: await passwordHash, role, nowMs: Date.now() };
    const id = await createAccount(proof().database, { workspaceId: ws, ...more });
    return { id, email, workspaceId: ws };
  };
  const login = (email: string, more: object = {}, password = PASSWORD) =>
    gives<Session>(post("/auth/login", { email, password, ...more }));
  /** An account with a session, made from without as well: a sign-in takes a third of a second. */
  const signedIn = async (role: Role = "admin", workspaceId?: string) => {
    const someone = await person(role, workspaceId);
    const nowMs = Date.now();
    const sid = SessionId.parse(`ses_${randomBase62(20, random)}`);
    const refreshToken = createToken("refresh", random);
    const claims = { sub: UserId.parse(someone.id), sid, ws: WorkspaceId.parse(someone.workspaceId) };
    const accessToken = await createAccessTokens(secret ?? proof().pepper).issue(claims, nowMs);
    await sql(
      "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, NULL)",
      sid,
      claims.sub,
      claims.ws,
      nowMs,
      nowMs + 60_000,
    );
    await sql("INSERT INTO refresh_tokens VALUES (?, ?, ?, NULL)", await hashToken(refreshToken), sid, nowMs);
    return { ...someone, accessToken, refreshToken };
  };
  return { ask, post, gives, workspace, person, login, signedIn, sql };
}
