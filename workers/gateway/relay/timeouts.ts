import type { Config } from "../env.ts";
import type { Endpoint } from "../fleet.ts";

/** How long each phase of an answer may take, in milliseconds. */
export type Timeouts = { readonly firstByteMs: number; readonly idleMs: number; readonly totalMs: number };

/** The engine's own settings before those of the deployment. */
export const timeoutsOf = ({ config }: Endpoint, defaults: Config): Timeouts => ({
  firstByteMs: config.firstByteTimeoutMs ?? defaults.FIRST_BYTE_TIMEOUT_MS,
  idleMs: config.idleTimeoutMs ?? defaults.IDLE_TIMEOUT_MS,
  totalMs: config.totalTimeoutMs ?? defaults.TOTAL_TIMEOUT_MS,
});
