import { type RetryHistory, type RetryPolicy, type RetryStep, nextStep } from "./retry.ts";

/** A request so far, and which engines have no room for it. */
export type Journey = RetryHistory & {
  /** Engines that had no slot for it, since its last attempt. */
  readonly full: readonly string[];
  /** Those of them whose queue did not take it either. */
  readonly refused: readonly string[];
};

/** What a request does next. */
export type Move =
  /** Go to this engine if it has a slot now; where it has none, it counts as full. */
  | { readonly do: "ask"; readonly engine: string }
  /** Wait for a slot of this engine, in its queue. */
  | { readonly do: "wait"; readonly engine: string }
  /** Do nothing for so long, then ask this engine, where it is still among those that may be asked. */
  | { readonly do: "pause"; readonly engine: string; readonly delayMs: number }
  | Extract<RetryStep, { do: "give_up" }>;

/**
 * The whole way of a request through the engines, from the first one on: every engine that has a slot is asked once; then
 * the request waits for one that has none, for a full engine is a healthy one; only then it goes back to one that failed.
 * It is given up when neither is left.
 */
export function nextMove(
  { order, attempts, full, refused }: Journey,
  nowMs: number,
  deadlineMs: number,
  policy: RetryPolicy,
  random: () => number,
): Move {
  const step = (engines: readonly string[]): RetryStep =>
    nextStep({ order: engines, attempts }, nowMs, deadlineMs, policy, random);
  const free = step(order.filter((engine) => !full.includes(engine)));
  if (free.do === "failover") return { do: "ask", engine: free.engine };
  const crowded = step(order.filter((engine) => full.includes(engine) && !refused.includes(engine)));
  if (crowded.do === "failover") return { do: "wait", engine: crowded.engine };
  if (free.do === "retry") return after(free, "ask");
  if (crowded.do === "retry") return after(crowded, "wait");
  const isCrowdedOut = free.reason === "no_engine" && order.some((engine) => full.includes(engine));
  return isCrowdedOut ? { do: "give_up", reason: "overloaded" } : free;
}

const after = ({ engine, delayMs }: Extract<RetryStep, { do: "retry" }>, then: "ask" | "wait"): Move =>
  delayMs > 0 ? { do: "pause", engine, delayMs } : { do: then, engine };
