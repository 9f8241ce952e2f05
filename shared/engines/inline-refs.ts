import { asObject } from "../kernel/json.ts";

/** Deeper than any schema that a person wrote; a schema that refers to itself is found by it. */
const DEPTH_MAX = 32;
/** A few definitions that name each other twice grow to any size. */
const NODES_MAX = 10_000;

/**
 * A JSON Schema with every `$ref` into itself (`#/$defs/Name`) replaced by what it names, and without its definitions:
 * for engines that keep nothing of a tool's schema but its properties. Undefined where that cannot be done: it refers to
 * itself without end, to nothing, or to another document.
 */
export function inlineRefs(schema: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  let nodes = 0;
  let possible = true;
  const inline = (value: unknown, depth: number): unknown => {
    if (typeof value !== "object" || value === null || !possible) return value;
    nodes += 1;
    possible = depth <= DEPTH_MAX && nodes <= NODES_MAX;
    if (Array.isArray(value)) return value.map((each) => inline(each, depth + 1));
    const { $ref: ref, ...rest } = value as Record<string, unknown>;
    // A property may be called `$ref`: then it is no text.
    if (typeof ref !== "string") return membersOf(value as Record<string, unknown>, depth);
    const named = resolve(schema, ref);
    possible &&= named !== undefined;
    return inline({ ...named, ...rest }, depth + 1);
  };
  const membersOf = (object: Record<string, unknown>, depth: number) =>
    Object.fromEntries(Object.entries(object).map(([name, each]) => [name, inline(each, depth + 1)]));
  const { $defs: _, definitions: __, ...own } = schema;
  const inlined = asObject(inline(own, 0));
  return possible ? inlined : undefined;
}

/** What a pointer into the schema names: https://www.rfc-editor.org/rfc/rfc6901 */
function resolve(
  schema: Readonly<Record<string, unknown>>,
  ref: string,
): Record<string, unknown> | undefined {
  if (!ref.startsWith("#/")) return undefined;
  let at: unknown = schema;
  for (const step of ref.slice(2).split("/")) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const object = Array.isArray(at) ? { ...at } : asObject(at);
    at = object && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
  }
  return asObject(at);
}
