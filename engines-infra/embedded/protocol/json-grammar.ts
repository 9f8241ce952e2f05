/**
 * JSON Schema as GBNF, llama.cpp's grammar: a text that follows it is JSON, and valid against the schema.
 * Grammar format: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
 * A keyword that we cannot enforce is refused by name. Annotations are ignored, and so, as JSON Schema 2020-12
 * has it by default, is a `format` that we do not know. `oneOf` is read as `anyOf`.
 */
import type { Result } from "./failure.ts";
import type { JsonObject } from "./fields.ts";
import { isObject, reading, refuse } from "./fields.ts";
import { integerBetween } from "./integer-range.ts";

const BASE_RULES: Readonly<Record<string, string>> = {
  ws: '| " " | "\\n" [ \\t]{0,20}',
  value: "object | array | string | number | boolean | null",
  object: '"{" ws (string ":" ws value ("," ws string ":" ws value)*)? ws "}"',
  array: '"[" ws (value ("," ws value)*)? ws "]"',
  string: '"\\"" char* "\\""',
  char: '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt/] | "u" [0-9a-fA-F]{4})',
  number: '"-"? natural ("." [0-9]{1,22})? ([eE] [-+]? [0-9]{1,3})?',
  integer: '"-"? natural',
  natural: '"0" | [1-9] [0-9]{0,20}',
  boolean: '"true" | "false"',
  null: '"null"',
  date: '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])',
  time: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,3})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
  "date-time": 'date "T" time',
  uuid: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
};
const STRING_FORMATS = ["date", "time", "date-time", "uuid"];

/** Assertions that these grammars cannot hold a text to. */
const REFUSED = [
  "contains", "dependentRequired", "dependentSchemas", "else", "if", "maxProperties", "minProperties", "multipleOf",
  "not", "pattern", "patternProperties", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
]; // prettier-ignore

const DEPTH_MAX = 64;

/** Assertions that these grammars hold a text to. Beside a reference or a choice of alternatives they cannot. */
const ASSERTED = [
  "$ref", "const", "enum", "anyOf", "oneOf", "allOf", "type", "properties", "required", "additionalProperties", "items",
  "prefixItems", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
]; // prettier-ignore

/** The GBNF of all JSON objects. */
export const JSON_OBJECT_GRAMMAR = grammarText({ root: "object" });

/** GBNF whose root is the schema; `field` names the schema in complaints. */
export function schemaGrammar(schema: unknown, field: string): Result<string> {
  return reading(() => {
    const rules: Record<string, string> = {};
    rules["root"] = new SchemaRules(schema, field, rules, "root").expression();
    return grammarText(rules);
  });
}

/** A rule per name, with the base rules that all of them may use. */
export function grammarText(rules: Readonly<Record<string, string>>): string {
  return Object.entries({ ...rules, ...BASE_RULES })
    .map(([name, body]) => `${name} ::= ${body}\n`)
    .join("");
}

/** A GBNF literal that matches exactly `text`. */
export function literal(text: string): string {
  const escaped = text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `"${escaped}"`;
}

/** Turns one schema into rules, which it adds to `rules` under names that begin with `prefix`. */
export class SchemaRules {
  readonly #root: unknown;
  readonly #field: string;
  readonly #rules: Record<string, string>;
  readonly #prefix: string;
  readonly #references = new Map<string, string>();
  #count = 0;
  #depth = 0;

  constructor(schema: unknown, field: string, rules: Record<string, string>, prefix: string) {
    this.#root = schema;
    this.#field = field;
    this.#rules = rules;
    this.#prefix = prefix;
  }

  expression(): string {
    return this.#visit(this.#root, this.#field);
  }

  #visit(schema: unknown, path: string): string {
    if (this.#depth >= DEPTH_MAX) refuse(`'${this.#field}' is nested more than ${DEPTH_MAX} levels deep`);
    this.#depth += 1;
    try {
      return this.#expression(schema, path);
    } finally {
      this.#depth -= 1;
    }
  }

