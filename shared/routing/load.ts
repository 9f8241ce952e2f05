import type { EngineView } from "./engine-view.ts";

/** Time for which an engine is avoided after it failed a request of ours, in milliseconds. */
export const RECENT_FAILURE_MS = 5_000;

/** Requests that an engine is working on, as far as anybody knows: a snapshot is older than what we did since. */
export const inFlightOf = ({ inFlight, localInFlight }: EngineView): number =>
  Math.max(inFlight, localInFlight);

/** Requests that an engine can work on at once, 1 at least: our cap for it, or its own slots where they are fewer. */
export const capacityOf = ({ concurrencyMax, load }: EngineView): number =>
  Math.max(1, Math.min(concurrencyMax, load.slots ?? concurrencyMax));

/**
 * How busy an engine is, for its size: 0 when idle, 1 when all of it is in use, more when requests wait. An engine may
 * have traffic that is not ours, so the higher of our count and its own counts.
 */
export function occupancyOf(view: EngineView): number {
  const working = Math.max(inFlightOf(view), view.load.running ?? 0);
  return (working + view.waiting + (view.load.waiting ?? 0)) / capacityOf(view);
}

/** Whether a request of ours failed there just now. */
export const failedLately = ({ lastFailureMs }: EngineView, nowMs: number): boolean =>
  lastFailureMs !== undefined && nowMs - lastFailureMs < RECENT_FAILURE_MS;

/**
 * What speaks against an engine, 0 for nothing: work and queue for its size, KV cache in use, a recent failure; all of
 * it lighter for an engine of a higher weight. A failure counts as much as a full engine and fades away: an engine that
 * fails at once always has nothing to do, and would draw all requests until its circuit opens.
 */
export function costOf(view: EngineView, nowMs: number): number {
  const { lastFailureMs, load, weight } = view;
  const failure =
    lastFailureMs === undefined ? 0 : Math.max(0, 1 - Math.max(0, nowMs - lastFailureMs) / RECENT_FAILURE_MS);
  return (occupancyOf(view) + (load.kvUse ?? 0) + failure) / (weight > 0 ? weight : 1);
}
