import { describe, expect, it } from "vitest";
import { seededRandom } from "./random.ts";

const draws = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
};

describe("seededRandom", () => {
  it("repeats itself for a seed, and for no other", () => {
    expect(draws(7, 100)).toEqual(draws(7, 100));
    expect(draws(7, 100)).not.toEqual(draws(8, 100));
  });

  it.each([0, 1, -5, 2 ** 40])("spreads evenly over [0, 1) from seed %i", (seed) => {
    const numbers = draws(seed, 10_000);
    expect(numbers.every((each) => each >= 0 && each < 1)).toBe(true);
    const counts = Array.from(
      { length: 10 },
      (_, at) => numbers.filter((each) => Math.floor(each * 10) === at).length,
    );
    // Chi-square with 9 degrees of freedom: 27.9 is passed once in a thousand by true chance.
    expect(counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)).toBeLessThan(27.9);
  });
});
