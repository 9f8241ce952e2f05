import { columns } from "../bench/report/table.ts";

/** One scenario: what was done, what came of it, what was promised, and whether it was kept. */
export type Row = {
  readonly what: string;
  readonly figures: string;
  readonly promise: string;
  readonly kept: boolean;
};

/** The table of a run, in the order of the rows. */
export const renderTable = (rows: readonly Row[]): string =>
  columns([
    ["what was done", "what came of it", "promise", ""],
    ...rows.map(({ what, figures, promise, kept }) => [what, figures, promise, kept ? "✓" : "✗ broken"]),
  ]).join("\n");

/** The last line: whether all was kept, and how to see it again where not. */
export function summaryOf(rows: readonly Row[], seed: number): string {
  const broken = rows.filter(({ kept }) => !kept).length;
  if (broken === 0) return `${rows.length} promises kept.`;
  return `${broken} of ${rows.length} promises broken; again with: npm run chaos -- --seed ${seed}`;
}

/** A share of sorted numbers, 0 to 1: the smallest one that so many are not above. Undefined where there are none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
