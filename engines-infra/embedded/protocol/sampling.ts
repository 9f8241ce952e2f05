/** The part of a request that says how tokens are chosen and when to stop. Defaults are llama-server's, not OpenAI's. */
import type { Sampling, Token } from "../model/port.ts";
import type { Fields } from "./fields.ts";
import { isObject, refuse } from "./fields.ts";

/** Answers are capped when the client sets no cap: llama-server would go on to the context's end, minutes on a CPU. */
export const OUTPUT_TOKENS_DEFAULT = 512;
const CHOICES_MAX = 4;
const TOP_LOGPROBS_MAX = 20;
const STOPS_MAX = 16;

export type GenerationOptions = {
  sampling: Sampling;
  /** Whether the client asked for an answer that repeats: it gave a seed, or took chance out. */
  repeatable: boolean;
  outputTokensMax: number;
  stop: readonly string[];
  choices: number;
  stream: boolean;
  includeUsage: boolean;
  topLogprobs?: number;
};

/**
 * Fields that change an answer and that this engine cannot honour, with the values at which they change nothing.
 * They are refused by name; what we do not know at all is ignored, as in llama-server.
 */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  adaptive_target: [-1],
  audio: [],
  best_of: [0, 1],
  chat_template: [],
  chat_template_kwargs: [],
  dry_multiplier: [0],
  dynatemp_range: [0],
  echo: [false],
  function_call: ["none"],
  functions: [],
  grammar_lazy: [false],
  ignore_eos: [false],
  lora: [],
  mirostat: [0],
  n_probs: [0],
  post_sampling_probs: [false],
  reasoning_effort: ["none"],
  return_progress: [false],
  return_tokens: [false],
  samplers: [],
  suffix: [""],
  timings_per_token: [false],
  top_n_sigma: [-1, 0],
  typical_p: [1],
  web_search_options: [],
  xtc_probability: [0],
};

export function refuseUnsupported(fields: Fields): void {
  for (const [field, neutral] of Object.entries(UNSUPPORTED)) {
    const value = fields.raw(field);
    const empty = Array.isArray(value)
      ? value.length === 0
      : isObject(value) && Object.keys(value).length === 0;
    if (value !== undefined && !empty && !neutral.includes(value)) {
      refuse(`'${field}' is not supported by the embedded engine`);
    }
  }
}

/** What the reader of sampling fields must know of the model. */
export type VocabularyFacts = {
  vocabularyTokens: number;
  isEndOfGeneration(token: Token): boolean;
  tokenize(text: string, special: boolean): Token[];
};

/** `random` gives a number in [0, 1): the seed where the client gave none. */
export function readGenerationOptions(
  fields: Fields,
  vocabulary: VocabularyFacts,
  random: () => number,
): GenerationOptions {
  refuseUnsupported(fields);
  const stream = fields.flag("stream") ?? false;
  const streamOptions = fields.object("stream_options");
  if (streamOptions && !stream) refuse("'stream_options' is only allowed when 'stream' is true");
  const seed = fields.integer("seed");
  const givenSeed = seed !== undefined && seed >= 0 ? seed : undefined;
  const temperature = fields.number("temperature", { min: 0, max: 10 }) ?? 0.8;
  return {
    sampling: {
      temperature,
      topK: Math.max(0, fields.integer("top_k") ?? 40),
      topP: fields.number("top_p", { min: 0, max: 1 }) ?? 0.95,
      minP: fields.number("min_p", { min: 0, max: 1 }) ?? 0.05,
      seed: (givenSeed ?? Math.floor(random() * 2 ** 32)) >>> 0,
      repeatPenalty: fields.number("repeat_penalty", { min: 0.01, max: 100 }) ?? 1,
      presencePenalty: fields.number("presence_penalty", { min: -2, max: 2 }) ?? 0,
      frequencyPenalty: fields.number("frequency_penalty", { min: -2, max: 2 }) ?? 0,
      repeatLastTokens: fields.integer("repeat_last_n", { min: 0, max: 4096 }) ?? 64,
      logitBias: readLogitBias(fields, vocabulary),
    },
    repeatable: givenSeed !== undefined || temperature === 0,
    outputTokensMax: readOutputTokensMax(fields),
    stop: readStop(fields),
    choices: fields.integer("n", { min: 1, max: CHOICES_MAX }) ?? 1,
    stream,
    includeUsage: streamOptions?.flag("include_usage") ?? false,
    topLogprobs: readTopLogprobs(fields),
  };
}

/** In llama-server `n_predict` wins over `max_completion_tokens`, and that over `max_tokens`; -1 is "no cap". */
function readOutputTokensMax(fields: Fields): number {
  const given = ["n_predict", "max_completion_tokens", "max_tokens"].map((name) =>
    fields.integer(name, { min: -1 }),
  );
  const cap = given.find((value) => value !== undefined) ?? OUTPUT_TOKENS_DEFAULT;
  return cap === -1 ? Infinity : cap;
}

function readStop(fields: Fields): string[] {
  const stop = fields.raw("stop");
  if (stop === undefined) return [];
  const stops = Array.isArray(stop) ? stop : [stop];
  if (stops.length > STOPS_MAX) refuse(`'stop' may have at most ${STOPS_MAX} strings`);
  return stops
    .map((each) =>
      typeof each === "string" ? each : refuse("'stop' must be a string or an array of strings"),
    )
    .filter((each) => each !== "");
}

/** Chat says `logprobs: true` with `top_logprobs: n`; text completion says `logprobs: n`. */
function readTopLogprobs(fields: Fields): number | undefined {
  const logprobs = fields.raw("logprobs");
  const top = fields.integer("top_logprobs", { min: 0, max: TOP_LOGPROBS_MAX });
  if (typeof logprobs === "number") return fields.integer("logprobs", { min: 0, max: TOP_LOGPROBS_MAX });
  if (fields.flag("logprobs")) return top ?? 0;
  if (top !== undefined && top > 0) refuse("'top_logprobs' requires 'logprobs' to be true");
  return undefined;
}

/** OpenAI's map of token id to bias, and llama-server's list of `[token or text, bias or false]`. */
function readLogitBias(fields: Fields, vocabulary: VocabularyFacts): Map<Token, number> {
  const raw = fields.raw("logit_bias");
  const biases = new Map<Token, number>();
  if (raw === undefined) return biases;
  if (!isObject(raw) && !Array.isArray(raw)) refuse("'logit_bias' must be an object or an array of pairs");
  const entries: unknown[] = Array.isArray(raw) ? raw : Object.entries(raw);
  for (const entry of entries) {
    const [key, value] =
      Array.isArray(entry) && entry.length === 2 ? entry : refuse("'logit_bias' must hold pairs");
    const bias = value === false ? -Infinity : value;
    if (typeof bias !== "number" || bias > 100)
      refuse("a bias in 'logit_bias' must be a number up to 100, or false");
    for (const token of tokensOf(key, vocabulary)) {
      if (token < 0 || token >= vocabulary.vocabularyTokens)
        refuse(`'logit_bias' names token ${token}, which is not in the vocabulary`);
      if (vocabulary.isEndOfGeneration(token))
        refuse("'logit_bias' of an end-of-generation token is not supported");
      biases.set(token, bias <= -100 ? -Infinity : bias);
    }
  }
  return biases;
}

function tokensOf(key: unknown, vocabulary: VocabularyFacts): Token[] {
  if (typeof key === "number" && Number.isInteger(key)) return [key];
  if (typeof key !== "string") return refuse("'logit_bias' must name tokens by id or by text");
  return /^-?\d+$/.test(key) ? [Number(key)] : vocabulary.tokenize(key, false);
}
