import type { Actor, AuditEntry } from "../../../shared/audit/entry.ts";
import type { Run } from "../run.ts";

/** What is to be written down of something that was done with a request. */
export type Deed = Pick<AuditEntry, "action" | "resource" | "details"> & {
  /** `pass` unless told. */
  readonly outcome?: AuditEntry["outcome"];
  /** In whose chain; that of the caller's workspace unless told. */
  readonly workspaceId?: string;
  /** Who did it; the caller unless told. */
  readonly actor?: Actor;
};

const ANONYMOUS: Actor = { kind: "system", id: "anonymous" };

/** A deed with this request, as the audit log takes it. Of nobody who is known, it has to say in whose chain it is. */
export function entryOf({ principal, id: requestId }: Run, { outcome = "pass", ...deed }: Deed): AuditEntry {
  const workspaceId = deed.workspaceId ?? principal?.workspaceId;
  if (workspaceId === undefined) throw new Error("a deed of nobody, in no workspace");
  const caller = principal ? { kind: principal.kind, id: principal.id } : ANONYMOUS;
  return { actor: caller, ...deed, workspaceId, outcome, requestId };
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
