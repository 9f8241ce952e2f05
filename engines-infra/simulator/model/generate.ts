import { absorb, avalanche, mix } from "./hash.ts";
import { WORDS } from "./vocabulary.ts";

/** What a text depends on besides its prompt. `weights` stands for the model file: not the name it is served by. */
export type GenerateOptions = {
  weights?: string;
  seed?: number;
  /** Index of the choice when a request asks for several. */
  choice?: number;
  /** Length of the whole answer in tokens; about 32 when absent. */
  tokens?: number;
};

/** Weights that every simulator has unless told otherwise, so that any of them continues any other's text. */
export const DEFAULT_WEIGHTS = "eco-sim";

const TOKENS_MIN = 28;
const TOKENS_SPREAD = 9;
/** However many a client asks for: an answer is made as a whole, before its first token leaves. */
export const TOKENS_MAX = 100_000;
/** How far back a prompt is searched for a text that it continues. */
const SEARCH_CHARS_MAX = 8_192;

/**
 * The tokens of the answer to `context + prefill`: a pure function, continuous in the prefill. Wherever an answer is
 * cut between two code points, asking again with the first part as prefill yields the second:
 * `generate(c).join("") === p + generate(c, p).join("")`. A legacy completion has no context, only a prefill.
 */
export function generate(context: string, prefill = "", options: GenerateOptions = {}): string[] {
  let state = absorb(seedText(options) + context);
  let from = Math.max(0, prefill.length - SEARCH_CHARS_MAX);
  state = absorb(prefill.slice(0, from), state);
  // The earliest point at which the rest of the prefill is the beginning of what would have been said there is where
  // this answer began. A shorter match cannot disagree: the same search run on the longer prefill finds the same point.
  for (; from < prefill.length; from++) {
    const rest = continuation(answerFrom(state, prefill.slice(0, from), options), prefill, from);
    if (rest) return rest;
    state = absorb(prefill.charAt(from), state);
  }
  return [...answerFrom(state, prefill, options)];
}

/** How many tokens a text counts for: words with the space before them, and single signs. */
export function countTokens(text: string): number {
  return splitTokens(text).length;
}

/** Cuts any text (JSON, tool arguments) into tokens. */
export function splitTokens(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}_]+|\s*[^\s\p{L}\p{N}_]|\s+/gu) ?? [];
}

/** What is left of `tokens` after `prefix`, or undefined where the prefix is not how they begin. */
export function continuation(tokens: Iterable<string>, prefix: string, at = 0): string[] | undefined {
  const rest: string[] = [];
  let from = at;
  for (const token of tokens) {
    if (from >= prefix.length) rest.push(token);
    else if (prefix.startsWith(token, from)) from += token.length;
    else if (token.startsWith(prefix.slice(from))) {
      rest.push(token.slice(prefix.length - from));
      from = prefix.length;
    } else return undefined;
  }
  return from >= prefix.length ? rest : undefined;
}

function* answerFrom(state: number, before: string, options: GenerateOptions): Generator<string> {
  const key = avalanche(state);
  let left = Math.min(TOKENS_MAX, options.tokens ?? TOKENS_MIN + (mix(key, 0) % TOKENS_SPREAD));
  let glued = before === "" || /\s$/.test(before);
  for (let word = 1; left > 0; word++) {
    for (const token of WORDS[mix(key, word) % WORDS.length] ?? []) {
      if (left-- <= 0) return;
      yield glued ? token.trimStart() || "I" : token;
      glued = false;
    }
  }
}

function seedText({ weights = DEFAULT_WEIGHTS, seed, choice = 0 }: GenerateOptions): string {
  return `${weights}\u0000${seed ?? ""}\u0000${choice}\u0000`;
}
