import { expect, it } from "vitest";
import { inOrder } from "./run-bench.ts";

it("every other round goes backwards", () => {
  expect([0, 1, 2].map((round) => inOrder(["A", "B", "C"], round).join(""))).toEqual(["ABC", "CBA", "ABC"]);
});
