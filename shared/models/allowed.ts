import { namesOf } from "../contracts/admin-models.ts";
import type { ListedModel, ModelIndex } from "./model-index.ts";
import type { FleetEngine } from "./resolve.ts";

/** Whether a model is among those that a key is for, which may name it by any of its names. */
export const isAllowed = <E extends FleetEngine>(
  allowed: readonly string[],
  { id, entry, places }: ListedModel<E>,
): boolean => {
  const names = entry ? namesOf(entry) : [id, ...places.flatMap(({ model }) => model.names)];
  return names.some((name) => allowed.includes(name));
};

/** Whether a key that is for these models alone may ask for one, whatever it calls it. */
export function mayAskFor<E extends FleetEngine>(
  allowed: readonly string[],
  index: ModelIndex<E>,
  name: string,
): boolean {
  if (allowed.includes(name)) return true;
  const places = index.find(name);
  const [first] = places ?? [];
  if (!first) {
    // Nobody serves it: what it would be, once somebody does.
    const entries = index.registered(name);
    return (
      entries.length === 1 && entries.some((entry) => isAllowed(allowed, { id: entry.id, entry, places: [] }))
    );
  }
  const listed =
    index.served.find((each) => each.places === places) ??
    index.served.find((each) => each.places.some(({ model }) => model === first.model));
  return listed !== undefined && isAllowed(allowed, listed);
}
