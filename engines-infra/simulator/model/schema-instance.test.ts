import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "./json.ts";
import { instanceOf } from "./schema-instance.ts";

const ajv = new Ajv({ strict: false, validateFormats: false });

const SCHEMAS: [string, Json][] = [
  ["a string", { type: "string", minLength: 20, maxLength: 22 }],
  ["an integer in a range", { type: "integer", minimum: 3, maximum: 5 }],
  ["a number between", { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }],
  ["a multiple", { type: "integer", multipleOf: 7, minimum: 10 }],
  ["a boolean", { type: "boolean" }],
  ["an enum", { enum: ["red", "green", 3] }],
  ["a const", { const: { a: [1] } }],
  ["anyOf", { anyOf: [{ type: "null" }, { type: "string" }] }],
  ["a nullable type", { type: ["string", "null"] }],
  [
    "allOf",
    {
      allOf: [
        { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
        { properties: { b: { type: "integer" } }, required: ["b"] },
      ],
    },
  ],
  ["a list with a minimum", { type: "array", items: { type: "integer" }, minItems: 3, maxItems: 3 }],
  [
    "a closed object",
    {
      type: "object",
      properties: {
        a: { type: "string" },
        b: { type: "object", properties: { c: { type: "array", items: {} } }, required: ["c"] },
      },
      required: ["a", "b"],
      additionalProperties: false,
    },
  ],
  [
    "a reference",
    {
      $defs: { leaf: { type: "integer" } },
      type: "object",
      properties: { leaf: { $ref: "#/$defs/leaf" } },
      required: ["leaf"],
    },
  ],
  [
    "a tree that refers to itself",
    {
      $defs: {
        node: {
          type: "object",
          properties: { children: { type: "array", items: { $ref: "#/$defs/node" } } },
          required: ["children"],
        },
      },
      $ref: "#/$defs/node",
    },
  ],
];

describe("instanceOf", () => {
  it.each(SCHEMAS)("conforms to %s, whatever the key", (_, schema) => {
    const validate = ajv.compile(schema as object);
    fc.assert(
      fc.property(fc.nat(), (key) => {
        expect(validate(instanceOf(schema, key)), JSON.stringify(validate.errors)).toBe(true);
        expect(instanceOf(schema, key)).toEqual(instanceOf(schema, key));
      }),
    );
  });
});
