import { type ModelEntry, namesOf } from "../contracts/admin-models.ts";
import type { EngineModel } from "../engines/engine.ts";
import type { Failure } from "../kernel/failure.ts";
import type { Price } from "../usage/price.ts";
import { createRegistry } from "./registry.ts";
import { type FleetEngine, type Place, similarNames } from "./resolve.ts";

/** A model as callers see it: its registered id, or an engine's own name for one that is not registered. */
export type ListedModel<E extends FleetEngine> = {
  readonly id: string;
  readonly entry: ModelEntry | undefined;
  readonly places: readonly Place<E>[];
};

/** Where every name is served, read once for a snapshot of the fleet. */
export type ModelIndex<E extends FleetEngine> = {
  /**
   * The places that serve `name`, in the operator's order, each engine once. Empty for a model that is registered and
   * not served; undefined for a name that means nothing, or not one thing.
   */
  find(name: string): readonly Place<E>[] | undefined;
  /** What to tell a caller whose name `find` does not know: with the names that were perhaps meant. */
  notFound(name: string): Failure;
  /** The registered models that a name may stand for, served or not. */
  registered(name: string): readonly ModelEntry[];
  /** Every model that is served, each once: the registered ones first. */
  readonly served: readonly ListedModel<E>[];
  /** The places of a registered model by its id, as engines list it, also of one that is retired. */
  listing(id: string): readonly Place<E>[];
  /** What a registered model costs, by its id; undefined for one that has no price. */
  priceOf(id: string): Price | undefined;
};

/** Longest list of candidates in an answer. */
const CANDIDATES_MAX = 5;

/**
 * Reads who serves what. It costs time by the number of models and engines, once; `find` is then one look-up, with the
 * same array for every asker. A model that an engine lists is known by all names of its registered entry, and by the
 * engine's own where they mean nothing else; one that is not registered, by the engine's own.
 */
export function indexModels<E extends FleetEngine>(
  own: readonly ModelEntry[],
  engines: readonly E[],
): ModelIndex<E> {
  const registry = createRegistry(own);
  const { byEntry, byName, spellings, caseless, order } = readEngines(registry.entries, engines);
  const placesOf = (entry: ModelEntry): readonly Place<E>[] =>
    entry.wish === "retire" ? [] : (byEntry.get(entry.id) ?? []);
  const served: ListedModel<E>[] = [
    ...registry.entries.map((entry) => ({ id: entry.id, entry, places: placesOf(entry) })),
    ...order.map((id) => ({ id, entry: undefined, places: byName.get(id) ?? [] })),
  ].filter(({ places }) => places.length > 0);

  const prices = new Map(registry.entries.map(({ id, price }) => [id, price]));

  const findExactly = (name: string): readonly Place<E>[] | undefined => {
    const spelled = byName.has(name) ? undefined : spellings.get(name);
    const resolution =
      registry.resolve(name) ?? (spelled === undefined ? undefined : registry.resolve(spelled));
    if (!resolution) return byName.get(name);
    if (resolution.kind === "ambiguous") return undefined;
    const { entries } = resolution;
    if (entries.length === 1 && entries[0]?.wish === "retire") return undefined;
    const choices = entries.map(placesOf).filter((places) => places.length > 0);
    const chosen = choices.find((places) => places.some(({ engine }) => engine.reachable)) ?? choices[0];
    // On a machine whose models nobody has registered, `default` is what there is.
    if (!chosen && name === "default") return served[0]?.places ?? [];
    return chosen ?? [];
  };

  const find = (name: string): readonly Place<E>[] | undefined => {
    const exact = findExactly(name);
    if (exact) return exact;
    const lowered = name.toLowerCase();
    return caseless.has(lowered) ? findExactly(lowered) : undefined;
  };

  return {
    find,
    served,
    registered(name) {
      const resolution = registry.resolve(name);
      return resolution?.kind === "models" ? resolution.entries : [];
    },
    listing: (id) => byEntry.get(id) ?? [],
    priceOf: (id) => prices.get(id),
    notFound(name) {
      const resolution = registry.resolve(name);
      const known = [...new Set(served.flatMap((model) => [model.id, ...shortNameOf(model)]))];
      const similar = resolution?.kind === "ambiguous" ? resolution.candidates : candidatesFor(known, name);
      return { kind: "model_not_found", model: name, similar: similar.slice(0, CANDIDATES_MAX) };
    },
  };
}

/** The shortest name of a model that is not registered. All its names would take the place of other models'. */
function shortNameOf<E extends FleetEngine>({ entry, places }: ListedModel<E>): readonly string[] {
  const names = entry ? [] : (places[0]?.model.names ?? []);
  return names.toSorted((a, b) => a.length - b.length).slice(0, 1);
}

/** The names that begin so; else those that are nearly so. */
function candidatesFor(names: readonly string[], name: string): readonly string[] {
  const longer = name === "" ? [] : names.filter((each) => each.startsWith(name) && each !== name);
  return longer.length > 0 ? longer : similarNames(names, name);
}

type Reading<E extends FleetEngine> = {
  readonly byEntry: ReadonlyMap<string, Place<E>[]>;
  /** Models that are not registered, by each of their names. */
  readonly byName: ReadonlyMap<string, Place<E>[]>;
  /** The registered model that is meant by a name which only an engine knows. */
  readonly spellings: ReadonlyMap<string, string>;
  /** Names that mean the same in any case, in lower case. */
  readonly caseless: ReadonlySet<string>;
  /** The first names of models that are not registered, each once. */
  readonly order: readonly string[];
};

function readEngines<E extends FleetEngine>(
  entries: readonly ModelEntry[],
  engines: readonly E[],
): Reading<E> {
  const byEntry = new Map<string, Place<E>[]>();
  const byName = new Map<string, Place<E>[]>();
  const spellings = new Map<string, string>();
  const caseless = new Set<string>();
  const order = new Set<string>();
  const owners = ownersOf(entries);
  for (const engine of engines) {
    for (const model of engine.models) {
      const ids = new Set(model.names.flatMap((name) => owners.get(name) ?? []));
      if (model.anyCase) for (const name of model.names) caseless.add(name.toLowerCase());
      for (const id of ids) {
        addPlace(byEntry, id, { engine, model });
        if (ids.size === 1) for (const name of model.names) spellings.set(name, id);
      }
      if (ids.size > 0) continue;
      for (const name of model.names) addPlace(byName, name, { engine, model });
      order.add(firstNameOf(model, byName));
    }
  }
  return { byEntry, byName, spellings, caseless, order: [...order] };
}

/** The models that each name may mean: several where they are made of one source. */
function ownersOf(entries: readonly ModelEntry[]): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string[]>();
  for (const entry of entries)
    for (const name of namesOf(entry)) owners.set(name, [...(owners.get(name) ?? []), entry.id]);
  return owners;
}

/** An engine is one place of a model, however many of its models have the name: the first. */
function addPlace<E extends FleetEngine>(map: Map<string, Place<E>[]>, key: string, place: Place<E>): void {
  const places = map.get(key);
  if (!places) map.set(key, [place]);
  else if (places.at(-1)?.engine !== place.engine) places.push(place);
}

/** By what a model that is not registered is listed: what the first engine that has it calls it. */
const firstNameOf = <E extends FleetEngine>(
  { names }: EngineModel,
  byName: ReadonlyMap<string, Place<E>[]>,
): string => byName.get(names[0] ?? "")?.[0]?.model.names[0] ?? "";
