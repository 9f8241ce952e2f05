import { answer } from "../model/answer.ts";
import type { Answer, Ask } from "../model/answer.ts";
import type { Conversation } from "../model/conversation.ts";
import { isObject, listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";

/** A generation ready to be written in an engine's words. */
export type Turn = {
  createdS: number;
  answers: Answer[];
  /** Tokens of the prompt and of all answers; undefined where the engine has been told not to say. */
  usage: Usage | undefined;
  /** The same of each answer alone; empty where `usage` is undefined. */
  shares: Usage[];
  tokens: number;
};

export type Usage = { prompt: number; completion: number; total: number; reasoning: number };

/** What the request and the directives say about any generation, before the kind adds how it reads its own fields. */
export function baseAsk(context: Context, conversation: Conversation): Ask {
  const body = objectOf(context.call.body);
  const { directives, settings } = context;
  return {
    conversation,
    weights: settings.weights,
    seed: numberOf(body["seed"]),
    tokens: directives.tokens,
    hugeBytes: directives.hugeBytes,
    abortTokens: directives.abortTokens,
    stop: readStop(body["stop"]),
  };
}

/** OpenAI's own bound of `n`; not every kind refuses more. */
const CHOICES_MAX = 128;

/** Answers every ask; `n` of each, 128 at most. */
export function turnOf(context: Context, asks: Ask[], n = 1): Turn {
  const all = asks.flatMap((ask) =>
    Array.from({ length: Math.min(n, CHOICES_MAX) }, (_, choice) => ({
      answer: answer({ ...ask, choice }),
      prompt: ask.conversation.promptTokens,
    })),
  );
  const answers = all.map((each) => each.answer);
  const prompt = asks.reduce((sum, { conversation }) => sum + conversation.promptTokens, 0);
  const completion = answers.reduce((sum, { tokens }) => sum + tokens, 0);
  const reasoning = answers.reduce((sum, each) => sum + each.reasoning.length, 0);
  context.countPrompt(prompt);
  const { noUsage } = context.directives;
  return {
    createdS: Math.floor(context.nowMs / 1000),
    answers,
    usage: noUsage ? undefined : { prompt, completion, total: prompt + completion, reasoning },
    shares: noUsage ? [] : all.map((each) => shareOf(each.prompt, each.answer)),
    tokens: completion,
  };
}

function shareOf(prompt: number, { tokens, reasoning }: Answer): Usage {
  return { prompt, completion: tokens, total: prompt + tokens, reasoning: reasoning.length };
}

/** `stop` as a string or a list of strings. */
export function readStop(stop: Json | undefined): string[] {
  const one = textOf(stop);
  return one === undefined ? listOf(stop).flatMap((each) => textOf(each) ?? []) : [one];
}

/** The first of the named fields that holds a number of zero or more. */
export function firstLimit(body: JsonObject, ...names: string[]): number | undefined {
  return names.map((name) => numberOf(body[name])).find((value) => value !== undefined && value >= 0);
}

/** `response_format` of OpenAI's shape. */
export function readResponseFormat(format: Json | undefined): Ask["json"] {
  if (!isObject(format)) return undefined;
  if (format["type"] === "json_object") return isObject(format["schema"]) ? { schema: format["schema"] } : {};
  if (format["type"] !== "json_schema") return undefined;
  return { schema: objectOf(objectOf(format["json_schema"])["schema"] ?? format["schema"]) };
}

/** Whether `stream_options.include_usage` is set. */
export function includesUsage(body: JsonObject): boolean {
  return objectOf(body["stream_options"])["include_usage"] === true;
}
