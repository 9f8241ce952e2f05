import { describe, expect, it } from "vitest";
import { type Row, quantile, renderTable, summaryOf } from "./table.ts";

const row = (what: string, kept = true): Row => ({
  what,
  figures: `${what} it was`,
  promise: "0 wrong",
  kept,
});

describe("renderTable", () => {
  it("has a line for each scenario, in order, and marks what is broken", () => {
    const [title, first, second, ...more] = renderTable([row("calm"), row("storm", false)]).split("\n");
    expect(title).toMatch(/^what was done +what came of it +promise/);
    expect(first).toMatch(/^calm +calm it was +0 wrong +✓$/);
    expect(second).toMatch(/^storm +storm it was +0 wrong +✗ broken$/);
    expect(more).toEqual([]);
  });
});

describe("summaryOf", () => {
  it.each<[Row[], string]>([
    [[row("a"), row("b")], "2 promises kept."],
    [[row("a"), row("b", false)], "1 of 2 promises broken; again with: npm run chaos -- --seed 9"],
  ])("%j", (rows, words) => {
    expect(summaryOf(rows, 9)).toBe(words);
  });
});

describe("quantile", () => {
  it.each<[number[], number, number | undefined]>([
    [[], 0.5, undefined],
    [[7], 0.5, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [[3, 1, 2], 1, 3],
    [[3, 1, 2], 0, 1],
  ])("of %j at %d is %d", (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });
});
