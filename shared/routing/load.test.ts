import { describe, expect, it } from "vitest";
import type { EngineView } from "./engine-view.ts";
import { RECENT_FAILURE_MS, capacityOf, costOf, failedLately, inFlightOf, occupancyOf } from "./load.ts";

const NOW_MS = 100_000;
const view = (changes: Partial<EngineView>): EngineView => ({
  id: "a",
  kind: "vllm",
  weight: 1,
  circuit: "closed",
  health: "ready",
  draining: false,
  concurrencyMax: 10,
  inFlight: 0,
  localInFlight: 0,
  waiting: 0,
  load: {},
  ...changes,
});

describe("what an engine has to do", () => {
  it.each<[string, Partial<EngineView>, number]>([
    ["nothing", {}, 0],
    ["what we gave it", { inFlight: 5 }, 0.5],
    ["what this isolate gave it since", { inFlight: 5, localInFlight: 6 }, 0.6],
    ["what others gave it", { inFlight: 5, load: { running: 8 } }, 0.8],
    ["what waits with us and with it", { inFlight: 10, waiting: 5, load: { waiting: 5 } }, 2],
    ["for the slots that it really has", { inFlight: 4, load: { slots: 4 } }, 1],
    ["for one slot at least", { concurrencyMax: 0, inFlight: 2 }, 2],
  ])("is %s", (_, changes, occupancy) => {
    expect(occupancyOf(view(changes))).toBeCloseTo(occupancy);
  });

  it("is counted by whoever knows more", () => {
    expect(inFlightOf(view({ inFlight: 3, localInFlight: 2 }))).toBe(3);
    expect(capacityOf(view({ load: { slots: 64 } }))).toBe(10);
  });
});

describe("costOf", () => {
  it.each<[string, Partial<EngineView>, number]>([
    ["of an idle engine", {}, 0],
    ["adds the KV cache in use", { inFlight: 5, load: { kvUse: 0.4 } }, 0.9],
    ["is lighter for a higher weight", { inFlight: 5, weight: 2 }, 0.25],
    ["of a spare engine", { inFlight: 5, weight: 0 }, 0.5],
    ["counts a failure of just now as a full engine", { lastFailureMs: NOW_MS }, 1],
    ["counts it less as time passes", { lastFailureMs: NOW_MS - RECENT_FAILURE_MS / 4 }, 0.75],
    ["forgets it", { lastFailureMs: NOW_MS - 2 * RECENT_FAILURE_MS }, 0],
    ["bears a clock that was set back", { lastFailureMs: NOW_MS + 60_000 }, 1],
  ])("%s", (_, changes, cost) => {
    expect(costOf(view(changes), NOW_MS)).toBeCloseTo(cost);
  });
});

describe("failedLately", () => {
  it.each([
    [undefined, false],
    [NOW_MS, true],
    [NOW_MS - RECENT_FAILURE_MS + 1, true],
    [NOW_MS - RECENT_FAILURE_MS, false],
  ])("of a failure at %s is %s", (lastFailureMs, lately) => {
    expect(failedLately(view(lastFailureMs === undefined ? {} : { lastFailureMs }), NOW_MS)).toBe(lately);
  });
});
