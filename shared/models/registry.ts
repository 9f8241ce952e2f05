import {
  CAPABILITY_PREFIX,
  MODEL_CAPABILITIES,
  type ModelEntry,
  namesOf,
} from "../contracts/admin-models.ts";
import { DEFAULT_MODELS } from "./default-models.ts";

/** What a caller's name stands for. */
export type Resolution =
  /** One model, or several of which the first that is served is meant; without any the name is registered in vain. */
  | { readonly kind: "models"; readonly entries: readonly ModelEntry[] }
  /** More than one model has this name, and none of them before the others. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[] };

/** The registered models, in the order of preference, and every name that they have. */
export type ModelRegistry = {
  readonly entries: readonly ModelEntry[];
  /** What a name stands for; undefined for a name that is not registered. */
  resolve(name: string): Resolution | undefined;
};

/** The models that are known: the platform's own, in whose place entries of the same id stand, then all others. */
export function mergeEntries(own: readonly ModelEntry[]): ModelEntry[] {
  const byId = new Map([...DEFAULT_MODELS, ...own].map((entry) => [entry.id, entry]));
  return [...byId.values()];
}

/**
 * Reads all names once, so that each request costs one look-up. A name means, in this order: the model of this id; of
 * this source; of this alias; the model that some kind of engine calls so; for `capability:chat` any model that can
 * chat; for `default` the first of all. A beginning of a name is no name, even where only one has it: what it means
 * would change with the next model.
 */
export function createRegistry(own: readonly ModelEntry[]): ModelRegistry {
  const entries = mergeEntries(own);
  // A retired model is nobody's default, and what it was called is free for no other.
  const active = entries.filter((entry) => entry.wish !== "retire");
  const names = new Map<string, Resolution>();
  const add = (name: string, owners: readonly ModelEntry[]) => {
    if (!names.has(name)) names.set(name, meaning(owners));
  };
  for (const entry of entries) add(entry.id, [entry]);
  for (const [name, owners] of grouped(entries, (entry) => (entry.source ? [entry.source] : [])))
    add(name, owners);
  for (const [name, owners] of grouped(entries, (entry) => entry.aliases ?? [])) add(name, owners);
  for (const [name, owners] of grouped(entries, (entry) => Object.values(entry.names ?? {}).flat()))
    add(name, owners);
  for (const capability of MODEL_CAPABILITIES) {
    const able = active.filter((entry) => entry.capabilities.includes(capability));
    names.set(CAPABILITY_PREFIX + capability, { kind: "models", entries: able });
  }
  if (!names.has("default")) names.set("default", { kind: "models", entries: active });
  return { entries, resolve: (name) => names.get(name) };
}

function meaning(owners: readonly ModelEntry[]): Resolution {
  return owners.length > 1
    ? { kind: "ambiguous", candidates: owners.map(({ id }) => id) }
    : { kind: "models", entries: owners };
}

function grouped(
  entries: readonly ModelEntry[],
  wordsOf: (entry: ModelEntry) => readonly string[],
): Map<string, ModelEntry[]> {
  const groups = new Map<string, ModelEntry[]>();
  for (const entry of entries)
    for (const name of new Set(wordsOf(entry))) groups.set(name, [...(groups.get(name) ?? []), entry]);
  return groups;
}

/** A name that two models cannot both have, and whose it is. */
export type NameClash = { readonly name: string; readonly owner: string };

/**
 * Whether an entry takes a name that another one has: an id or an alias is one model's alone, as is what a kind of
 * engine calls it. Two models may be made of the same source; it then stands for neither.
 */
export function findClash(entry: ModelEntry, others: readonly ModelEntry[]): NameClash | undefined {
  const own = ownNames(entry);
  for (const other of others) {
    if (other.id === entry.id) continue;
    const taken = new Set(ownNames(other));
    const name = own.find((each) => taken.has(each));
    if (name !== undefined) return { name, owner: other.id };
  }
  return undefined;
}

const ownNames = (entry: ModelEntry): string[] =>
  namesOf(entry).filter((name) => name !== entry.source || name === entry.id);
