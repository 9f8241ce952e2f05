import type { EngineFault } from "../engines/engine.ts";

/** When and how often an engine is asked again. */
export type RetryPolicy = {
  readonly delayMsBase: number;
  readonly delayFactor: number;
  readonly delayMsMax: number;
  /** How often one engine is asked again for one request, after the first time. */
  readonly retriesMax: number;
};

/** 0.5 s, then twice as long, at most 8 s. */
export const RETRY_POLICY: RetryPolicy = {
  delayMsBase: 500,
  delayFactor: 2,
  delayMsMax: 8_000,
  retriesMax: 2,
};

/** What went wrong with an attempt, as far as the next step depends on it. */
export type RetryFault = Pick<EngineFault, "class" | "retryAfterMs"> & {
  /** What was waited for in vain; `answer`: the time for the whole answer is over. */
  readonly timeout?: "first byte" | "next chunk" | "answer";
  readonly unreachable?: true;
};

/** An attempt that failed. */
export type Attempted = {
  readonly engine: string;
  readonly fault: RetryFault;
  readonly endedMs: number;
};

/** A request so far: the engines that it may go to now, best first, and its attempts, oldest first. */
export type RetryHistory = {
  readonly order: readonly string[];
  readonly attempts: readonly Attempted[];
};

/** Why a request is given up. `no_engine`: none may be asked. `overloaded`: all of them want to be left alone for longer. */
export type GiveUpReason =
  "client_fault" | "answer_timeout" | "deadline" | "overloaded" | "exhausted" | "no_engine";

/** What to do after a failed attempt. */
export type RetryStep =
  /** Ask an engine that was not asked yet, now. */
  | { readonly do: "failover"; readonly engine: string }
  /** Ask an engine again, after a while. */
  | { readonly do: "retry"; readonly engine: string; readonly delayMs: number }
  | { readonly do: "give_up"; readonly reason: GiveUpReason };

/**
 * How long to leave an engine alone after its `attempt`th failure for one request, counted from 0, in milliseconds. All
 * of it is chance (full jitter), so that requests which failed together do not come back together:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter
 */
export function retryDelayMs(attempt: number, policy: RetryPolicy, random: () => number): number {
  return random() * Math.min(policy.delayMsMax, policy.delayMsBase * policy.delayFactor ** attempt);
}

/**
 * What to do after the last of the attempts failed, before anything of an answer has gone to the client.
 *
 * Every engine is asked once, one after the other without delay; then each again, those first that were asked least, each
 * some time after its own last failure. An engine's `Retry-After` is waited for where that is no longer than the longest
 * delay and ends before the deadline, else that engine is not asked again. `order` is best made anew for each step:
 * an engine that is not in it is not asked, so an open circuit is respected.
 */
export function nextStep(
  { order, attempts }: RetryHistory,
  nowMs: number,
  deadlineMs: number,
  policy: RetryPolicy,
  random: () => number,
): RetryStep {
  const fault = attempts.at(-1)?.fault;
  if (fault?.class === "client_fault") return giveUp("client_fault");
  if (fault?.timeout === "answer") return giveUp("answer_timeout");
  if (nowMs >= deadlineMs) return giveUp("deadline");
  const untried = order.find((engine) => !attempts.some((each) => each.engine === engine));
  if (untried !== undefined) return { do: "failover", engine: untried };
  return nextRound({ order, attempts }, nowMs, deadlineMs, policy, random);
}

const giveUp = (reason: GiveUpReason): RetryStep => ({ do: "give_up", reason });

function nextRound(
  { order, attempts }: RetryHistory,
  nowMs: number,
  deadlineMs: number,
  policy: RetryPolicy,
  random: () => number,
): RetryStep {
  let refused: GiveUpReason = order.length === 0 ? "no_engine" : "exhausted";
  let best: { readonly engine: string; readonly delayMs: number; readonly tries: number } | undefined;
  for (const engine of order) {
    const tried = attempts.filter((each) => each.engine === engine);
    const last = tried.at(-1);
    if (!last || tried.length > policy.retriesMax) continue;
    const wantedMs = last.fault.retryAfterMs ?? 0;
    if (wantedMs > policy.delayMsMax) {
      refused = "overloaded";
      continue;
    }
    const pauseMs = Math.max(wantedMs, retryDelayMs(tried.length - 1, policy, random));
    const delayMs = Math.max(0, last.endedMs + pauseMs - nowMs);
    if (nowMs + delayMs >= deadlineMs) {
      refused = "deadline";
      continue;
    }
    const sooner =
      !best || tried.length < best.tries || (tried.length === best.tries && delayMs < best.delayMs);
    if (sooner) best = { engine, delayMs, tries: tried.length };
  }
  return best ? { do: "retry", engine: best.engine, delayMs: best.delayMs } : giveUp(refused);
}
