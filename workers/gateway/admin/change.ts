import type { Failure } from "../../../shared/kernel/failure.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import type { RegistrySnapshot } from "../../../shared/models/snapshot.ts";
import type { Run } from "../run.ts";
import type { Decide } from "../store/registry.ts";
import { type Deed, entryOf } from "./audit-entry.ts";
import { fromStore } from "./request.ts";

/**
 * Changes the registry and writes down who did, in one transaction, and tells those who keep a copy of it before the
 * operator is answered.
 */
export async function changeRegistry(
  run: Run,
  deed: Deed,
  decide: Decide,
): Promise<Result<RegistrySnapshot, Failure>> {
  const { registry, engines, fleet, now } = run.ports;
  const changed = await fromStore(run, () => registry.change(decide, now(), entryOf(run, deed)));
  if (!changed.ok) return changed;
  // It is changed, whoever could not be told: copies are read anew after a while by themselves.
  if (changed.value.ok) {
    await engines
      .changed()
      .then(() => fleet.reload())
      .catch((error: unknown) => run.fail(error));
  }
  return changed.value;
}
