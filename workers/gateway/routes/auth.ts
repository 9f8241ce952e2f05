import type { Context } from "hono";
import { normalEmail, normalPassword } from "../../../shared/auth/password-rule.ts";
import { hashToken, isTokenForm } from "../../../shared/auth/tokens.ts";
import {
  InviteAcceptance,
  type Joined,
  type LoggedOut,
  LoginRequest,
  LogoutRequest,
  type Me,
  type Membership,
  RefreshRequest,
  type Session,
} from "../../../shared/contracts/accounts.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { joinByInvite } from "../accounts/join.ts";
import { newSession, nextTokens, viewUser } from "../accounts/session.ts";
import { forgivePasswordAttempts, takePasswordAttempt } from "../accounts/throttled.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { FoundToken } from "../store/sessions.ts";
import type { UserRow } from "../store/users.ts";

type C = Context<AppEnv>;

/** What a store gives, or the failure that it made. */
const settled = async <T>(run: Run, work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> => {
  const given = await fromStore(run, work);
  return given.ok ? given.value : given;
};

/** `POST /auth/login` */
export async function login(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, LoginRequest);
  if (!body.ok) return answer(run, body);
  const email = normalEmail(body.value.email);
  const taken = await takePasswordAttempt(run, email);
  if (!taken.ok) return answer(run, taken);
  return answer(run, await settled(run, () => signIn(run, email, body.value)));
}

type Wanted = { readonly password: string; readonly workspaceId?: string; readonly inviteToken?: string };

async function signIn(run: Run, email: string, wanted: Wanted): Promise<Result<Session, Failure>> {
  const { users, sessions } = run.ports.accounts;
  const user = await passwordHolder(run, await users.find(email), wanted.password);
  if (!user) return err({ kind: "invalid_credentials" });
  await forgivePasswordAttempts(run, email);
  const joined =
    wanted.inviteToken === undefined ? undefined : await joinByInvite(run, user, wanted.inviteToken);
  if (joined && !joined.ok) return joined;
  const workspace = choose(await users.workspacesOf(user.id), wanted.workspaceId ?? joined?.value.id);
  if (!workspace.ok) return workspace;
  const session = await newSession(run.ports, { user, workspace: workspace.value });
  const entry = entryOf(run, {
    workspaceId: workspace.value.id,
    actor: { kind: "user", id: user.id },
    action: "session.create",
    resource: { type: "session", id: session.row.id },
  });
  await sessions.open(entry, session.row, run.ports.now());
  return ok(session.answer);
}

/**
 * The user, if the password is theirs and they may sign in. It takes as long, and says as little, where there is none. A
 * hash that has become too cheap is replaced behind the answer.
 */
async function passwordHolder(
  run: Run,
  user: UserRow | undefined,
  password: string,
): Promise<UserRow | undefined> {
  const text = normalPassword(password);
  const { accounts, passwords } = run.ports;
  const { right, stale } = await passwords.verify(text, user?.passwordHash);
  if (!user) return undefined;
  if (!right || user.disabledAtMs !== null) {
    run.defer(noteRefusal(run, user).catch((error: unknown) => run.fail(error)));
    return undefined;
  }
  if (stale) {
    const work = passwords.hash(text).then((hash) => accounts.users.rehash(user.id, user.passwordHash, hash));
    run.defer(work.catch((error: unknown) => run.fail(error)));
  }
  return user;
}

/** Writes a refused sign-in down, behind the answer: how long that takes must not tell that there is such an account. */
async function noteRefusal(run: Run, user: UserRow): Promise<void> {
  const { accounts, audit } = run.ports;
  const [workspace] = await accounts.users.workspacesOf(user.id);
  if (!workspace) return;
  const resource = { type: "user", id: user.id };
  await audit.commit(
    entryOf(run, { workspaceId: workspace.id, action: "session.refuse", resource, outcome: "denied" }),
  );
}

