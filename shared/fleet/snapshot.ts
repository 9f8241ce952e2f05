import type { EngineConfig } from "../contracts/engine-config.ts";
import type { ModelEntry } from "../contracts/admin-models.ts";
import type { EngineHealth, EngineLoad, EngineModel } from "../engines/engine.ts";

/** What is known of one engine, the same for the whole world. */
export type EngineStatus = {
  readonly circuit: "closed" | "open" | "half_open";
  readonly health: EngineHealth;
  /** It gets nothing new; what it has it may finish. */
  readonly draining: boolean;
  /** What it serves; what it once served stays known while it is away. */
  readonly models: readonly EngineModel[];
  /** How busy it says that it is. */
  readonly load: EngineLoad;
  /** Requests that the platform has there now, all isolates together, as far as they hold slots for them. */
  readonly inFlight: number;
  /** Requests that wait with us for one of its slots. */
  readonly waiting: number;
  /** Failures have been counted, so that a success is worth telling. */
  readonly failing: boolean;
  /** When an open circuit is tried again, in milliseconds since 1970. */
  readonly retryAtMs?: number;
  /** When it was last asked how it is; 0 for never. */
  readonly probedAtMs: number;
};

/** An engine that nothing is known of yet. */
export const UNKNOWN_STATUS: EngineStatus = {
  circuit: "closed",
  health: "down",
  draining: false,
  models: [],
  load: {},
  inFlight: 0,
  waiting: 0,
  failing: false,
  probedAtMs: 0,
};

/** Every engine and what is known of it, as isolates get it handed. */
export type FleetSnapshot = {
  /** Grows with every change, so that whoever has this one need not be sent it again. */
  readonly version: number;
  /** Grows when an engine serves other models than before, or the registry has changed. */
  readonly modelsVersion: number;
  readonly engines: readonly { readonly config: EngineConfig; readonly status: EngineStatus }[];
  /** The registered models, but for those that the platform knows by itself. */
  readonly models: readonly ModelEntry[];
};

/** What happened to an engine, as subscribers hear it. */
export type FleetEvent = {
  readonly atMs: number;
  readonly engine: string;
  readonly type: "circuit" | "health" | "drain";
  readonly from: string;
  readonly to: string;
  readonly reason?: string;
};
