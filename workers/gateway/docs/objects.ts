import { type Schemas, schemaName } from "./document.ts";
import type { Slugs } from "./slugs.ts";

/** The named schemas that others are made of, which have sections of their own to link to. */
export type Objects = {
  readonly id: string;
  readonly entries: readonly { readonly id: string; readonly name: string }[];
  /** Where a named schema is described, by its name. */
  readonly anchors: ReadonlyMap<string, string>;
};

/** Finds the schemas that other schemas refer to. Those in `elsewhere` are described there already, by name and anchor. */
export function findObjects(schemas: Schemas, slugs: Slugs, elsewhere: ReadonlyMap<string, string>): Objects {
  const id = slugs("objects");
  const names = new Set<string>();
  collectRefs(Object.values(schemas), names);
  const entries = [...names]
    .filter((name) => name in schemas && !elsewhere.has(name))
    .toSorted()
    .map((name) => ({ id: slugs(`object ${name}`), name }));
  return {
    id,
    entries,
    anchors: new Map([...elsewhere, ...entries.map((entry) => [entry.name, entry.id] as const)]),
  };
}

function collectRefs(value: unknown, names: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "$ref" && typeof inner === "string") names.add(schemaName(inner));
    else collectRefs(inner, names);
  }
}
