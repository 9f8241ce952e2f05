import type { EngineModel } from "../engines/engine.ts";

/** One engine as a snapshot of the fleet knows it. */
export type FleetEngine = {
  readonly id: string;
  readonly kind: string;
  readonly reachable: boolean;
  readonly models: readonly EngineModel[];
};

/** A place where a model is served. */
export type Place<E extends FleetEngine> = { readonly engine: E; readonly model: EngineModel };

/** Whether a caller may call a model so. */
export const isCalled = ({ names, anyCase }: EngineModel, name: string): boolean =>
  names.includes(name) || (anyCase === true && names.includes(name.toLowerCase()));

/** Every place that serves `name`, reachable engines first, in the operator's order. */
export function placesOf<E extends FleetEngine>(fleet: readonly E[], name: string): Place<E>[] {
  const places: Place<E>[] = [];
  for (const engine of fleet) {
    const model = engine.models.find((each) => isCalled(each, name));
    if (model) places.push({ engine, model });
  }
  return places.some(({ engine }) => !engine.reachable)
    ? [
        ...places.filter(({ engine }) => engine.reachable),
        ...places.filter(({ engine }) => !engine.reachable),
      ]
    : places;
}

/** A text longer than this is no mistyped name, and comparing it would cost its length times each name's. */
const NAME_CHARS_MAX = 200;

/** Up to three served names that are nearest to `name`, nearest first. */
export function similarNames(names: readonly string[], name: string): string[] {
  if (name.length > NAME_CHARS_MAX) return [];
  const wanted = name.toLowerCase();
  return names
    .map((each) => ({ each, distance: distanceOf(wanted, each.toLowerCase()) }))
    .filter(
      ({ each, distance }) => distance <= Math.max(2, Math.ceil(Math.max(wanted.length, each.length) * 0.5)),
    )
    .toSorted((a, b) => a.distance - b.distance || a.each.localeCompare(b.each))
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Edits from one name to the other; a name within the other counts as near. */
function distanceOf(a: string, b: string): number {
  if (a !== "" && (b.includes(a) || (a.includes(b) && b !== ""))) return 1;
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? b.length;
}
