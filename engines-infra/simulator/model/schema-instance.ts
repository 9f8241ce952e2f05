import { hash32, mix } from "./hash.ts";
import { isObject, listOf, numberOf, objectOf, textOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

const DEPTH_MAX = 12;
/** A schema may ask for more than a machine holds. */
const ITEMS_MAX = 1000;
const CHARS_MAX = 100_000;
const WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven"];
const FORMATS: Record<string, string> = {
  date: "2026-01-31",
  "date-time": "2026-01-31T12:00:00Z",
  time: "12:00:00Z",
  email: "ada@example.com",
  uri: "https://example.com/",
  uuid: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  ipv4: "192.0.2.1",
};

/** The smallest value that conforms to a JSON Schema, the same for the same schema and key. `pattern` is not solved. */
export function instanceOf(schema: Json | undefined, key: number): Json {
  return build(objectOf(schema), key, objectOf(schema), 0);
}

function build(schema: JsonObject, key: number, root: JsonObject, depth: number): Json {
  const ref = textOf(schema["$ref"]);
  if (ref !== undefined && depth < DEPTH_MAX) return build(resolve(root, ref), key, root, depth + 1);
  if (schema["const"] !== undefined) return schema["const"];
  const choices = listOf(schema["enum"]);
  if (choices.length > 0) return choices[mix(key, 1) % choices.length] ?? null;
  const branch = [...listOf(schema["anyOf"]), ...listOf(schema["oneOf"])].find(isObject);
  if (branch && depth < DEPTH_MAX)
    return build({ ...schema, anyOf: [], oneOf: [], ...branch }, key, root, depth + 1);
  const all = listOf(schema["allOf"]).filter(isObject);
  if (all.length > 0) return build(merged({ ...schema, allOf: [] }, all, root), key, root, depth + 1);
  switch (typeOf(schema)) {
    case "object":
      return buildObject(schema, key, root, depth);
    case "array":
      return buildArray(schema, key, root, depth);
    case "integer":
    case "number":
      return buildNumber(schema, key);
    case "boolean":
      return mix(key, 2) % 2 === 0;
    case "null":
      return null;
    default:
      return buildString(schema, key);
  }
}

function typeOf(schema: JsonObject): string {
  const declared = schema["type"];
  if (Array.isArray(declared)) return textOf(declared.find((type) => type !== "null")) ?? "null";
  if (typeof declared === "string") return declared;
  if (isObject(schema["properties"]) || schema["required"] !== undefined) return "object";
  return schema["items"] !== undefined ? "array" : "string";
}

function buildObject(schema: JsonObject, key: number, root: JsonObject, depth: number): JsonObject {
  const properties = objectOf(schema["properties"]);
  const out: JsonObject = {};
  for (const name of listOf(schema["required"])) {
    if (typeof name === "string")
      out[name] = build(objectOf(properties[name]), mix(key, hash32(name)), root, depth + 1);
  }
  return out;
}

function buildArray(schema: JsonObject, key: number, root: JsonObject, depth: number): Json[] {
  const prefix = listOf(schema["prefixItems"]);
  const length = Math.max(Math.min(numberOf(schema["minItems"]) ?? 0, ITEMS_MAX), prefix.length);
  return Array.from({ length }, (_, at) =>
    build(objectOf(prefix[at] ?? schema["items"]), mix(key, at), root, depth + 1),
  );
}

function buildNumber(schema: JsonObject, key: number): number {
  const step = numberOf(schema["multipleOf"]) ?? 1;
  const above = numberOf(schema["exclusiveMinimum"]);
  const below = numberOf(schema["exclusiveMaximum"]);
  const least = numberOf(schema["minimum"]) ?? (above === undefined ? undefined : above + step / 2);
  const most = numberOf(schema["maximum"]) ?? (below === undefined ? undefined : below - step / 2);
  const wanted = (mix(key, 3) % 100) * step;
  const low = least === undefined ? -Infinity : Math.ceil(least / step) * step;
  const high = most === undefined ? Infinity : Math.floor(most / step) * step;
  // A range narrower than one step holds no multiple of it, so a plain number takes the middle.
  if (low > high) return ((least ?? 0) + (most ?? 0)) / 2;
  return Math.min(high, Math.max(low, wanted));
}

function buildString(schema: JsonObject, key: number): string {
  const fixed = FORMATS[textOf(schema["format"]) ?? ""];
  if (fixed !== undefined) return fixed;
  let text = WORDS[mix(key, 4) % WORDS.length] ?? "";
  const least = Math.min(numberOf(schema["minLength"]) ?? 0, CHARS_MAX);
  while (text.length < least) text += ` ${WORDS[mix(key, text.length) % WORDS.length]}`;
  return text.slice(0, numberOf(schema["maxLength"]) ?? Infinity);
}

function merged(base: JsonObject, parts: JsonObject[], root: JsonObject): JsonObject {
  const whole: JsonObject = { ...base };
  for (const part of parts) {
    const ref = textOf(part["$ref"]);
    const plain = ref === undefined ? part : resolve(root, ref);
    const properties = { ...objectOf(whole["properties"]), ...objectOf(plain["properties"]) };
    const required = [...listOf(whole["required"]), ...listOf(plain["required"])];
    Object.assign(whole, plain, { properties, required });
  }
  return whole;
}

function resolve(root: JsonObject, ref: string): JsonObject {
  let at: Json | undefined = root;
  for (const step of ref.replace(/^#\/?/, "").split("/").filter(Boolean)) at = objectOf(at)[step];
  return objectOf(at);
}
