import type { Booking, Expected } from "./messages.ts";

/** What answers of a model have taught: means that follow what is new. */
export type Learnt = {
  count: number;
  /** Tokens of an answer, and how far from that they usually are. */
  completion: number;
  deviation: number;
  /** Tokens of a prompt as the engine counts them, over our estimate: rather too high than too low. */
  promptFactor: number;
  /** Time at the engine, in milliseconds. */
  engineMs: number;
};

/** Weight of what is new. */
const PACE = 0.1;
/** How slowly a high factor is forgotten. */
const FACTOR_PACE = 0.02;
const FACTOR_MIN = 0.25;
const FACTOR_MAX = 8;
/** Usual distances from the mean that are set aside on top of it. */
const DEVIATIONS = 3;
const COMPLETION_MIN = 16;

/** What is expected of a model of which nothing is known. */
const UNKNOWN: Expected = { promptFactor: 1.5, completion: 1024, engineMs: 10_000 };

/** What to set aside for a request of the model. */
export function expectedOf(learnt: Learnt | undefined): Expected {
  if (!learnt) return UNKNOWN;
  const { completion, deviation, promptFactor, engineMs } = learnt;
  return {
    promptFactor,
    completion: Math.max(COMPLETION_MIN, Math.ceil(completion + DEVIATIONS * deviation)),
    engineMs: Math.ceil(engineMs * 2),
  };
}

/** Learns from an answer whose tokens the engine has told. `estimate` is ours of its prompt. */
export function learn(before: Learnt | undefined, used: Booking, estimate: number | undefined): Learnt {
  const { completionTokens, promptTokens, engineMs } = used;
  const told = estimate ? promptTokens / estimate : UNKNOWN.promptFactor;
  const factor = Math.min(FACTOR_MAX, Math.max(FACTOR_MIN, told));
  if (!before)
    return {
      count: 1,
      completion: completionTokens,
      deviation: completionTokens / 2,
      promptFactor: Math.max(factor, UNKNOWN.promptFactor),
      engineMs,
    };
  const distance = Math.abs(completionTokens - before.completion);
  return {
    count: before.count + 1,
    completion: before.completion + PACE * (completionTokens - before.completion),
    deviation: before.deviation + PACE * (distance - before.deviation),
    promptFactor: Math.max(factor, before.promptFactor + FACTOR_PACE * (factor - before.promptFactor)),
    engineMs: before.engineMs + PACE * (engineMs - before.engineMs),
  };
}
