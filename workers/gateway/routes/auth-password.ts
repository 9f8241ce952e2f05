import type { Context } from "hono";
import { checkPassword, normalEmail, normalPassword } from "../../../shared/auth/password-rule.ts";
import { createToken, hashToken, isTokenForm } from "../../../shared/auth/tokens.ts";
import {
  PasswordChange,
  PasswordReset,
  type PasswordSet,
  type ResetToken,
  ResetTokenRequest,
} from "../../../shared/contracts/accounts.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { newId, viewUser } from "../accounts/session.ts";
import { forgivePasswordAttempts, takePasswordAttempt } from "../accounts/throttled.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { OneTimeToken } from "../store/one-time-tokens.ts";
import type { UserRow } from "../store/users.ts";

type C = Context<AppEnv>;

/** How long a token for a new password is good, in milliseconds. */
const RESET_MS = 3_600_000;

const BAD_TOKEN: Failure = {
  kind: "invalid_request",
  param: "token",
  code: "invalid_reset_token",
  message: "`token`: is not good, or no longer. Ask an operator for a new one.",
};

/** `POST /auth/password`: whoever is signed in sets another password, and is signed out everywhere else. */
export async function changePassword(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, PasswordChange);
  if (!body.ok) return answer(run, body);
  const { accounts } = run.ports;
  const user = await fromStore(run, () => accounts.users.get(run.principal?.id ?? ""));
  if (!user.ok) return answer(run, user);
  if (!user.value) return answer(run, err({ kind: "invalid_token" }));
  const { email } = user.value;
  // An access token that was stolen must not be a way to guess the password.
  const taken = await takePasswordAttempt(run, email);
  if (!taken.ok) return answer(run, taken);
  const { currentPassword, newPassword } = body.value;
  const { right } = await run.ports.passwords.verify(
    normalPassword(currentPassword),
    user.value.passwordHash,
  );
  if (!right) return answer(run, err({ kind: "invalid_credentials" }));
  await forgivePasswordAttempts(run, email);
  const checked = checkPassword(newPassword, email, "newPassword");
  return answer(run, checked.ok ? await replacePassword(run, user.value, checked.value) : checked);
}

async function replacePassword(
  run: Run,
  user: UserRow,
  password: string,
): Promise<Result<PasswordSet, Failure>> {
  const { accounts, now, passwords } = run.ports;
  const hash = await passwords.hash(password);
  const entry = entryOf(run, {
    workspaceId: run.principal?.workspaceId ?? "",
    action: "password.change",
    resource: { type: "user", id: user.id },
  });
  const change = { userId: user.id, hash, exceptSession: run.sessionId ?? "" };
  const set = await fromStore(run, () => accounts.users.setPassword(entry, change, now()));
  return set.ok ? ok({ object: "password", changed: true, sessionsEnded: "others" }) : set;
}

/** `POST /auth/password/reset-token`: for operators, who hand it on. */
export async function createResetToken(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now } = run.ports;
  const body = await readChecked(c, ResetTokenRequest);
  if (!body.ok) return answer(run, body);
  const email = normalEmail(body.value.email);
  const user = await fromStore(run, () => accounts.users.find(email));
  if (!user.ok) return answer(run, user);
  if (!user.value) return answer(run, err({ kind: "not_found", resource: "user", id: email }));
  const token = createToken("passwordReset", run.ports.randomBytes);
  const nowMs = now();
  const row = await resetRow(run, user.value.id, token, nowMs);
  const entry = entryOf(run, {
    workspaceId: row.workspaceId,
    action: "password.reset-token",
    resource: { type: "user", id: user.value.id },
  });
  const created = await fromStore(run, () => accounts.tokens.create(entry, row, nowMs));
  if (!created.ok) return answer(run, created);
  const { expiresAtMs } = row;
  const made: ResetToken = { object: "password_reset_token", token, expiresAtMs, user: viewUser(user.value) };
  return answer(run, ok(made), { status: 201 });
}

const resetRow = async (run: Run, userId: string, token: string, nowMs: number) => ({
  hash: await hashToken(token),
  id: newId(run.ports, "pwr"),
  purpose: "password_reset" as const,
  userId,
  workspaceId: run.principal?.workspaceId ?? "",
  createdBy: run.principal?.id ?? null,
  createdAtMs: nowMs,
  expiresAtMs: nowMs + RESET_MS,
});

/** `POST /auth/password/reset` */
export async function resetPassword(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, PasswordReset);
  if (!body.ok) return answer(run, body);
  const { token, newPassword } = body.value;
  if (!isTokenForm("passwordReset", token)) return answer(run, err(BAD_TOKEN));
  const reset = await fromStore(run, () => resetWith(run, token, newPassword));
  return answer(run, reset.ok ? reset.value : reset);
}

async function resetWith(run: Run, token: string, password: string): Promise<Result<PasswordSet, Failure>> {
  const { accounts, now } = run.ports;
  const found = await accounts.tokens.find("password_reset", await hashToken(token), now());
  const user = found?.userId ? await accounts.users.get(found.userId) : undefined;
  if (!found || !user) return err(BAD_TOKEN);
  const checked = checkPassword(password, user.email, "newPassword");
  if (!checked.ok) return checked;
  const set = await setByToken(run, found, user, checked.value);
  if (set === "used") return err(BAD_TOKEN);
  await forgivePasswordAttempts(run, user.email);
  return ok({ object: "password", changed: true, sessionsEnded: "all" });
}

async function setByToken(
  run: Run,
  { hash: tokenHash, workspaceId }: OneTimeToken,
  user: UserRow,
  password: string,
): Promise<"done" | "used"> {
  const { accounts, now, passwords } = run.ports;
  const hash = await passwords.hash(password);
  const entry = entryOf(run, {
    workspaceId: workspaceId ?? "",
    actor: { kind: "user", id: user.id },
    action: "password.reset",
    resource: { type: "user", id: user.id },
  });
  return accounts.users.setPassword(entry, { userId: user.id, hash, tokenHash }, now());
}
