/** One scenario: what was done, what came of it, what was promised, and whether it was kept. */
export type Row = {
  readonly what: string;
  readonly figures: string;
  readonly promise: string;
  readonly kept: boolean;
};

const TITLES = ["what was done", "what came of it", "promise", ""] as const;
const cellsOf = ({ what, figures, promise, kept }: Row): readonly string[] => [
  what,
  figures,
  promise,
  kept ? "✓" : "✗ broken",
];

/** The table of a run, in the order of the rows; each column is as wide as its widest cell. */
export function renderTable(rows: readonly Row[]): string {
  const lines = [TITLES, ...rows.map(cellsOf)];
  const widths = TITLES.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

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