function choose(workspaces: readonly Membership[], id: string | undefined): Result<Membership, Failure> {
  const found = id === undefined ? workspaces[0] : workspaces.find((each) => each.id === id);
  if (found) return ok(found);
  const message =
    id === undefined
      ? "You belong to no workspace. Ask for an invitation, and sign in with it as `inviteToken`."
      : "You are no member of this workspace.";
  return err({ kind: "forbidden", message });
}

/** `POST /auth/refresh` */
export async function refresh(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, RefreshRequest);
  if (!body.ok) return answer(run, body);
  return answer(run, await settled(run, () => goOn(run, body.value.refreshToken)));
}

async function goOn(run: Run, token: string): Promise<Result<Session, Failure>> {
  const { accounts, now } = run.ports;
  if (!isTokenForm("refresh", token)) return err({ kind: "invalid_token" });
  const hash = await hashToken(token);
  const found = await accounts.sessions.find(hash, now());
  if (!found) return err({ kind: "invalid_token" });
  if (found.used) return endReused(run, found);
  const { role, workspace, user } = found;
  if (!found.live || role === undefined) return err({ kind: "invalid_token" });
  const { answer, refreshHash } = await nextTokens(run.ports, found.sessionId, {
    user,
    workspace: { ...workspace, role },
  });
  const rotated = await accounts.sessions.rotate(found.sessionId, { old: hash, next: refreshHash }, now());
  // There is no time of grace: of two who present one token at once, one has stolen it, and nobody can say which.
  return rotated === "done" ? ok(answer) : endReused(run, found);
}

/** A token that comes a second time was stolen, from whoever came first or whoever comes now: the session ends for both. */
async function endReused(
  run: Run,
  { sessionId, user, workspace }: FoundToken,
): Promise<Result<never, Failure>> {
  const entry = entryOf(run, {
    workspaceId: workspace.id,
    actor: { kind: "user", id: user.id },
    action: "session.reuse",
    resource: { type: "session", id: sessionId },
    outcome: "denied",
  });
  await run.ports.accounts.sessions.end(entry, { sessionId }, run.ports.now());
  return err({ kind: "invalid_token" });
}

/** `POST /auth/logout` */
export async function logout(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, LogoutRequest, "{}");
  if (!body.ok) return answer(run, body);
  const { principal, sessionId = "" } = run;
  const everywhere = body.value.everywhere ?? false;
  if (!principal) return answer(run, err({ kind: "invalid_token" }));
  const entry = entryOf(run, {
    workspaceId: principal.workspaceId,
    action: "session.end",
    resource: { type: "session", id: sessionId },
    details: { everywhere },
  });
  const which = everywhere ? { userId: principal.id } : { sessionId };
  const ended = await fromStore(run, () => run.ports.accounts.sessions.end(entry, which, run.ports.now()));
  return answer(run, ended.ok ? ok({ object: "logout", everywhere } satisfies LoggedOut) : ended);
}

/** `GET /auth/me` */
export async function me(c: C): Promise<Response> {
  const { run } = c.env;
  const { principal } = run;
  if (!principal) return answer(run, err({ kind: "invalid_token" }));
  const { users } = run.ports.accounts;
  const found = await fromStore(run, () =>
    Promise.all([users.get(principal.id), users.workspacesOf(principal.id)]),
  );
  if (!found.ok) return answer(run, found);
  const [user, workspaces] = found.value;
  const workspace = workspaces.find(({ id }) => id === principal.workspaceId);
  // Both were there a moment ago.
  if (!user || !workspace) return answer(run, err({ kind: "invalid_token" }));
  return answer(run, ok({ object: "me", user: viewUser(user), workspace, workspaces } satisfies Me));
}

/** `POST /auth/invites/accept` */
export async function acceptInvite(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, InviteAcceptance);
  if (!body.ok) return answer(run, body);
  const joined = await settled(run, async () => {
    const user = await run.ports.accounts.users.get(run.principal?.id ?? "");
    return user ? joinByInvite(run, user, body.value.token) : err({ kind: "invalid_token" } as const);
  });
  return answer(
    run,
    joined.ok ? ok({ object: "membership", workspace: joined.value } satisfies Joined) : joined,
  );
}
