import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { sizeOf } from "../../../shared/ledger/request-size.ts";
import { callerOf, whyNot } from "../middleware/guard.ts";
import { priceOf } from "../places.ts";
import type { Run } from "../run.ts";

/** How often a key that has been changed is looked up anew for one request. */
const LOOKUPS_MAX = 3;

/**
 * Has a request admitted by the ledger of its key. Where the ledger knows a newer key than this isolate, the key is looked up
 * anew, and whether it may still do this: `refusalOf` knows what it may of the request itself.
 */
export async function admit(
  run: Run,
  body: Readonly<Record<string, unknown>>,
  text: string,
  refusalOf: (principal: Principal) => Failure | undefined,
): Promise<Result<void, Failure>> {
  const { ports, request, defer } = run;
  run.price = priceOf(ports.fleet, run.modelId);
  const size = sizeOf(body, text);
  for (let lookups = 0; lookups < LOOKUPS_MAX; lookups++) {
    const { principal } = run;
    if (!principal) return err({ kind: "internal" });
    const admitted = await ports.ledgers.admit({
      id: run.id,
      principal,
      model: run.modelId ?? "",
      size,
      price: run.price,
      defer,
      gone: request.signal,
    });
    if (admitted.ok) {
      run.admission = admitted.value;
      return ok(undefined);
    }
    if (admitted.error !== "stale") return err(admitted.error);
    const caller = await callerOf(run, { fresh: true });
    if (!caller.ok) return caller;
    run.principal = caller.value;
    const why = whyNot(run, caller.value, "inference");
    if (why !== undefined) return err({ kind: "forbidden", message: why });
    const refusal = refusalOf(caller.value);
    if (refusal) return err(refusal);
  }
  return err({ kind: "store_unavailable" });
}
