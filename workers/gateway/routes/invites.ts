import type { Context } from "hono";
import { normalEmail } from "../../../shared/auth/password-rule.ts";
import { createToken, hashToken } from "../../../shared/auth/tokens.ts";
import type { Deleted } from "../../../shared/contracts/admin-models.ts";
import {
  type Invite,
  InviteCreate,
  type InviteList,
  type NewInvite,
} from "../../../shared/contracts/workspaces.ts";
import { err, ok } from "../../../shared/kernel/result.ts";
import { callerOf, workspaceOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { newId } from "../accounts/session.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { OneTimeToken } from "../store/one-time-tokens.ts";

type C = Context<AppEnv>;

const HOUR_MS = 3_600_000;
const HOURS_DEFAULT = 7 * 24;

const view = ({ id, role, email, createdBy, createdAtMs, expiresAtMs }: OneTimeToken): Invite => ({
  object: "invite",
  id,
  // An invitation has one; the column is empty for other tokens alone.
  role: role ?? "viewer",
  email,
  createdBy,
  createdAtMs,
  expiresAtMs,
});

/** `GET /api/v1/workspaces/{id}/invites` */
export async function listInvites(c: C): Promise<Response> {
  const { run } = c.env;
  const workspace = await workspaceOf(c);
  if (!workspace.ok) return answer(run, workspace);
  const { accounts, now } = run.ports;
  const rows = await fromStore(run, () => accounts.tokens.invites(workspace.value.id, now()));
  if (!rows.ok) return answer(run, rows);
  return answer(run, ok({ object: "list", data: rows.value.map(view) } satisfies InviteList));
}

/** `POST /api/v1/workspaces/{id}/invites` */
export async function createInvite(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now, randomBytes } = run.ports;
  const body = await readChecked(c, InviteCreate);
  if (!body.ok) return answer(run, body);
  const workspace = await workspaceOf(c);
  if (!workspace.ok) return answer(run, workspace);
  const { role, email, expiresInHours = HOURS_DEFAULT } = body.value;
  const token = createToken("invite", randomBytes);
  const nowMs = now();
  const row: OneTimeToken = {
    hash: await hashToken(token),
    id: newId(run.ports, "inv"),
    purpose: "invite",
    userId: null,
    workspaceId: workspace.value.id,
    role,
    email: email === undefined ? null : normalEmail(email),
    createdBy: callerOf(run).id,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + expiresInHours * HOUR_MS,
    usedAtMs: null,
  };
  const entry = entryOf(run, {
    workspaceId: workspace.value.id,
    action: "invite.create",
    resource: { type: "invite", id: row.id },
    details: { role },
  });
  const created = await fromStore(run, () => accounts.tokens.create(entry, row, nowMs));
  if (!created.ok) return answer(run, created);
  return answer(run, ok({ ...view(row), token } satisfies NewInvite), { status: 201 });
}

/** `DELETE /api/v1/workspaces/{id}/invites/{inviteId}` */
export async function deleteInvite(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now } = run.ports;
  const workspace = await workspaceOf(c);
  if (!workspace.ok) return answer(run, workspace);
  const workspaceId = workspace.value.id;
  const id = c.req.param("inviteId") ?? "";
  const entry = entryOf(run, { workspaceId, action: "invite.revoke", resource: { type: "invite", id } });
  const ended = await fromStore(run, async () => {
    const open = await accounts.tokens.invites(workspaceId, now());
    const invite = open.find((each) => each.id === id);
    return invite ? accounts.tokens.end(entry, invite, now()) : "gone";
  });
  if (!ended.ok) return answer(run, ended);
  const gone: Deleted = { object: "invite", id, deleted: true };
  return answer(run, ended.value === "gone" ? err({ kind: "not_found", resource: "invite", id }) : ok(gone));
}
