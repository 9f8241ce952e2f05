import { BASE, type CandidateName } from "../candidates/candidate.ts";
import type { FigureName, Measurement, Results } from "../figures.ts";
import { type Spread, paired, spread } from "../statistics.ts";
import { type Goal, type Row, boundFor } from "./rows.ts";

/** What the table says of one candidate in one row. */
export type Cell =
  | { readonly kind: "nothing" }
  /** So many requests failed: whatever was measured besides says nothing. */
  | { readonly kind: "void"; readonly failures: number }
  | {
      readonly kind: "value";
      readonly value: Spread;
      readonly comparison: Row["comparison"];
      readonly verdict?: Verdict;
    };

/** Whether a goal is met by the median, and whether the rounds agree on it. `beyond`: not even the base meets it. */
export type Verdict = { readonly is: "met" | "missed" | "beyond"; readonly sure: boolean };

const keeps = (value: number, { is }: Goal, bound: number): boolean =>
  is === "at most" ? value <= bound : value >= bound;

/** Judges a figure. */
export function judge({ median, min, max }: Spread, goal: Goal, bound: number): Verdict {
  const sure = keeps(min, goal, bound) === keeps(max, goal, bound);
  return { is: keeps(median, goal, bound) ? "met" : "missed", sure };
}

const figures = (rounds: readonly (Measurement | undefined)[], figure: FigureName) =>
  rounds.map((each) => each?.figures[figure]);
const failuresOf = (rounds: readonly (Measurement | undefined)[]) =>
  Math.max(0, ...rounds.map((each) => each?.failures ?? 0));

/** Works out one cell. The base and the engine alone are shown as they are, everyone else beside the base. */
export function cellOf(results: Results, row: Row, candidate: CandidateName): Cell {
  const rounds = results[row.workload]?.[candidate];
  const base = results[row.workload]?.[BASE];
  if (!rounds) return { kind: "nothing" };
  const failures = failuresOf(rounds);
  if (failures > 0) return { kind: "void", failures };
  const own = figures(rounds, row.figure);
  const compared = candidate.startsWith("ours") && row.comparison !== "none";
  // Beside a base that failed nothing can be judged.
  if (compared && (!base || failuresOf(base) > 0)) return { kind: "nothing" };
  const values = compared
    ? paired(
        own,
        figures(base ?? [], row.figure),
        row.comparison === "ratio" ? (a, b) => a / b : (a, b) => a - b,
      )
    : own;
  const value = spread(values);
  if (!value) return { kind: "nothing" };
  const verdict = verdictOf(
    value,
    row,
    candidate,
    compared ? undefined : spread(figures(base ?? [], row.figure)),
  );
  return {
    kind: "value",
    value,
    comparison: compared ? row.comparison : "none",
    ...(verdict && { verdict }),
  };
}

/** A figure that stands by itself is no fault of ours where the machine is too slow for the base as well. */
function verdictOf(
  value: Spread,
  { goal }: Row,
  candidate: CandidateName,
  base: Spread | undefined,
): Verdict | undefined {
  const bound = goal && boundFor(goal, candidate);
  if (!goal || bound === undefined) return undefined;
  const verdict = judge(value, goal, bound);
  const beyond = verdict.is === "missed" && base !== undefined && !keeps(base.median, goal, bound);
  return beyond ? { is: "beyond", sure: verdict.sure } : verdict;
}
