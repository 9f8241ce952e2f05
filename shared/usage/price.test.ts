import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Price, costNanoOf, decimalOfNano } from "./price.ts";

const tokens = (promptTokens: number, cachedTokens = 0, completionTokens = 0) => ({
  promptTokens,
  cachedTokens,
  completionTokens,
});

describe("a price", () => {
  it.each<[string, unknown, boolean]>([
    ["of tokens alone", { inputPerMillion: 0.15, outputPerMillion: 0.6 }, true],
    [
      "of everything",
      { inputPerMillion: 1, cachedInputPerMillion: 0.5, outputPerMillion: 2, perGpuSecond: 0.001 },
      true,
    ],
    ["of nothing", { inputPerMillion: 0, outputPerMillion: 0 }, true],
    ["with nine decimals", { inputPerMillion: 0.000000001, outputPerMillion: 999999.999999999 }, true],
    ["with ten decimals", { inputPerMillion: 0.0000000001, outputPerMillion: 1 }, false],
    ["below nothing", { inputPerMillion: -1, outputPerMillion: 1 }, false],
    ["above all reason", { inputPerMillion: 1e7, outputPerMillion: 1 }, false],
    ["without output", { inputPerMillion: 1 }, false],
    ["with something else", { inputPerMillion: 1, outputPerMillion: 1, perImage: 1 }, false],
    ["in words", { inputPerMillion: "1", outputPerMillion: 1 }, false],
  ])("%s", (_, price, holds) => {
    expect(Price.safeParse(price).success).toBe(holds);
  });
});

describe("the cost of a request", () => {
  const price: Price = { inputPerMillion: 0.15, cachedInputPerMillion: 0.075, outputPerMillion: 0.6 };

  it.each<[string, Price | undefined, ReturnType<typeof tokens>, number, number]>([
    ["is nothing without a price", undefined, tokens(1000, 0, 1000), 1000, 0],
    ["is nothing for nothing", price, tokens(0), 5000, 0],
    ["is its input's and its output's", price, tokens(1000, 0, 100), 0, 210_000],
    ["is less for what was cached", price, tokens(1000, 1000, 0), 0, 75_000],
    [
      "counts cached tokens as input where they have no price",
      { inputPerMillion: 2, outputPerMillion: 0 },
      tokens(10, 5),
      0,
      20_000,
    ],
    ["counts no more cached tokens than there are", price, tokens(10, 20), 0, 750],
    [
      "is the engine's time where that is priced",
      { inputPerMillion: 0, outputPerMillion: 0, perGpuSecond: 0.5 },
      tokens(0),
      1_500,
      750_000_000,
    ],
    ["is rounded up from a half", { inputPerMillion: 0.0005, outputPerMillion: 0 }, tokens(1), 0, 1],
    ["is rounded down below a half", { inputPerMillion: 0.000499999, outputPerMillion: 0 }, tokens(1), 0, 0],
    ["is nothing for counts that are none", price, tokens(-5, Number.NaN, Number.POSITIVE_INFINITY), -1, 0],
  ])("%s", (_, told, used, engineMs, cost) => {
    expect(costNanoOf(told, used, engineMs)).toBe(cost);
  });

  it("is what integers of any size say", () => {
    const nanos = fc.integer({ min: 0, max: 1e15 });
    const small = fc.integer({ min: 0, max: 50_000_000 });
    const amounts = fc.tuple(
      fc.oneof(nanos, small),
      fc.option(nanos),
      fc.oneof(nanos, small),
      fc.option(nanos),
    );
    const counts = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(
        amounts,
        counts,
        counts,
        counts,
        counts,
        ([input, cached, output, gpu], a, b, c, engineMs) => {
          const used = tokens(Math.max(a, b), Math.min(a, b), c);
          const asPrice: Price = {
            inputPerMillion: input / 1e9,
            outputPerMillion: output / 1e9,
            ...(cached !== null && { cachedInputPerMillion: cached / 1e9 }),
            ...(gpu !== null && { perGpuSecond: gpu / 1e9 }),
          };
          const millionths =
            BigInt(used.promptTokens - used.cachedTokens) * BigInt(input) +
            BigInt(used.cachedTokens) * BigInt(cached ?? input) +
            BigInt(c) * BigInt(output) +
            BigInt(engineMs) * 1000n * BigInt(gpu ?? 0);
          const exact = (millionths + 500_000n) / 1_000_000n;
          // Beyond 2^53 the nearest number is the best there is.
          expect(costNanoOf(asPrice, used, engineMs)).toBe(Number(exact));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("keeps every price of nine decimals as it was said", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (nanos) => {
        const price = { inputPerMillion: nanos / 1e9, outputPerMillion: 0 };
        expect(Price.safeParse(price).success).toBe(true);
        expect(costNanoOf(price, tokens(1_000_000), 0)).toBe(nanos);
      }),
    );
  });
});

describe("billionths as a decimal", () => {
  it.each<[number | bigint, string]>([
    [0, "0"],
    [1, "0.000000001"],
    [1_000_000_000, "1"],
    [1_234_500_000, "1.2345"],
    [90_000_000_000, "90"],
    [123_456_789_012_345_678_901n, "123456789012.345678901"],
  ])("%d is %s", (nanos, text) => {
    expect(decimalOfNano(nanos)).toBe(text);
  });
});
