import type { Context } from "hono";
import { may } from "../../../shared/auth/permissions.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { AppEnv } from "../app-env.ts";
import { fromStore } from "../admin/request.ts";
import type { Run } from "../run.ts";
import type { WorkspaceRow } from "../store/workspaces.ts";

/** Whom a guarded request is from: the guard has found out. */
export function callerOf(run: Run): Principal {
  if (!run.principal) throw new Error("a handler needs its guard");
  return run.principal;
}

/** Whether whoever asks acts on all workspaces. */
export const isOperator = (run: Run): boolean => may(callerOf(run), "accounts:any");

/**
 * The workspace of the address, for those who may act on it: their own, or any for operators. Another's is not there, for
 * whoever may not see it.
 */
export async function workspaceOf(c: Context<AppEnv>): Promise<Result<WorkspaceRow, Failure>> {
  const { run } = c.env;
  const id = c.req.param("id") ?? "";
  const missing: Failure = { kind: "not_found", resource: "workspace", id };
  if (callerOf(run).workspaceId !== id && !isOperator(run)) return err(missing);
  const found = await fromStore(run, () => run.ports.accounts.workspaces.get(id));
  if (!found.ok) return found;
  return found.value ? ok(found.value) : err(missing);
}

/** Most that a page of a list has: D1 takes a hundred values in a statement. */
const PAGE_MAX = 50;

/** Which page of a list is asked for: `?limit=` and `?after=` the last id of the page before. */
export function pageOf(c: Context<AppEnv>): Result<{ limit: number; after: string }, Failure> {
  const text = c.req.query("limit") ?? String(PAGE_MAX);
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= PAGE_MAX) return ok({ limit, after: c.req.query("after") ?? "" });
  const message = `\`limit\`: is a number from 1 to ${PAGE_MAX}.`;
  return err({ kind: "invalid_request", param: "limit", message });
}
