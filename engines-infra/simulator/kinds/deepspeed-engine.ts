import type { Ask } from "../model/answer.ts";
import type { Conversation } from "../model/conversation.ts";
import { numberOf, textOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { DONE } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { baseAsk } from "./turn.ts";

// What the three servers of DeepSpeed-MII share: the engine behind them, mii/batching/ragged_batching.py.

/** The model's end of a turn. Streams show it as any other token; whole answers do not. */
export const END_TOKEN = "</s>";

/** The arguments of a generation as the engine knows them, whatever a server calls them. */
export type Generation = {
  tokensMax: number | undefined;
  lengthMax: number;
  temperature: number | undefined;
  topP: number | undefined;
  topK: number | undefined;
  ignoreEos: boolean;
  /** Whether there is a stop text, of whatever kind. */
  hasStop: boolean;
};

/** The arguments that have one name on all servers. */
export function readGeneration({ settings }: Context, body: JsonObject, tokensMax?: number): Generation {
  return {
    tokensMax,
    lengthMax: numberOf(body["max_length"]) ?? settings.contextTokens,
    temperature: numberOf(body["temperature"]),
    topP: numberOf(body["top_p"]),
    topK: numberOf(body["top_k"]),
    ignoreEos: body["ignore_eos"] === true,
    hasStop: textOf(body["stop"]) !== undefined || Array.isArray(body["stop"]),
  };
}

/** Whether the engine's own checks turn the generation down. What it says of it nobody hears. */
export function isRefused({ temperature, topP, topK, lengthMax }: Generation, promptTokens: number): boolean {
  if (temperature !== undefined && temperature <= 0) return true;
  if (topP !== undefined && (topP <= 0 || topP > 1)) return true;
  return (topK !== undefined && topK <= 0) || lengthMax <= promptTokens;
}

/**
 * The ask of one prompt. A stop text is looked up as one token of the vocabulary and never comes; it takes the place of
 * the model's own end, so that the answer runs to its limit. Seeds, tools and formats are unknown.
 */
export function askOf(context: Context, conversation: Conversation, generation: Generation): Ask {
  const { lengthMax, hasStop, ignoreEos } = generation;
  const left = lengthMax - conversation.promptTokens;
  const tokensMax = Math.min(generation.tokensMax ?? left, left);
  const ask = { ...baseAsk(context, conversation), seed: undefined, stop: [], tokensMax };
  return ignoreEos || hasStop ? { ...ask, tokens: tokensMax + 1 } : ask;
}

/**
 * A stream of uvicorn's. Where a replica fails, the balancer waits for 600 seconds and then ends the stream as if all
 * were well: the end mark comes, and no finish. The wait is left out here.
 */
export function miiStream(events: Iterable<WireEvent>): Reply {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  return { type: "stream", headers, events, trouble: [DONE], end: DONE };
}
