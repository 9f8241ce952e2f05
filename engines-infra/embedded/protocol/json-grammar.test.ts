import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { follows, madeUp, parseGbnf } from "../testing/gbnf.ts";
import { seededRandom } from "../testing/random.ts";
import { JSON_OBJECT_GRAMMAR, literal, schemaGrammar } from "./json-grammar.ts";

/** The grammar of a schema; fails the test where there is none. */
function grammarOf(schema: unknown): string {
  const grammar = schemaGrammar(schema, "schema");
  if (!grammar.ok) throw new Error(JSON.stringify(grammar.failure));
  return grammar.value;
}

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 5 },
    age: { type: "integer", minimum: 0, maximum: 120 },
    email: { type: ["string", "null"] },
    tags: { type: "array", items: { enum: ["a", "b"] }, minItems: 1, maxItems: 3 },
  },
  required: ["name", "tags"],
};

const TREE = {
  $defs: {
    node: {
      type: "object",
      properties: { value: { type: "number" }, next: { $ref: "#/$defs/node" } },
      required: ["value"],
    },
  },
  $ref: "#/$defs/node",
};

const nested = (levels: number): object =>
  Array.from({ length: levels }).reduce<object>((items) => ({ type: "array", items }), { type: "null" });

describe("JSON grammar", () => {
  it.each<[string, unknown]>([
    ["an object", PERSON],
    [
      "only optional members",
      { type: "object", properties: { a: { type: "null" }, b: { const: 1 }, c: { type: "boolean" } } },
    ],
    ["a recursive schema", TREE],
    ["a schema that refers to itself", { type: "object", properties: { again: { $ref: "#" } } }],
    [
      "alternatives",
      {
        anyOf: [
          { type: "string", format: "date" },
          { type: "integer", exclusiveMinimum: 3 },
          { type: "null" },
        ],
      },
    ],
    [
      "a tuple",
      {
        type: "array",
        prefixItems: [{ type: "string" }, { type: "number", minimum: 0 }],
        items: false,
        minItems: 2,
      },
    ],
    ["a map", { type: "object", additionalProperties: { type: "integer", maximum: 5, minimum: -5 } }],
    [
      "merged objects",
      {
        allOf: [
          { type: "object", properties: { a: { type: "null" } }, required: ["a"] },
          { properties: { b: { type: "null" } }, required: ["b"] },
        ],
      },
    ],
    ["an empty object", { type: "object", properties: {}, additionalProperties: false }],
    [
      "a required member that is not declared",
      { type: "object", properties: { a: { type: "null" } }, required: ["z"] },
    ],
    [
      "a required member that every object inherits",
      { type: "object", properties: {}, required: ["toString", "__proto__"] },
    ],
    [
      "required members that others are held to",
      { type: "object", required: ["z"], additionalProperties: { type: "integer" } },
    ],
    ["a reference with a description", { $defs: { a: { const: 1 } }, $ref: "#/$defs/a", description: "one" }],
    [
      "names and values that need escapes",
      { type: "object", properties: { 'a "b"\\c\n': { const: 'say "\\"\n' } }, required: ['a "b"\\c\n'] },
    ],
    ["anything", true],
    ["no type at all", { description: "free" }],
  ])("makes up only valid JSON for %s", (_, schema) => {
    const grammar = parseGbnf(grammarOf(schema));
    const validate = new Ajv2020({ strict: false, formats: { date: /^\d{4}-\d\d-\d\d$/ } }).compile(
      schema as object,
    );
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const text = madeUp(grammar, seededRandom(seed));
        expect({ text, valid: validate(JSON.parse(text)) }).toEqual({ text, valid: true });
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, unknown, unknown[], unknown[]]>([
    [
      "an object",
      PERSON,
      [
        { name: "Ann", age: 120, email: null, tags: ["a"] },
        { name: "B", tags: ["a", "b", "a"] },
      ],
      [
        { name: "", tags: ["a"] },
        { name: "Ann" },
        { tags: ["a"], name: "Ann" },
        { name: "Ann", age: 121, tags: ["a"] },
      ],
    ],
    [
      "a recursive schema",
      TREE,
      [{ value: 1 }, { value: -1.5e3, next: { value: 0, next: { value: 2 } } }],
      [{ next: { value: 1 } }, {}],
    ],
    [
      "an object whose required member is named twice",
      { type: "object", properties: { a: { type: "null" } }, required: ["a", "z", "z"] },
      [{ a: null, z: 1 }],
      [{ a: null }],
    ],
    ["an enum", { enum: ["a b", 1, null, { x: [true] }] }, ["a b", 1, null, { x: [true] }], ["a", 2, {}]],
  ])("accepts %s that is valid, and refuses one that is not", (_, schema, valid, invalid) => {
    const grammar = parseGbnf(grammarOf(schema));
    const accepted = (value: unknown): boolean => follows(grammar, JSON.stringify(value));
    expect(valid.filter((value) => !accepted(value))).toEqual([]);
    expect(invalid.filter((value) => accepted(value))).toEqual([]);
  });

  it("accepts every JSON object in JSON mode, and nothing else", () => {
    const grammar = parseGbnf(JSON_OBJECT_GRAMMAR);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }), (value) => {
        expect(follows(grammar, JSON.stringify(value))).toBe(true);
      }),
      { numRuns: 40 },
    );
    expect(["[]", "1", '"x"', "{", '{"a":}', "", "{}{}"].filter((text) => follows(grammar, text))).toEqual(
      [],
    );
  });

  it.each<[string, unknown, string]>([
    [
      "a pattern",
      { type: "object", properties: { a: { type: "string", pattern: "x" } } },
      "schema.properties.a.pattern",
    ],
    ["unique items", { type: "array", uniqueItems: true }, "schema.uniqueItems"],
    ["a multiple", { type: "integer", multipleOf: 3 }, "schema.multipleOf"],
    ["bounds of a number", { type: "number", maximum: 3 }, "schema.maximum"],
    ["a reference beside a type", { $defs: { a: {} }, $ref: "#/$defs/a", type: "string" }, "schema.$ref"],
    ["alternatives beside a type", { type: "string", anyOf: [{ const: 1 }] }, "schema.anyOf"],
    ["two choices at once", { anyOf: [{}], oneOf: [{}] }, "schema.anyOf"],
    ["a tuple longer than its end", { prefixItems: [{}, {}], maxItems: 1 }, "schema.maxItems"],
    [
      "a property that is defined twice",
      { allOf: [{ properties: { a: { type: "string" } } }, { properties: { a: { type: "null" } } }] },
      "schema.allOf' defines 'a' twice",
    ],
    [
      "merged objects that allow no others",
      { allOf: [{ properties: { a: {} } }], properties: { b: {} }, additionalProperties: false },
      "schema.allOf",
    ],
    ["a form with a length", { type: "string", format: "date", maxLength: 4 }, "schema.format"],
    [
      "a required member that is not allowed",
      { properties: {}, required: ["a"], additionalProperties: false },
      "schema.properties.a",
    ],
    ["a reference that is not encoded", { $ref: "#/%" }, "#/%"],
    ["a reference to what every object inherits", { $ref: "#/constructor" }, "#/constructor"],
    ["alternatives beside properties", { properties: {}, anyOf: [{}] }, "schema.anyOf"],
    ["a reference into nowhere", { $ref: "#/$defs/none" }, "#/$defs/none"],
    ["a reference to another document", { $ref: "https://example.com/x.json" }, "schema.$ref"],
    ["bounds that leave nothing", { type: "integer", minimum: 5, maximum: 4 }, "schema"],
    ["an unknown type", { type: "text" }, "schema.type"],
    ["a schema that nothing meets", false, "schema"],
    ["no schema", "object", "schema"],
    ["a schema that is nested too deep", nested(1000), "64 levels"],
  ])("refuses %s and names it", (_, schema, name) => {
    const grammar = schemaGrammar(schema, "schema");
    expect(grammar).toMatchObject({
      ok: false,
      failure: { kind: "invalid_request", message: expect.stringContaining(`${name}`) },
    });
  });

  it("grows no faster than the schema's optional members", () => {
    const sizeOf = (count: number): number =>
      grammarOf({
        properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`name-${at}`, {}])),
      }).length;
    expect(sizeOf(4000)).toBeLessThan(sizeOf(1000) * 5);
  });

  it("does not double for a type that is named twice", () => {
    const schema = Array.from({ length: 60 }).reduce<object>(
      (items) => ({ type: ["array", "array"], items }),
      {},
    );
    expect(grammarOf(schema).length).toBeLessThan(20_000);
  });

  it("accepts objects with any of their optional members, and with all of the required ones", () => {
    const names = ["a", "b", "c", "d", "e"];
    fc.assert(
      fc.property(fc.subarray(names), fc.subarray(names), (required, present) => {
        const properties = Object.fromEntries(names.map((name) => [name, { const: 1 }]));
        const grammar = parseGbnf(grammarOf({ type: "object", properties, required }));
        const text = JSON.stringify(Object.fromEntries(present.map((name) => [name, 1])));
        expect(follows(grammar, text)).toBe(required.every((name) => present.includes(name)));
      }),
    );
  });

  it("writes literals that match exactly their text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const json = JSON.stringify(text);
        expect(follows(parseGbnf(`root ::= ${literal(json)}`), json)).toBe(true);
      }),
    );
  });
});
