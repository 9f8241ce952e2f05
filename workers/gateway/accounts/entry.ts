import type { Actor, AuditEntry } from "../../../shared/audit/entry.ts";
import type { Run } from "../run.ts";

/** What somebody did: in which workspace, and with what. */
export type Deed = Pick<AuditEntry, "workspaceId" | "action" | "resource"> &
  Partial<Pick<AuditEntry, "outcome" | "details" | "actor">>;

/** An entry of the audit log about a request. Whoever asked did it, unless told. */
export function entryOf(run: Run, { outcome = "pass", ...deed }: Deed): AuditEntry {
  const { principal } = run;
  const caller: Actor = principal
    ? { kind: principal.kind, id: principal.id }
    : { kind: "system", id: "anonymous" };
  return { actor: caller, ...deed, outcome, requestId: run.id };
}
