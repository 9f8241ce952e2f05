import { may, whyForbidden } from "../../../shared/auth/permissions.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { ApiKey } from "../../../shared/contracts/keys.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";

/** The workspace whose keys a request is about: the caller's own, or for operators the one that they name. */
export function workspaceOf(caller: Principal, named: string | undefined): Result<string, Failure> {
  if (named === undefined || named === caller.workspaceId) return ok(caller.workspaceId);
  const why = whyForbidden(caller, "accounts:any");
  return why === undefined ? ok(named) : err({ kind: "forbidden", message: why });
}

/** Whether a caller may deal with a key: admins with all of the workspace, others with what they have made and are. */
export const isInReach = (caller: Principal, key: Pick<ApiKey, "id" | "createdBy">): boolean =>
  may(caller, "keys:any") || key.createdBy === caller.id || key.id === caller.id;

/** That there is no such key, as far as the caller is to know. */
export const noSuchKey = (id: string): { readonly ok: false; readonly error: Failure } =>
  err({ kind: "not_found", resource: "key", id });