  #expression(schema: unknown, path: string): string {
    if (schema === true || schema === undefined) return "value";
    if (!isObject(schema)) return refuse(`'${path}' must be a JSON Schema that can be met`);
    const refused = REFUSED.find((keyword) => schema[keyword] !== undefined && schema[keyword] !== false);
    if (refused) refuse(`'${path}.${refused}' is not supported by the embedded engine's grammars`);
    if (typeof schema["$ref"] === "string") {
      refuseBeside("$ref", schema, path);
      return this.#reference(schema["$ref"], path);
    }
    if ("const" in schema) return literal(JSON.stringify(schema["const"]));
    if (Array.isArray(schema["enum"])) {
      if (schema["enum"].length === 0) refuse(`'${path}.enum' is empty`);
      return group(schema["enum"].map((value) => literal(JSON.stringify(value))));
    }
    for (const keyword of ["anyOf", "oneOf"]) {
      const alternatives = schema[keyword];
      if (!Array.isArray(alternatives)) continue;
      refuseBeside(keyword, schema, path);
      return group(alternatives.map((each, index) => this.#visit(each, `${path}.${keyword}[${index}]`)));
    }
    if (Array.isArray(schema["allOf"])) return this.#visit(merged(schema, schema["allOf"], path), path);
    return this.#typed(schema, path);
  }

  #typed(schema: JsonObject, path: string): string {
    const type = schema["type"] ?? guessedType(schema);
    if (Array.isArray(type))
      // A type that is named twice would double the grammar, at each of 64 levels.
      return group([...new Set(type)].map((each) => this.#typed({ ...schema, type: each }, path)));
    switch (type) {
      case undefined:
        return "value";
      case "object":
        return this.#object(schema, path);
      case "array":
        return this.#array(schema, path);
      case "string":
        return stringOf(schema, path);
      case "integer":
        return integerOf(schema, path);
      case "number":
        return numberOf(schema, path);
      case "boolean":
        return "boolean";
      case "null":
        return "null";
      default:
        return refuse(`'${path}.type' must be a JSON Schema type`);
    }
  }

  #object(schema: JsonObject, path: string): string {
    const declared = isObject(schema["properties"]) ? schema["properties"] : {};
    const required = new Set(Array.isArray(schema["required"]) ? schema["required"].map(String) : []);
    const others = schema["additionalProperties"];
    const names = new Set([...Object.keys(declared), ...required]);
    if (names.size === 0) {
      if (others === false) return '"{" ws "}"';
      if (others === undefined || others === true) return "object";
      const pair = `string ":" ws ${this.#rule(this.#visit(others, `${path}.additionalProperties`))}`;
      return `"{" ws (${pair} ("," ws ${pair})*)? ws "}"`;
    }
    const members = [...names].map((name) => {
      // A name may be one that every object inherits, such as "toString".
      const value = Object.hasOwn(declared, name) ? declared[name] : others;
      const text = this.#rule(this.#visit(value, `${path}.properties.${name}`));
      return {
        rule: this.#rule(`${literal(JSON.stringify(name))} ":" ws ${text}`),
        optional: !required.has(name),
      };
    });
    return `"{" ws ${this.#members(members)} ws "}"`;
  }

  /**
   * Members in their order, each optional one present or not, with commas exactly between those present. Built from
   * the end, with a rule for what may follow each member, so that the grammar grows no faster than the schema.
   */
  #members(members: ReadonlyArray<{ rule: string; optional: boolean }>): string {
    /** What may come where no member has come yet, and where one has. */
    let [first, further] = ["", ""];
    for (const { rule, optional } of members.toReversed()) {
      const rest = further && ` ${this.#rule(further)}`;
      const here = `${rule}${rest}`;
      if (!optional) first = here;
      else first = first === "" ? `(${here})?` : `(${here} | ${this.#rule(first)})`;
      further = optional ? `("," ws ${rule})?${rest}` : `"," ws ${rule}${rest}`;
    }
    return first;
  }

  #array(schema: JsonObject, path: string): string {
    const prefix = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
    if (prefix.length > 0) {
      if ((countOf(schema, "minItems", path) ?? 0) > prefix.length)
        refuse(`'${path}.minItems' is above the number of 'prefixItems'`);
      if ((countOf(schema, "maxItems", path) ?? prefix.length) < prefix.length)
        refuse(`'${path}.maxItems' is below the number of 'prefixItems'`);
      const items = prefix.map((item, index) =>
        this.#rule(this.#visit(item, `${path}.prefixItems[${index}]`)),
      );
      return `"[" ws ${items.join(' "," ws ')} ws "]"`;
    }
    const least = countOf(schema, "minItems", path) ?? 0;
    const most = countOf(schema, "maxItems", path);
    if (most !== undefined && most < least) refuse(`'${path}.maxItems' is below 'minItems'`);
    if (most === 0) return '"[" ws "]"';
    const item = this.#rule(this.#visit(schema["items"], `${path}.items`));
    const more = `("," ws ${item}){${Math.max(0, least - 1)},${most === undefined ? "" : most - 1}}`;
    return least === 0 ? `"[" ws (${item} ${more})? ws "]"` : `"[" ws ${item} ${more} ws "]"`;
  }

  /** A schema's own `$defs`; a rule that refers to itself makes recursive schemas work. */
  #reference(pointer: string, path: string): string {
    const known = this.#references.get(pointer);
    if (known) return known;
    if (pointer !== "#" && !pointer.startsWith("#/"))
      refuse(`'${path}.$ref' must point into the same schema`);
    let target: unknown = this.#root;
    for (const step of pointer.split("/").slice(1)) {
      const key = decoded(step)?.replaceAll("~1", "/").replaceAll("~0", "~");
      const holder = isObject(target) || Array.isArray(target) ? (target as JsonObject) : {};
      target = key !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined;
    }
    if (target === undefined) refuse(`'${path}.$ref' points to nothing: ${pointer}`);
    const name = this.#name();
    this.#references.set(pointer, name);
    this.#rules[name] = this.#visit(target, path);
    return name;
  }

  #rule(body: string): string {
    if (/^[a-z][a-z0-9-]*$/.test(body)) return body;
    const name = this.#name();
    this.#rules[name] = body;
    return name;
  }

  #name(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }
}

