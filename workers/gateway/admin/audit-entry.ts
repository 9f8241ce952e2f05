import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { Run } from "../run.ts";

/** What is to be written down of something that was done with a request. */
export type Deed = Pick<AuditEntry, "action" | "resource" | "details"> & {
  /** `pass` unless told. */
  readonly outcome?: AuditEntry["outcome"];
  /** In whose chain; that of the caller's workspace unless told. */
  readonly workspaceId?: string;
};

/** A deed of the caller of this request, as the audit log takes it. */
export function entryOf(run: Run, { outcome = "pass", workspaceId, ...deed }: Deed): AuditEntry {
  const { kind, id, workspaceId: own } = callerOf(run);
  return { workspaceId: workspaceId ?? own, actor: { kind, id }, outcome, requestId: run.id, ...deed };
}

/**
 * Writes down what has been done already, where it could not be done in the same transaction. The answer to a deed that
 * has been done does not become an error for that it could not be written down: then the log has the whole entry.
 */
export async function noteDeed(run: Run, deed: Deed): Promise<void> {
  const entry = entryOf(run, deed);
  await run.ports.audit.append([entry]).catch((error: unknown) => {
    run.fail(error);
    run.ports.log({ level: "error", event: "audit_unwritten", entry });
  });
}

/** Only behind the guard is anything done that is written down. */
function callerOf({ principal }: Run): Principal {
  if (!principal) throw new Error("a deed of nobody");
  return principal;
}
