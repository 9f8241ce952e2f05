import type { CandidateName } from "../candidates/candidate.ts";
import type { Results } from "../figures.ts";
import { WORKLOADS, type WorkloadName } from "../workloads.ts";
import { type Cell, cellOf } from "./cell.ts";
import { type Goal, ROWS, type Row, type Unit } from "./rows.ts";

/** A number with three digits that say something, and its thousands apart. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

const withUnit = (value: number, unit: Unit): string =>
  unit === "" || unit === "/s" ? digits(value) : `${digits(value)} ${unit}`;
const signed = (text: string): string => (text.startsWith("-") ? text : `+${text}`);

const MARKS = { met: "✓", missed: "✗", beyond: "?" } as const;
/** What the marks mean. */
export const LEGEND =
  "✓ goal met, ✗ missed, ? missed by bare as well (the machine is the limit), ~ the rounds disagree.";

/** One cell as text. */
export function cellText(cell: Cell, unit: Unit): string {
  if (cell.kind === "nothing") return "·";
  if (cell.kind === "void") return `void: ${cell.failures} failed`;
  const { value, comparison, verdict } = cell;
  const figure =
    comparison === "ratio"
      ? `${value.median.toFixed(2)}x`
      : comparison === "difference"
        ? signed(withUnit(value.median, unit))
        : withUnit(value.median, unit);
  return verdict ? `${figure} ${MARKS[verdict.is]}${verdict.sure ? " " : "~"}` : `${figure}   `;
}

/** A goal as text. */
export function goalText(
  goal: Goal | undefined,
  { comparison, unit }: Pick<Row, "comparison" | "unit">,
): string {
  if (!goal) return "";
  const bound = (value: number) =>
    comparison === "ratio"
      ? `${value}x`
      : `${comparison === "difference" ? "+" : ""}${value}${unit === "" ? "" : ` ${unit}`}`;
  const sign = goal.is === "at most" ? "≤" : "≥";
  return `${sign} ${bound(goal.bound)}${goal.whereTranslated === undefined ? "" : `, translated ${sign} ${bound(goal.whereTranslated)}`}`;
}

/** Columns side by side, each as wide as its widest cell; the first and the last lie left, the rest right. */
export function columns(lines: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...lines.map((line) => line.length));
  const widths = Array.from({ length: count }, (_, at) =>
    Math.max(0, ...lines.filter((line) => line.length > 1).map((line) => line[at]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, at) =>
        at === 0 || at === count - 1
          ? line.length > 1
            ? cell.padEnd(widths[at] ?? 0)
            : cell
          : cell.padStart(widths[at] ?? 0),
      )
      .join("   ")
      .trimEnd(),
  );
}

/** The whole table of a run. */
export function renderTable(results: Results, candidates: readonly CandidateName[]): string {
  const lines: string[][] = [["", ...candidates.map((name) => `${name}   `), "goal"]];
  for (const workload of Object.keys(WORKLOADS) as WorkloadName[]) {
    if (!results[workload]) continue;
    lines.push([""], [`${workload}: ${WORKLOADS[workload].title}`]);
    for (const row of ROWS.filter((each) => each.workload === workload)) {
      lines.push([
        `  ${row.label}`,
        ...candidates.map((name) => cellText(cellOf(results, row, name), row.unit)),
        goalText(row.goal, row),
      ]);
    }
  }
  return columns(lines).join("\n");
}
