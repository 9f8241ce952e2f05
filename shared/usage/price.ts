import { z } from "zod";

/** Billionths of the currency in one of it: amounts are counted in integers, which add up without rounding. */
export const NANO = 1_000_000_000;

/** An amount of the operator's currency, with up to nine decimals: whole billionths. */
const Amount = z
  .number()
  .min(0)
  .max(1e6)
  .refine((amount) => Number(amount.toFixed(9)) === amount, "has more than nine decimals");

/** What a model costs its callers. What it costs nothing for is 0; only the two for tokens must be said. */
export const Price = z
  .strictObject({
    inputPerMillion: Amount.meta({
      description: "For a million tokens of prompts, in the operator's currency.",
      example: 0.15,
    }),
    cachedInputPerMillion: Amount.optional().meta({
      description: "For a million tokens of prompts that the engine still had; as other input when absent.",
      example: 0.075,
    }),
    outputPerMillion: Amount.meta({ description: "For a million tokens of answers.", example: 0.6 }),
    perGpuSecond: Amount.optional().meta({
      description: "For a second of an engine's time, besides the tokens; nothing when absent.",
    }),
  })
  .meta({ id: "Price" });
export type Price = z.infer<typeof Price>;

/** What one request used; cached tokens are part of the prompt's. */
export type PricedTokens = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
};

const TOKENS_PER_PRICE = 1_000_000;
const MS_PER_SECOND = 1_000;

/** What a request costs, in whole billionths of the currency, rounded to the nearest; without a price it is 0. */
export function costNanoOf(price: Price | undefined, used: PricedTokens, engineMs: number): number {
  if (price === undefined) return 0;
  const prompt = count(used.promptTokens);
  const cached = Math.min(count(used.cachedTokens), prompt);
  // Everything in millionths of a billionth, so that there is one rounding, at the end.
  return roundedSum([
    [prompt - cached, nano(price.inputPerMillion)],
    [cached, nano(price.cachedInputPerMillion ?? price.inputPerMillion)],
    [count(used.completionTokens), nano(price.outputPerMillion)],
    [count(engineMs) * (TOKENS_PER_PRICE / MS_PER_SECOND), nano(price.perGpuSecond ?? 0)],
  ]);
}

/** What engines and clocks tell is no reason to fail or to pay out. */
const count = (told: number): number => (told > 0 && Number.isFinite(told) ? Math.round(told) : 0);

const nano = (amount: number): number => Math.round(amount * NANO);

type Product = readonly [count: number, nano: number];

/** The products' sum in millionths, rounded half up to ones. */
function roundedSum(products: readonly Product[]): number {
  const sum = products.reduce((total, [a, b]) => total + a * b, 0);
  // Integers up to here are exact in a number; dearer requests are worth the slower arithmetic.
  if (sum <= Number.MAX_SAFE_INTEGER) return quotient(sum, sum % TOKENS_PER_PRICE);
  const exact = products.reduce((total, [a, b]) => total + BigInt(a) * BigInt(b), 0n);
  return Number((exact + BigInt(TOKENS_PER_PRICE / 2)) / BigInt(TOKENS_PER_PRICE));
}

/** By the remainder, for a rounded quotient could come out on the other side of a half. */
const quotient = (sum: number, remainder: number): number =>
  (sum - remainder) / TOKENS_PER_PRICE + (remainder * 2 >= TOKENS_PER_PRICE ? 1 : 0);

/** Billionths as a decimal: `1234500000` is `1.2345`. A text, for a number of JSON could not hold large ones exactly. */
export function decimalOfNano(nanos: number | bigint): string {
  const digits = BigInt(nanos).toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return fraction === "" ? digits.slice(0, -9) : `${digits.slice(0, -9)}.${fraction}`;
}
