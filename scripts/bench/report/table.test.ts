import { describe, expect, it } from "vitest";
import type { Measurement, Results } from "../figures.ts";
import type { Cell } from "./cell.ts";
import { ROWS, type Unit } from "./rows.ts";
import { cellText, columns, digits, goalText, renderTable } from "./table.ts";

it.each<[number, string]>([
  [0.123, "0.12"],
  [9.876, "9.88"],
  [12.34, "12.3"],
  [123.4, "123"],
  [12_345.6, "12,346"],
  [-12.34, "-12.3"],
])("%d is written %s", (value, text) => {
  expect(digits(value)).toBe(text);
});

const value = (median: number) => ({ median, min: median, max: median });

it.each<[string, Cell, Unit, string]>([
  [
    "a ratio that meets its goal",
    { kind: "value", value: value(1.314), comparison: "ratio", verdict: { is: "met", sure: true } },
    "ms",
    "1.31x ✓ ",
  ],
  [
    "a ratio on which the rounds disagree",
    { kind: "value", value: value(1.36), comparison: "ratio", verdict: { is: "missed", sure: false } },
    "ms",
    "1.36x ✗~",
  ],
  [
    "a figure that the machine cannot reach",
    { kind: "value", value: value(97), comparison: "none", verdict: { is: "beyond", sure: true } },
    "%",
    "97.0 % ? ",
  ],
  ["a difference", { kind: "value", value: value(0.25), comparison: "difference" }, "ms", "+0.25 ms   "],
  [
    "a difference to the better",
    { kind: "value", value: value(-0.25), comparison: "difference" },
    "ms",
    "-0.25 ms   ",
  ],
  ["a plain figure", { kind: "value", value: value(5120), comparison: "none" }, "/s", "5,120   "],
  ["a void", { kind: "void", failures: 3 }, "ms", "void: 3 failed"],
  ["nothing", { kind: "nothing" }, "ms", "·"],
])("%s as text", (_, cell, unit, text) => {
  expect(cellText(cell, unit)).toBe(text);
});

describe("a goal as text", () => {
  it.each([
    [
      goalText({ is: "at most", bound: 1.5, whereTranslated: 2.7 }, { comparison: "ratio", unit: "us" }),
      "≤ 1.5x, translated ≤ 2.7x",
    ],
    [goalText({ is: "at least", bound: 0.75 }, { comparison: "ratio", unit: "/s" }), "≥ 0.75x"],
    [goalText({ is: "at most", bound: 1 }, { comparison: "difference", unit: "ms" }), "≤ +1 ms"],
    [goalText({ is: "at most", bound: 13 }, { comparison: "none", unit: "" }), "≤ 13"],
    [goalText(undefined, { comparison: "none", unit: "" }), ""],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

it("columns are aligned, and a heading does not widen them", () => {
  expect(
    columns([
      ["", "a", "goal"],
      ["a very long heading over all of it"],
      ["x", "1", "≤ 2"],
      ["long", "100", ""],
    ]),
  ).toEqual(["         a   goal", "a very long heading over all of it", "x        1   ≤ 2", "long   100"]);
});

it("the table has every row that was measured, and no other", () => {
  const measured: Measurement = {
    figures: { cpuMsPerRequest: 1, requestsPerS: 100 },
    failures: 0,
    cores: { candidate: 1, engine: 0, loader: 0, others: 0 },
    lagMs: undefined,
  };
  const results: Results = { sat32: { bare: [measured], ours: [measured] } };
  const text = renderTable(results, ["bare", "ours"]);
  for (const { label, workload } of ROWS) if (workload === "sat32") expect(text).toContain(label);
  expect(text).toContain("1.00x ✓");
  expect(text).not.toContain("c500");
});