/** The step of a pointer; undefined where its percent signs are none of an encoding. */
function decoded(step: string): string | undefined {
  try {
    return decodeURIComponent(step);
  } catch {
    return undefined;
  }
}

/** Annotations may stand beside a reference or a choice, anything else would be ignored. */
function refuseBeside(keyword: string, schema: JsonObject, path: string): void {
  const beside = ASSERTED.find((other) => other !== keyword && schema[other] !== undefined);
  if (beside) refuse(`'${path}.${keyword}' together with '${beside}' is not supported`);
}

const group = (alternatives: readonly string[]): string =>
  alternatives.length === 1 ? (alternatives[0] ?? "") : `(${alternatives.join(" | ")})`;

function guessedType(schema: JsonObject): string | undefined {
  if (["properties", "required", "additionalProperties"].some((keyword) => keyword in schema))
    return "object";
  if (["items", "prefixItems", "minItems", "maxItems"].some((keyword) => keyword in schema)) return "array";
  if (["minLength", "maxLength", "format"].some((keyword) => keyword in schema)) return "string";
  return ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].some((keyword) => keyword in schema)
    ? "number"
    : undefined;
}

function stringOf(schema: JsonObject, path: string): string {
  const format = STRING_FORMATS.find((known) => known === schema["format"]);
  const least = countOf(schema, "minLength", path);
  const most = countOf(schema, "maxLength", path);
  if (format && (least !== undefined || most !== undefined))
    refuse(`'${path}.format' together with 'minLength' or 'maxLength' is not supported`);
  if (format) return `"\\"" ${format} "\\""`;
  if (least === undefined && most === undefined) return "string";
  if (most !== undefined && most < (least ?? 0)) refuse(`'${path}.maxLength' is below 'minLength'`);
  return `"\\"" char{${least ?? 0},${most ?? ""}} "\\""`;
}

function integerOf(schema: JsonObject, path: string): string {
  const above = boundOf(schema, "exclusiveMinimum", path);
  const below = boundOf(schema, "exclusiveMaximum", path);
  const least = highest(
    roundUp(boundOf(schema, "minimum", path)),
    above === undefined ? undefined : Math.floor(above) + 1,
  );
  const most = lowest(
    roundDown(boundOf(schema, "maximum", path)),
    below === undefined ? undefined : Math.ceil(below) - 1,
  );
  if (least === undefined && most === undefined) return "integer";
  if (least !== undefined && most !== undefined && least > most)
    refuse(`'${path}' leaves no integer between its bounds`);
  return `(${integerBetween(least, most)})`;
}

function numberOf(schema: JsonObject, path: string): string {
  const bounded = ["exclusiveMinimum", "exclusiveMaximum", "maximum"].find(
    (keyword) => schema[keyword] !== undefined,
  );
  if (bounded) refuse(`'${path}.${bounded}' of a number is not supported by the embedded engine's grammars`);
  const least = boundOf(schema, "minimum", path);
  if (least === undefined) return "number";
  if (least !== 0) refuse(`'${path}.minimum' of a number is only supported as 0`);
  return '(natural ("." [0-9]{1,16})?)';
}

function countOf(schema: JsonObject, keyword: string, path: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 2000) {
    return refuse(`'${path}.${keyword}' must be an integer between 0 and 2000`);
  }
  return value;
}

function boundOf(schema: JsonObject, keyword: string, path: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(Math.trunc(value)))
    refuse(`'${path}.${keyword}' must be a number`);
  return value as number;
}

const roundUp = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.ceil(value);
const roundDown = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.floor(value);
const highest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b);
const lowest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);

/** `allOf` of one schema, or of plain objects, which become one object. */
function merged(schema: JsonObject, parts: readonly unknown[], path: string): JsonObject {
  const { allOf: _, ...own } = schema;
  const all = [own, ...parts].filter((part) => !isObject(part) || Object.keys(part).length > 0);
  if (all.length === 1 && isObject(all[0])) return all[0];
  const properties = new Map<string, unknown>();
  const required = new Set<unknown>();
  for (const part of all) {
    const mergeable = isObject(part) && Object.keys(part).every((key) => MERGEABLE.includes(key));
    if (!mergeable || (part["type"] ?? "object") !== "object")
      return refuse(`'${path}.allOf' is only supported for objects with properties`);
    if ((part["additionalProperties"] ?? true) !== true)
      refuse(`'${path}.allOf' together with 'additionalProperties' is not supported`);
    for (const [name, value] of Object.entries(part["properties"] ?? {})) {
      if (properties.has(name)) refuse(`'${path}.allOf' defines '${name}' twice, which is not supported`);
      properties.set(name, value);
    }
    if (Array.isArray(part["required"])) for (const name of part["required"]) required.add(name);
  }
  return { type: "object", properties: Object.fromEntries(properties), required: [...required] };
}

const MERGEABLE = [
  "type",
  "properties",
  "required",
  "additionalProperties",
  "title",
  "description",
  "$defs",
  "definitions",
  "$schema",
];
