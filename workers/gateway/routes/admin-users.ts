import type { Context } from "hono";
import { checkPassword, normalEmail } from "../../../shared/auth/password-rule.ts";
import {
  type Account,
  AccountCreate,
  type AccountList,
  AccountPatch,
  type NewAccount,
} from "../../../shared/contracts/workspaces.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { err, ok } from "../../../shared/kernel/result.ts";
import { callerOf, pageOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { newId } from "../accounts/session.ts";
import { answer, fromStore, readChecked, switchOf } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Person } from "../store/users.ts";

type C = Context<AppEnv>;

/** Length of a password that is made: more than 140 random bits. */
const MADE_LENGTH = 24;

const view = ({ user, workspaces }: Person): Account => ({
  object: "user",
  id: user.id,
  email: user.email,
  name: user.name,
  disabled: user.disabledAtMs !== null,
  createdAtMs: user.createdAtMs,
  workspaces: [...workspaces],
});

/** `GET /admin/users`: everybody; with `?operators=true` those of the operators' workspaces. */
export async function listUsers(c: C): Promise<Response> {
  const { run } = c.env;
  const operators = switchOf(c, "operators", false);
  if (!operators.ok) return answer(run, operators);
  const page = pageOf(c);
  if (!page.ok) return answer(run, page);
  const { limit, after } = page.value;
  const wanted = { after, limit: limit + 1, operators: operators.value };
  const people = await fromStore(run, () => run.ports.accounts.users.list(wanted));
  if (!people.ok) return answer(run, people);
  const data = people.value.slice(0, limit).map(view);
  const hasMore = people.value.length > limit;
  return answer(run, ok({ object: "list", data, hasMore } satisfies AccountList));
}

/** `POST /admin/users`: an account in the workspace of whoever runs the platform. */
export async function createUser(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now, randomBytes } = run.ports;
  const body = await readChecked(c, AccountCreate);
  if (!body.ok) return answer(run, body);
  const { role = "admin", name, password: chosen } = body.value;
  const email = normalEmail(body.value.email);
  const checked = checkPassword(chosen ?? randomBase62(MADE_LENGTH, randomBytes), email);
  if (!checked.ok) return answer(run, checked);
  const passwordHash = await run.ports.passwords.hash(checked.value);
  const nowMs = now();
  const user = {
    id: newId(run.ports, "usr"),
    email,
    name: name ?? email.split("@")[0] ?? email,
    passwordHash,
    disabledAtMs: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  const { workspaceId } = callerOf(run);
  const entry = entryOf(run, {
    workspaceId,
    action: "user.create",
    resource: { type: "user", id: user.id },
    details: { role },
  });
  const created = await fromStore(run, async () => {
    const outcome = await accounts.users.create(entry, { user, workspaceId, role }, nowMs);
    return { outcome, workspaces: await accounts.users.workspacesOf(user.id) };
  });
  if (!created.ok) return answer(run, created);
  if (created.value.outcome !== "done") {
    const message = `There is an account of \`${email}\`. Invite it into the workspace instead.`;
    return answer(run, err({ kind: "conflict", param: "email", message }));
  }
  const made: NewAccount = {
    ...view({ user, workspaces: created.value.workspaces }),
    ...(chosen === undefined && { password: checked.value }),
  };
  return answer(run, ok(made), { status: 201 });
}

/** `PATCH /admin/users/{id}`: lets somebody in no more, which ends all of their sessions, or again. */
export async function patchUser(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now } = run.ports;
  const body = await readChecked(c, AccountPatch);
  if (!body.ok) return answer(run, body);
  const id = c.req.param("id") ?? "";
  const { disabled } = body.value;
  if (disabled && callerOf(run).id === id)
    return answer(run, err({ kind: "conflict", message: "You cannot shut yourself out." }));
  const found = await fromStore(run, () => accounts.users.get(id));
  if (!found.ok) return answer(run, found);
  const user = found.value;
  if (!user) return answer(run, err({ kind: "not_found", resource: "user", id }));
  const entry = entryOf(run, {
    workspaceId: callerOf(run).workspaceId,
    action: disabled ? "user.disable" : "user.enable",
    resource: { type: "user", id },
  });
  const nowMs = now();
  const changed = await fromStore(run, async () => {
    await accounts.users.setDisabled(entry, id, disabled, nowMs);
    return accounts.users.workspacesOf(id);
  });
  if (!changed.ok) return answer(run, changed);
  return answer(
    run,
    ok(view({ user: { ...user, disabledAtMs: disabled ? nowMs : null }, workspaces: changed.value })),
  );
}
