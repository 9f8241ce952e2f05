/** Many measured values in short. */
export type Summary = {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
};

/** The value below which the share `q` of the sorted values lies (nearest rank); NaN where there are none. */
export const quantile = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;

/** Sums up; undefined where there is nothing. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).toSorted();
  let sum = 0;
  for (const value of sorted) sum += value;
  return {
    count: sorted.length,
    mean: sum / sorted.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

/** The middle value, or the mean of the two in the middle; NaN where there are none. What is no number is left out. */
export function median(values: readonly (number | undefined)[]): number {
  const sorted = values
    .filter((value) => value !== undefined && !Number.isNaN(value))
    .toSorted((a, b) => Number(a) - Number(b)) as number[];
  const lower = sorted[(sorted.length - 1) >> 1];
  const upper = sorted[sorted.length >> 1];
  return lower === undefined || upper === undefined ? Number.NaN : (lower + upper) / 2;
}

/** A figure over the rounds: its median, and the least and the most that a round gave. */
export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** Undefined where no round gave a number. */
export function spread(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  return known.length === 0
    ? undefined
    : { median: median(known), min: Math.min(...known), max: Math.max(...known) };
}

/**
 * Compares round by round: the machine that was slow for one was slow for the other. Rounds that lack either are left
 * out.
 */
export function paired(
  values: readonly (number | undefined)[],
  base: readonly (number | undefined)[],
  compare: (value: number, base: number) => number,
): number[] {
  return values.flatMap((value, round) => {
    const other = base[round];
    return value === undefined || other === undefined ? [] : [compare(value, other)];
  });
}
