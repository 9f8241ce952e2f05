import type { Context } from "hono";
import { type Member, type MemberList, MemberPatch } from "../../../shared/contracts/workspaces.ts";
import type { Deleted } from "../../../shared/contracts/admin-models.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { callerOf, workspaceOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { MemberRow } from "../store/workspaces.ts";

type C = Context<AppEnv>;

const LAST: Failure = {
  kind: "conflict",
  message: "This is the last admin of the workspace. Make somebody else one first.",
};

const view = ({ userId, email, name, role, disabledAtMs, createdAtMs }: MemberRow): Member => ({
  object: "member",
  userId,
  email,
  name,
  role,
  disabled: disabledAtMs !== null,
  createdAtMs,
});

/** `GET /api/v1/workspaces/{id}/members` */
export async function listMembers(c: C): Promise<Response> {
  const { run } = c.env;
  const workspace = await workspaceOf(c);
  if (!workspace.ok) return answer(run, workspace);
  const rows = await fromStore(run, () => run.ports.accounts.workspaces.members(workspace.value.id));
  if (!rows.ok) return answer(run, rows);
  return answer(run, ok({ object: "list", data: rows.value.map(view) } satisfies MemberList));
}

/** `PATCH /api/v1/workspaces/{id}/members/{userId}` */
export async function patchMember(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, MemberPatch);
  if (!body.ok) return answer(run, body);
  const member = await memberOf(c);
  if (!member.ok) return answer(run, member);
  const { workspaceId, row } = member.value;
  const { role } = body.value;
  const entry = entryOf(run, {
    workspaceId,
    action: "member.update",
    resource: { type: "user", id: row.userId },
    details: { from: row.role, to: role },
  });
  const place = { workspaceId, userId: row.userId };
  const set = await fromStore(run, () => run.ports.accounts.workspaces.setRole(entry, place, role));
  if (!set.ok) return answer(run, set);
  return answer(run, set.value === "last" ? err(LAST) : ok(view({ ...row, role })));
}

/** `DELETE /api/v1/workspaces/{id}/members/{userId}`: their sessions in it end; keys that they have made are the workspace's. */
export async function deleteMember(c: C): Promise<Response> {
  const { run } = c.env;
  const member = await memberOf(c);
  if (!member.ok) return answer(run, member);
  return answer(run, await remove(run, { ...member.value, action: "member.remove" }));
}

/** `POST /api/v1/workspaces/{id}/leave`: any that one belongs to, not only the one of this session. */
export async function leaveWorkspace(c: C): Promise<Response> {
  const { run } = c.env;
  const workspaceId = c.req.param("id") ?? "";
  const { id: userId } = callerOf(run);
  const row = await fromStore(run, () => run.ports.accounts.workspaces.member({ workspaceId, userId }));
  if (!row.ok) return answer(run, row);
  if (!row.value) return answer(run, err({ kind: "not_found", resource: "workspace", id: workspaceId }));
  return answer(run, await remove(run, { workspaceId, row: row.value, action: "member.leave" }));
}

type Removal = MemberAt & { readonly action: "member.remove" | "member.leave" };

async function remove(run: Run, { workspaceId, row, action }: Removal): Promise<Result<Deleted, Failure>> {
  const { userId, role } = row;
  const resource = { type: "user", id: userId };
  const entry = entryOf(run, { workspaceId, action, resource, details: { role } });
  const removed = await fromStore(run, () =>
    run.ports.accounts.workspaces.remove(entry, { workspaceId, userId }, run.ports.now()),
  );
  if (!removed.ok) return removed;
  return removed.value === "last" ? err(LAST) : ok({ object: "member", id: userId, deleted: true });
}

type MemberAt = { readonly workspaceId: string; readonly row: MemberRow };

async function memberOf(c: C): Promise<Result<MemberAt, Failure>> {
  const { run } = c.env;
  const workspace = await workspaceOf(c);
  if (!workspace.ok) return workspace;
  const workspaceId = workspace.value.id;
  const userId = c.req.param("userId") ?? "";
  const row = await fromStore(run, () => run.ports.accounts.workspaces.member({ workspaceId, userId }));
  if (!row.ok) return row;
  return row.value
    ? ok({ workspaceId, row: row.value })
    : err({ kind: "not_found", resource: "member", id: userId });
}
