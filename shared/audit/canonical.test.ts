import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical.ts";

describe("canonical JSON", () => {
  it.each<[string, unknown, string]>([
    [
      "sorts members by UTF-16 units",
      { b: 1, a: 2, "10": 3, "9": 4, "€": 5, "\u{1f600}": 6, "\ufb33": 7 },
      '{"10":3,"9":4,"a":2,"b":1,"€":5,"\u{1f600}":6,"\ufb33":7}',
    ],
    ["sorts what is within", [{ b: { d: 1, c: 2 }, a: [] }], '[{"a":[],"b":{"c":2,"d":1}}]'],
    ["leaves out what is undefined", { a: undefined, b: [undefined, null] }, '{"b":[null,null]}'],
    [
      "writes numbers as JavaScript does",
      [1e21, 0.000001, -0, 333333333.3333333],
      "[1e+21,0.000001,0,333333333.3333333]",
    ],
    ["escapes as little as can be", '\u0007\n"\\/é', String.raw`"\u0007\n\"\\/é"`],
  ])("%s", (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it("is one text for one value, whatever the order of its members", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, reversed(each)]),
  );
}
