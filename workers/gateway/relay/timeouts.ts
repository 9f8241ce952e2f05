import type { EngineModel } from "../../../shared/engines/engine.ts";
import type { Config } from "../env.ts";
import type { Endpoint } from "../fleet/fleet.ts";

/** How long each phase of an answer may take, in milliseconds. */
export type Timeouts = { readonly firstByteMs: number; readonly idleMs: number; readonly totalMs: number };

/** Longest silence before and in an answer, where nobody says otherwise. */
const SILENCE_MS = 120_000;

/** The operator's settings for the model, for the engine, for the deployment; then what the engine's kind needs. */
export function timeoutsOf({ config, adapter }: Endpoint, model: EngineModel, defaults: Config): Timeouts {
  const { modelTimeouts } = config;
  const own = modelTimeouts && model.names.map((name) => modelTimeouts[name]).find((each) => each);
  const kind = adapter.defaults;
  return {
    firstByteMs:
      own?.firstByteTimeoutMs ??
      config.firstByteTimeoutMs ??
      defaults.FIRST_BYTE_TIMEOUT_MS ??
      kind.firstByteTimeoutMs ??
      SILENCE_MS,
    idleMs:
      own?.idleTimeoutMs ??
      config.idleTimeoutMs ??
      defaults.IDLE_TIMEOUT_MS ??
      kind.idleTimeoutMs ??
      SILENCE_MS,
    totalMs: own?.totalTimeoutMs ?? config.totalTimeoutMs ?? defaults.TOTAL_TIMEOUT_MS,
  };
}

/** A request that is under way. */
type Started = {
  readonly startedMs: number;
  readonly ports: { readonly config: Config; now(): number };
};

/** The timeouts of an attempt, and what of the whole answer's time is left. */
export function deadlines(
  { ports, startedMs }: Started,
  engine: Endpoint,
  model: EngineModel,
): { timeouts: Timeouts; leftMs: number } {
  const timeouts = timeoutsOf(engine, model, ports.config);
  return { timeouts, leftMs: Math.max(0, timeouts.totalMs - (ports.now() - startedMs)) };
}
