import type { Context } from "hono";
import type { Role } from "../../../shared/auth/permissions.ts";
import { etagOf } from "../../../shared/contracts/if-match.ts";
import { Limits } from "../../../shared/contracts/limits.ts";
import { mergePatch } from "../../../shared/contracts/merge-patch.ts";
import { invalidRequest } from "../../../shared/contracts/parse-body.ts";
import {
  type Workspace,
  WorkspaceCreate,
  type WorkspaceList,
  WorkspacePatch,
} from "../../../shared/contracts/workspaces.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { callerOf, isOperator, pageOf, workspaceOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { newId } from "../accounts/session.ts";
import { answer, fromStore, readChecked, switchOf, versionOf } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { WorkspaceRow } from "../store/workspaces.ts";

type C = Context<AppEnv>;

const view = ({ id, name, operator, limits, version, createdAtMs }: WorkspaceRow): Workspace => ({
  object: "workspace",
  id,
  name,
  operator,
  limits,
  version,
  createdAtMs,
});

const show = (run: Run, row: WorkspaceRow, status = 200): Response =>
  answer(run, ok(view(row)), { status, headers: { etag: etagOf(row.version) } });

/** `GET /api/v1/workspaces`: one's own; for operators all with `?all=true`. */
export async function listWorkspaces(c: C): Promise<Response> {
  const { run } = c.env;
  const all = switchOf(c, "all", false);
  if (!all.ok) return answer(run, all);
  if (all.value && !isOperator(run))
    return answer(run, err({ kind: "forbidden", message: "All workspaces are for operators to see." }));
  const page = pageOf(c);
  if (!page.ok) return answer(run, page);
  const listed = await fromStore(run, () => list(run, all.value, page.value));
  return answer(run, listed);
}

async function list(run: Run, all: boolean, page: { limit: number; after: string }): Promise<WorkspaceList> {
  // One more than is asked for tells whether there are more.
  const rows = await rowsOf(run, all, { ...page, limit: page.limit + 1 });
  const data = rows.slice(0, page.limit).map((row) => ({ ...view(row), role: row.role }));
  return { object: "list", data, hasMore: rows.length > page.limit };
}

/** A person belongs to several workspaces, a key to one. */
async function rowsOf(
  run: Run,
  all: boolean,
  page: { limit: number; after: string },
): Promise<(WorkspaceRow & { readonly role: Role | null })[]> {
  const { workspaces } = run.ports.accounts;
  const { kind, id, workspaceId, role } = callerOf(run);
  if (all) {
    const rows = await workspaces.list(id, page);
    return kind === "user"
      ? rows
      : rows.map((row) => ({ ...row, role: row.id === workspaceId ? role : null }));
  }
  if (kind === "user") return workspaces.ofUser(id, page);
  const row = await workspaces.get(workspaceId);
  return row && row.id > page.after ? [{ ...row, role }] : [];
}

/** `POST /api/v1/workspaces` */
export async function createWorkspace(c: C): Promise<Response> {
  const { run } = c.env;
  const { accounts, now } = run.ports;
  const body = await readChecked(c, WorkspaceCreate);
  if (!body.ok) return answer(run, body);
  const nowMs = now();
  const row = {
    id: newId(run.ports, "ws"),
    name: body.value.name,
    limits: body.value.limits ?? null,
    operator: false,
    version: 1,
    createdAtMs: nowMs,
  };
  const entry = entryOf(run, {
    workspaceId: callerOf(run).workspaceId,
    action: "workspace.create",
    resource: { type: "workspace", id: row.id },
    details: { limits: row.limits },
  });
  const { id, name, limits } = row;
  const created = await fromStore(run, () => accounts.workspaces.create(entry, { id, name, limits }, nowMs));
  return created.ok ? show(run, row, 201) : answer(run, created);
}

/** `GET /api/v1/workspaces/{id}` */
export async function getWorkspace(c: C): Promise<Response> {
  const found = await workspaceOf(c);
  return found.ok ? show(c.env.run, found.value) : answer(c.env.run, found);
}

/** `PATCH /api/v1/workspaces/{id}`: its name by its admins, its limits by operators. */
export async function patchWorkspace(c: C): Promise<Response> {
  const { run } = c.env;
  const version = versionOf(c);
  if (!version.ok) return answer(run, version);
  const body = await readChecked(c, WorkspacePatch);
  if (!body.ok) return answer(run, body);
  if (body.value.limits !== undefined && !isOperator(run))
    return answer(
      run,
      err({ kind: "forbidden", message: "The limits of a workspace are for operators to set." }),
    );
  const found = await workspaceOf(c);
  if (!found.ok) return answer(run, found);
  const row = found.value;
  if (version.value !== undefined && version.value !== row.version)
    return answer(run, err({ kind: "precondition_failed", resource: "workspace", current: row.version }));
  const limits = patchedLimits(row, body.value.limits);
  if (!limits.ok) return answer(run, limits);
  const next = { ...row, name: body.value.name ?? row.name, limits: limits.value };
  const changed = await change(run, row, next);
  return changed.ok ? show(run, { ...next, version: row.version + 1 }) : answer(run, changed);
}

function patchedLimits(row: WorkspaceRow, patch: unknown): Result<Limits | null, Failure> {
  if (patch === undefined) return ok(row.limits);
  if (patch === null) return ok(null);
  const merged = Limits.safeParse(mergePatch(row.limits ?? {}, patch));
  return merged.success ? ok(merged.data) : err(invalidRequest(merged.error));
}

async function change(run: Run, row: WorkspaceRow, next: WorkspaceRow): Promise<Result<void, Failure>> {
  const entry = entryOf(run, {
    workspaceId: row.id,
    action: "workspace.update",
    resource: { type: "workspace", id: row.id },
    details: {
      ...(next.name !== row.name && { name: next.name }),
      ...(next.limits !== row.limits && { limits: next.limits }),
    },
  });
  const { id, name, limits } = next;
  const done = await fromStore(run, () =>
    run.ports.accounts.workspaces.change(entry, { id, name, limits, version: row.version }),
  );
  if (!done.ok) return done;
  return done.value === "done"
    ? ok(undefined)
    : err({
        kind: "conflict",
        message: "Others change this workspace at the same time. Read it, and try again.",
      });
}
