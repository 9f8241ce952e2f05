import type { EngineHealth, EngineLoad } from "../engines/engine.ts";
import type { CircuitState } from "./circuit.ts";

/** One engine as an isolate sees it when it has to choose: the snapshot of the fleet, and what it did itself since. */
export type EngineView = {
  readonly id: string;
  readonly kind: string;
  readonly region?: string;
  /** Share of the traffic relative to the others; 0 for a spare that is used when nothing else is left. */
  readonly weight: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly circuit: CircuitState;
  readonly health: EngineHealth;
  /** It ends what it has begun and gets nothing new. */
  readonly draining: boolean;
  /** Requests that it is given at once. */
  readonly concurrencyMax: number;
  /** Requests of ours that it is working on: those of all isolates, as of the snapshot. */
  readonly inFlight: number;
  /** Those of this isolate, as of now. */
  readonly localInFlight: number;
  /** Requests that wait for it in our own queue. */
  readonly waiting: number;
  /** What it said of itself. */
  readonly load: EngineLoad;
  /** When a request of this isolate last failed there, in milliseconds. */
  readonly lastFailureMs?: number;
};
