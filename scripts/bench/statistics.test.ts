import { expect, it } from "vitest";
import fc from "fast-check";
import { median, paired, quantile, spread, summarize } from "./statistics.ts";

it.each<[string, (number | undefined)[], number]>([
  ["the middle of an odd number", [3, 1, 2], 2],
  ["between the two in the middle", [4, 1, 3, 2], 2.5],
  ["without what is no number", [undefined, 7, Number.NaN], 7],
  ["nothing of nothing", [], Number.NaN],
])("a median is %s", (_, values, expected) => {
  expect(median(values)).toBe(expected);
});

it.each<[number[], number, number]>([
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3, 4], 0.99, 4],
  [Array.from({ length: 100 }, (_, at) => at + 1), 0.99, 99],
  [[5], 0, 5],
])("the quantile of %j at %d is %d", (sorted, q, expected) => {
  expect(quantile(sorted, q)).toBe(expected);
});

it("a summary is in order, whatever the values", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const summary = summarize(values);
      expect(summary?.count).toBe(values.length);
      expect(summary?.max).toBeCloseTo(Math.max(...values), 9);
      expect(Number(summary?.p50)).toBeLessThanOrEqual(Number(summary?.p99));
      expect(Number(summary?.p99)).toBeLessThanOrEqual(Number(summary?.max));
    }),
  );
  expect(summarize([])).toBeUndefined();
});

it("a ratio does not notice a machine that slows down for a round", () => {
  const base = [10, 40, 10];
  expect(paired([13, 52, 13], base, (value, other) => value / other)).toEqual([1.3, 1.3, 1.3]);
});

it("a round that lacks one side is left out", () => {
  expect(paired([1, undefined, 3], [1, 2, undefined], (value, other) => value - other)).toEqual([0]);
});

it("a spread leaves out what could not be measured", () => {
  expect(spread([3, undefined, 1, Number.POSITIVE_INFINITY])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spread([undefined, Number.NaN])).toBeUndefined();
});
