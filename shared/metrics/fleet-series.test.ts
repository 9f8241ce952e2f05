import { describe, expect, it } from "vitest";
import { type EngineStatus, UNKNOWN_STATUS } from "../fleet/snapshot.ts";
import { fleetSeries } from "./fleet-series.ts";
import { renderMetrics } from "./render.ts";
import { readPrometheus } from "./testing.ts";

const samplesOf = (status: Partial<EngineStatus>) => {
  const engines = [
    { id: "a", status: { ...UNKNOWN_STATUS, ...status }, slots: 8 },
    { id: "b", status: UNKNOWN_STATUS, slots: 1 },
  ];
  const { samples, faults } = readPrometheus(renderMetrics(fleetSeries(engines)));
  expect(faults).toEqual([]);
  return samples;
};

describe("the gauges of the engines", () => {
  it.each<[EngineStatus["health"], number]>([
    ["ready", 1],
    ["loading", 0],
    ["down", 0],
  ])("say of one that is %s whether it is up, and its state of health", (health, up) => {
    const samples = samplesOf({ health });
    expect(samples.get('eco_engine_up{engine="a"}')).toBe(up);
    for (const state of ["ready", "loading", "down"])
      expect(samples.get(`eco_engine_health{engine="a",state="${state}"}`)).toBe(state === health ? 1 : 0);
  });

  it("do not take one that is drained, or that requests fail at, for one that is away", () => {
    const samples = samplesOf({ health: "ready", draining: true, circuit: "open" });
    expect(samples.get('eco_engine_up{engine="a"}')).toBe(1);
    expect(samples.get('eco_engine_draining{engine="a"}')).toBe(1);
  });

  it.each(["closed", "open", "half_open"] as const)("have one circuit state: %s", (circuit) => {
    const samples = samplesOf({ circuit });
    for (const state of ["closed", "open", "half_open"])
      expect(samples.get(`eco_circuit_state{engine="a",state="${state}"}`)).toBe(state === circuit ? 1 : 0);
  });

  it("count slots, those that are lent, and who waits", () => {
    const samples = samplesOf({ inFlight: 3, waiting: 2 });
    expect(samples.get('eco_engine_slots{engine="a"}')).toBe(8);
    expect(samples.get('eco_engine_in_flight{engine="a"}')).toBe(3);
    expect(samples.get('eco_queue_depth{engine="a"}')).toBe(2);
  });
});
