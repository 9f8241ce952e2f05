import { hash32, hexDigits, mix } from "../model/hash.ts";
import { objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";

/** How many alternatives a chat request wants beside each token; undefined for no logprobs at all. */
export function wantedLogprobs(body: JsonObject): number | undefined {
  if (body["logprobs"] !== true) return undefined;
  return Number(objectOf(body)["top_logprobs"] ?? 0);
}

type TokenLogprob = { token: string; logprob: number; bytes: number[] };

function tokenLogprob(token: string, rank: number): TokenLogprob {
  const logprob = -((hash32(token) % 900) / 1000) - rank;
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

/** The alternatives to a token: itself first, then invented ones, less and less likely. */
function alternatives(token: string, top: number): TokenLogprob[] {
  const key = hash32(token);
  return Array.from({ length: top }, (_, rank) =>
    tokenLogprob(rank === 0 ? token : ` ${hexDigits(mix(key, rank), 4)}`, rank),
  );
}

/** One entry of a chat choice's `logprobs.content`. */
export function chatLogprob(token: string, top: number) {
  return { ...tokenLogprob(token, 0), top_logprobs: alternatives(token, top) };
}

/** `logprobs` of a legacy completion: four parallel lists. */
export function completionLogprobs(tokens: string[], top: number, offset: number) {
  let at = offset;
  const offsets = tokens.map((token) => {
    const here = at;
    at += token.length;
    return here;
  });
  return {
    text_offset: offsets,
    token_logprobs: tokens.map((token) => tokenLogprob(token, 0).logprob),
    tokens,
    top_logprobs: tokens.map((token) =>
      Object.fromEntries(alternatives(token, Math.max(1, top)).map((each) => [each.token, each.logprob])),
    ),
  };
}
