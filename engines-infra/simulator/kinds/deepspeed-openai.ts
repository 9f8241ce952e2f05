import type { JsonObject } from "../model/json.ts";
import { textOf } from "../model/json.ts";
import { END_TOKEN } from "./deepspeed-engine.ts";
import { broken, json, repr } from "./deepspeed-http.ts";
import type { Flaw } from "./deepspeed-http.ts";
import type { Context } from "./kind.ts";
import type { Whole, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Turn } from "./turn.ts";

// The OpenAI-style server, mii/entrypoints/openai_api_server.py.

/** Tokens of an answer whose request sets no bound. */
export const TOKENS_MAX_DEFAULT = 128;

/** FastChat's numbers. */
const VALIDATION = 40_001;
const INVALID_MODEL = 40_301;

function fail(message: string, code: number): Whole {
  return json(400, { object: "error", message, code });
}

/** A request that pydantic turned down. */
export function invalid(flaws: Flaw[]): Whole {
  return fail(repr(flaws), VALIDATION);
}

/** Everything that both routes refuse, and how the engine's own checks end. */
export function refusal(
  { settings }: Context,
  body: JsonObject,
  flaws: Flaw[],
  hint: boolean,
): Whole | undefined {
  if (flaws.length > 0) return invalid(flaws);
  const own = settings.models[0] ?? "";
  const model = textOf(body["model"]);
  if (model !== own) {
    const words = hint
      ? `Model "${model}" not found. Please use "${own}".`
      : `Model ${model ?? "None"} not found.`;
    return fail(words, INVALID_MODEL);
  }
  // Of a list of stop texts the first is taken, also where there is none.
  return Array.isArray(body["stop"]) && body["stop"].length === 0 ? broken() : undefined;
}

/** Each token, the end of the model's turn among them, and then nothing but why it ended. */
export function* pieces(
  turn: Turn,
  chunk: (text: string, finish: string | null) => string,
): Generator<WireEvent> {
  for (const step of steps(turn.answers)) {
    if (step.type === "text") yield { part: "text", wire: chunk(step.text, null), tokens: step.tokens };
    if (step.type !== "close") continue;
    const { finish } = step.answer;
    if (finish === "stop") yield { part: "text", wire: chunk(END_TOKEN, null), tokens: 0 };
    yield { part: "finish", wire: chunk("", finish), tokens: step.tokens };
  }
}

/** Counted anew from the texts, without the template. */
export function usageOf(prompt: number, { tokens }: Turn) {
  return { prompt_tokens: prompt, total_tokens: prompt + tokens, completion_tokens: tokens };
}
