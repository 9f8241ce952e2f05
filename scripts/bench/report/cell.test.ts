import { describe, expect, it } from "vitest";
import type { CandidateName } from "../candidates/candidate.ts";
import type { Figures, Measurement, Results } from "../figures.ts";
import { cellOf, judge } from "./cell.ts";
import type { Row } from "./rows.ts";

const cores = { candidate: 1, engine: 0.1, loader: 0.1, others: 0 };
const measured = (figures: Figures, failures = 0): Measurement => ({
  figures,
  failures,
  cores,
  lagMs: undefined,
});
const cpu = (...values: number[]) => values.map((cpuMsPerRequest) => measured({ cpuMsPerRequest }));

const RATIO: Row = {
  workload: "sat32",
  label: "CPU per request",
  figure: "cpuMsPerRequest",
  unit: "ms",
  comparison: "ratio",
  goal: { is: "at most", bound: 1.35, whereTranslated: 2.7 },
};
const RESULTS: Results = {
  sat32: {
    direct: cpu(0.1, 0.4, 0.1),
    bare: cpu(1, 4, 1),
    ours: cpu(1.25, 5, 1.5),
    "ours-translated": cpu(2.5, 10, 2.5),
  },
};

describe("a cell", () => {
  it.each<[string, CandidateName, object]>([
    [
      "sets the gateway beside the base, round by round",
      "ours",
      { value: { median: 1.25, min: 1.25, max: 1.5 }, verdict: { is: "met", sure: false } },
    ],
    [
      "grants a translation its own bound",
      "ours-translated",
      { value: { median: 2.5, min: 2.5, max: 2.5 }, verdict: { is: "met", sure: true } },
    ],
    [
      "shows the base as it is, unjudged",
      "bare",
      { value: { median: 1, min: 1, max: 4 }, comparison: "none" },
    ],
    [
      "shows the engine as it is, unjudged",
      "direct",
      { value: { median: 0.1, min: 0.1, max: 0.4 }, comparison: "none" },
    ],
    ["is empty for who was not measured", "ours-exact", { kind: "nothing" }],
  ])("%s", (_, candidate, cell) => {
    expect(cellOf(RESULTS, RATIO, candidate)).toMatchObject(cell);
  });

  it("judges nobody who is not ours", () => {
    for (const candidate of ["bare", "direct"] as const)
      expect(cellOf(RESULTS, RATIO, candidate)).not.toHaveProperty("verdict");
  });

  it("takes the difference where that is asked", () => {
    const cell = cellOf(RESULTS, { ...RATIO, comparison: "difference" }, "ours");
    expect(cell).toMatchObject({ value: { median: 0.5, min: 0.25, max: 1 } });
  });

  it("does not hold a figure against the gateway that the base misses too", () => {
    const row: Row = {
      workload: "c500",
      label: "late",
      figure: "latePercent",
      unit: "%",
      comparison: "none",
      goal: { is: "at most", bound: 1 },
    };
    const late = (percent: number) => [measured({ latePercent: percent })];
    const verdict = (bare: number, ours: number) =>
      cellOf({ c500: { bare: late(bare), ours: late(ours) } }, row, "ours");
    expect(verdict(0, 40)).toMatchObject({ verdict: { is: "missed" } });
    expect(verdict(30, 40)).toMatchObject({ verdict: { is: "beyond" } });
    expect(verdict(30, 0.5)).toMatchObject({ verdict: { is: "met" } });
  });

  it("is void when one request of one round failed", () => {
    const results: Results = {
      sat32: {
        bare: cpu(1, 1),
        ours: [measured({ cpuMsPerRequest: 1 }), measured({ cpuMsPerRequest: 0.1 }, 3)],
      },
    };
    expect(cellOf(results, RATIO, "ours")).toEqual({ kind: "void", failures: 3 });
  });

  it("has nothing to say beside a base that failed", () => {
    const results: Results = { sat32: { bare: [measured({ cpuMsPerRequest: 1 }, 1)], ours: cpu(1) } };
    expect(cellOf(results, RATIO, "ours")).toEqual({ kind: "nothing" });
    expect(cellOf(results, RATIO, "bare")).toEqual({ kind: "void", failures: 1 });
  });
});

it.each<[string, number[], "at most" | "at least", { is: "met" | "missed"; sure: boolean }]>([
  ["kept in every round", [1, 1.1, 1.2], "at most", { is: "met", sure: true }],
  ["broken in every round", [2, 2.1, 2.2], "at most", { is: "missed", sure: true }],
  ["kept in most rounds", [1, 1.1, 2], "at most", { is: "met", sure: false }],
  ["broken in most rounds", [1, 2, 3], "at most", { is: "missed", sure: false }],
  ["a lower bound, kept", [1.6, 1.7, 1.8], "at least", { is: "met", sure: true }],
  ["exactly at the bound", [1.5, 1.5, 1.5], "at least", { is: "met", sure: true }],
])("a bound %s", (_, [min = 0, median = 0, max = 0], is, verdict) => {
  expect(judge({ min, median, max }, { is, bound: 1.5 }, 1.5)).toEqual(verdict);
});
