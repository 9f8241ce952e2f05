import { expect, it } from "vitest";
import type { CandidateName } from "../candidates/candidate.ts";
import type { Measurement, Results } from "../figures.ts";
import type { WorkloadName } from "../workloads.ts";
import { notes } from "./notes.ts";

const CALM = { candidate: 0.95, engine: 0.2, loader: 0.3, others: 0.01 };
const results = (
  workload: WorkloadName,
  candidate: CandidateName,
  cores: Partial<Measurement["cores"]>,
  lagMs?: number,
): Results => ({
  [workload]: { [candidate]: [{ figures: {}, failures: 0, cores: { ...CALM, ...cores }, lagMs }] },
});

it("say what was used, and nothing more on a calm machine", () => {
  expect(notes(results("sat32", "ours", {}))).toEqual([
    "Cores in use beside the gateway: engine at most 0.20, loader at most 0.30, other people's work 0.01 (at most 0.01).",
  ]);
  expect(notes({})).toEqual([]);
});

it.each<[string, Results, RegExp]>([
  ["the engine was the limit", results("burst", "ours", { engine: 0.9 }), /engine .* limit: burst\/ours/],
  ["the loader was the limit", results("c500", "bare", { loader: 0.8 }), /loader .* limit: c500\/bare/],
  [
    "the gateway was not kept busy",
    results("sat32", "ours", { candidate: 0.5 }),
    /requests\/s say little: sat32\/ours/,
  ],
  ["the loader was late", results("rate", "ours", {}, 5), /late by more than 2 ms: rate\/ours/],
  ["others disturbed", results("big", "direct", { others: 0.6 }), /others used more .*: big\/direct/],
])("warn when %s", (_, seen, warning) => {
  const [, ...warnings] = notes(seen);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(warning);
});

it.each<[string, Results]>([
  ["the engine alone is its own limit", results("sat32", "direct", { engine: 1, loader: 1, candidate: 1 })],
  ["a gateway at leisure outside of full load", results("relay", "ours", { candidate: 0.3 })],
])("do not warn that %s", (_, seen) => {
  expect(notes(seen)).toHaveLength(1);
});
