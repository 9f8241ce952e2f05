import { describe, expect, it } from "vitest";
import type { Schema, Schemas } from "./document.ts";
import { shapeOf, textOf } from "./shape.ts";

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const schemas: Schemas = {
  Usage: {
    type: "object",
    description: "Tokens.",
    properties: { total: { type: "integer", minimum: 0 } },
    required: ["total"],
  },
  Level: { type: "string", enum: ["low", "high"] },
  Tree: { type: "object", properties: { children: { type: "array", items: ref("Tree") } } },
  Alias: ref("Usage"),
  Circle: ref("Circle"),
};

/** A shape's line: the type, the rules, and the values. */
function lineOf(schema: Schema): string {
  const { type, rules, values } = shapeOf(schema, schemas);
  return [textOf(type), ...rules, ...(values.length > 0 ? [`one of ${values.join(" ")}`] : [])].join(", ");
}

describe("the line of a schema", () => {
  it.each<[Schema, string]>([
    [{ type: "string" }, "string"],
    [{ type: ["string", "null"] }, "string or null"],
    [{ type: ["string", "integer"] }, "string or integer"],
    [{}, "anything"],
    [{ type: "null" }, "null"],
    [{ const: "list" }, '"list"'],
    [{ type: "boolean", enum: [true] }, "true"],
    [{ type: "string", enum: ["a", "b"] }, "string, one of a b"],
    [{ type: ["string", "null"], enum: ["a", "b", null] }, "string or null, one of a b"],
    [{ type: "number", minimum: 0, maximum: 2 }, "number, 0 to 2"],
    [{ type: "integer", minimum: 1 }, "integer, at least 1"],
    [{ type: "integer", maximum: 9 }, "integer, at most 9"],
    [
      { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1, multipleOf: 0.5 },
      "number, more than 0, less than 1, a multiple of 0.5",
    ],
    [{ type: "string", minLength: 1 }, "string, not empty"],
    [{ type: "string", maxLength: 1 }, "string, at most 1 character"],
    [{ type: "string", minLength: 2, maxLength: 8 }, "string, 2 to 8 characters"],
    [{ type: "string", format: "uuid", pattern: "^a$" }, "string, uuid, matches `^a$`"],
    [
      { type: "array", items: { type: "string", minLength: 1 }, minItems: 2 },
      "array of string, at least 2 items, each not empty",
    ],
    [
      { type: "array", items: { type: "array", items: { type: "integer" } }, uniqueItems: true },
      "array of array of integer, no item twice",
    ],
    [
      { type: ["array", "null"], items: { type: "string", enum: ["text", "audio"] } },
      "array of string or null, one of text audio",
    ],
    [{ type: "object", additionalProperties: {} }, "object, any fields"],
    [
      { type: "object", additionalProperties: { type: "number", minimum: -100, maximum: 100 } },
      "object of number (-100 to 100)",
    ],
    [
      { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }, { type: "null" }] },
      "string or array of string or null",
    ],
    [{ anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] }, "string or null, not empty"],
    [{ oneOf: [{ type: "object", properties: {} }, { type: "object" }] }, "object"],
    [ref("Usage"), "Usage"],
    [ref("Alias"), "Alias"],
    [ref("Circle"), "Circle"],
    [ref("Nowhere"), "Nowhere"],
    [ref("Level"), "Level, one of low high"],
    [{ type: "array", items: ref("Usage") }, "array of Usage"],
    [{ anyOf: [ref("Usage"), { type: "null" }] }, "Usage or null"],
    [{ allOf: [ref("Usage"), { type: ["object", "null"] }] }, "Usage or null"],
    [{ allOf: [ref("Usage"), { type: "object", properties: { more: {} } }] }, "object"],
  ])("%j is %s", (schema, expected) => {
    expect(lineOf(schema)).toBe(expected);
  });
});

describe("the inside of a schema", () => {
  const namesIn = (schema: Schema): string[] => shapeOf(schema, schemas).fields.map((field) => field.name);

  it("is that of an object, of the items of an array, and of the values of a map", () => {
    const object: Schema = { type: "object", properties: { a: {}, b: {} } };
    expect(namesIn(object)).toEqual(["a", "b"]);
    expect(namesIn({ type: "array", items: object })).toEqual(["a", "b"]);
    expect(namesIn({ type: "object", additionalProperties: object })).toEqual(["a", "b"]);
  });

  it("tells which fields are required, deprecated, and what they are when left out", () => {
    const properties: Schema["properties"] = {
      a: { type: "string" },
      b: { type: "integer", deprecated: true, default: 1 },
    };
    const { fields } = shapeOf({ type: "object", properties, required: ["a"] }, schemas);
    expect(fields).toMatchObject([
      { name: "a", required: true, shape: { deprecated: false, default: undefined } },
      { name: "b", required: false, shape: { deprecated: true, default: 1 } },
    ]);
  });

  it("merges what allOf brings together", () => {
    expect(namesIn({ allOf: [ref("Usage"), { type: "object", properties: { more: {} } }] })).toEqual([
      "total",
      "more",
    ]);
  });

  it("prefers the description beside a reference to the one behind it", () => {
    expect(shapeOf(ref("Usage"), schemas).description).toBe("Tokens.");
    expect(shapeOf({ ...ref("Usage"), description: "Of this request." }, schemas).description).toBe(
      "Of this request.",
    );
  });

  it("lists forms that differ in one constant only as one form", () => {
    const form = (role: string, more: Schema["properties"] = {}): Schema => ({
      type: "object",
      properties: { role: { const: role }, content: { type: "string" }, ...more },
      required: ["role"],
    });
    const { forms } = shapeOf(
      { oneOf: [form("system"), form("tool", { id: { type: "string" } }), form("user")] },
      schemas,
    );
    expect(forms.map(({ fields }) => fields[0]?.shape.values)).toEqual([["system", "user"], []]);
    expect(forms.map(({ fields }) => fields.length)).toEqual([2, 3]);
  });

  it("ends where a schema contains itself", () => {
    const [children] = shapeOf(ref("Tree"), schemas).fields;
    expect(textOf(children?.shape.type ?? [])).toBe("array of Tree");
    const [deeper] = children?.shape.fields ?? [];
    expect(deeper?.shape.fields).toEqual([]);
  });
});
