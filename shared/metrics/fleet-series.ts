import type { EngineStatus } from "../fleet/snapshot.ts";
import type { GaugeName } from "./catalog.ts";
import { type Series, seriesKey } from "./series.ts";

/** An engine as its gauges show it. */
export type MeasuredEngine = {
  readonly id: string;
  readonly status: EngineStatus;
  /** Requests that it may have at once. */
  readonly slots: number;
};

const CIRCUITS: readonly EngineStatus["circuit"][] = ["closed", "open", "half_open"];
const HEALTHS: readonly EngineStatus["health"][] = ["ready", "loading", "down"];

/** What is known of the engines now, as gauges. */
export function fleetSeries(engines: readonly MeasuredEngine[]): Series {
  const series: Series = {};
  for (const { id: engine, status, slots } of engines) {
    const set = (name: GaugeName, value: number, labels: Readonly<Record<string, string>> = {}): void => {
      series[seriesKey(name, { engine, ...labels })] = [value];
    };
    set("eco_engine_up", status.health === "ready" ? 1 : 0);
    for (const state of HEALTHS) set("eco_engine_health", status.health === state ? 1 : 0, { state });
    for (const state of CIRCUITS) set("eco_circuit_state", status.circuit === state ? 1 : 0, { state });
    set("eco_engine_draining", status.draining ? 1 : 0);
    set("eco_engine_slots", slots);
    set("eco_engine_in_flight", status.inFlight);
    set("eco_queue_depth", status.waiting);
  }
  return series;
}
