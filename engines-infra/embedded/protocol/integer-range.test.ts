import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { follows, parseGbnf } from "../testing/gbnf.ts";
import { integerBetween } from "./integer-range.ts";

const accepts = (min: number | undefined, max: number | undefined, text: string): boolean =>
  follows(parseGbnf(`root ::= ${integerBetween(min, max)}`), text);

describe("integer range", () => {
  it.each<[number | undefined, number | undefined, string[], string[]]>([
    [0, 9, ["0", "9"], ["10", "-1", "00", ""]],
    [1, 14, ["1", "9", "10", "14"], ["0", "15", "01", "100"]],
    [99, 1001, ["99", "100", "999", "1000", "1001"], ["98", "1002"]],
    [-5, 3, ["-5", "-1", "0", "3"], ["-6", "4", "-0"]],
    [-20, -11, ["-20", "-15", "-11"], ["-10", "-21", "11"]],
    [undefined, -1, ["-1", "-999"], ["0", "1", "-0"]],
    [100, undefined, ["100", "999", "123456789"], ["99", "0", "-100"]],
    [undefined, undefined, ["0", "-7", "7", "123456"], ["07", "-", ""]],
  ])("from %s to %s", (min, max, inside, outside) => {
    expect(inside.filter((text) => !accepts(min, max, text))).toEqual([]);
    expect(outside.filter((text) => accepts(min, max, text))).toEqual([]);
  });

  it("accepts exactly the integers between its bounds", () => {
    const bound = fc.integer({ min: -3000, max: 3000 });
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: -4000, max: 4000 }), (a, b, value) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        expect(accepts(min, max, String(value))).toBe(value >= min && value <= max);
      }),
    );
  });
});
