import { splitTokens } from "../model/generate.ts";
import { readPrompt } from "../model/conversation.ts";
import { isObject, numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { misfit, mistyped, outOfRange, schemaOf } from "./tgi-fields.ts";
import { computed, failed, invalid, json, tgiStream, tooLong } from "./tgi-http.ts";
import { EOS, tgiTurn, tokenOf, tokenSteps, topTokensOf } from "./tgi-turn.ts";
import type { TgiTurn } from "./tgi-turn.ts";
import { baseAsk, firstLimit, readStop } from "./turn.ts";

const FIELDS = [
  "best_of",
  "temperature",
  "repetition_penalty",
  "frequency_penalty",
  "top_k",
  "top_p",
  "typical_p",
  "max_new_tokens",
  "stop",
  "seed",
  "top_n_tokens",
];

/** POST /generate */
export const tgiGenerate = (context: Context): Reply => generate(context, false);

/** POST /generate_stream */
export const tgiGenerateStream = (context: Context): Reply => generate(context, true);

/** POST /, the older form: `stream` chooses, and a whole answer is the only one of a list. */
export function tgiCompat(context: Context): Reply {
  const streamed = objectOf(context.call.body)["stream"] === true;
  const reply = generate(context, streamed);
  return reply.type === "whole" && reply.status === 200 ? { ...reply, body: `[${reply.body}]` } : reply;
}

function generate(context: Context, streamed: boolean): Reply {
  const body = objectOf(context.call.body);
  const { inputs } = body;
  if (typeof inputs !== "string") return misfit(body, "missing field `inputs`");
  const given = isObject(body["parameters"]) ? body["parameters"] : { do_sample: true };
  const wrong = mistyped(given, FIELDS);
  if (wrong) return wrong;
  const streamless = streamed ? notStreamed(given) : undefined;
  const ask = {
    ...baseAsk({ ...context, call: { ...context.call, body: given } }, readPrompt(inputs)),
    stop: [],
    tokensMax: firstLimit(given, "max_new_tokens"),
    json: schemaOf(given["grammar"]) ? { schema: schemaOf(given["grammar"]) } : undefined,
  };
  const empty = inputs === "" ? invalid("`inputs` cannot be empty") : undefined;
  const error =
    streamless ??
    outOfRange(given) ??
    empty ??
    tooLong(context, ask.conversation.promptTokens, ask.tokensMax);
  if (error) return failed(error, "native", streamed);
  const turn = tgiTurn(context, [ask], readStop(given["stop"]));
  return streamed ? stream(turn, given, inputs) : whole(turn, given, inputs);
}

function notStreamed(given: JsonObject) {
  if ((numberOf(given["best_of"]) ?? 1) !== 1)
    return invalid("`best_of` != 1 is not supported when streaming tokens");
  return given["decoder_input_details"] === true
    ? invalid("`decoder_input_details` == true is not supported when streaming tokens")
    : undefined;
}

function whole(turn: TgiTurn, given: JsonObject, inputs: string): Whole {
  const tokens = turn.answers[0]?.content ?? [];
  const ending = turn.endings[0] ?? "eos_token";
  const top = numberOf(given["top_n_tokens"]) ?? 0;
  const { prompt = 0, completion = 0 } = turn.usage ?? {};
  const listed = ending === "eos_token" ? [...tokens, EOS] : tokens;
  const prefill = given["decoder_input_details"] === true ? splitTokens(inputs) : [];
  const details = {
    finish_reason: ending,
    generated_tokens: completion,
    seed: numberOf(given["seed"]) ?? null,
    // The first token has no probability.
    prefill: prefill.map((text, at) => ({ ...prefillOf(text), logprob: at === 0 ? null : -1.5 })),
    tokens: listed.map((text, at) => tokenOf(text, at === tokens.length)),
    ...(top > 0 ? { top_tokens: listed.map((text) => topTokensOf(text, top)) } : {}),
  };
  const told = given["details"] === true || given["decoder_input_details"] === true;
  const full = given["return_full_text"] === true ? inputs : "";
  const reply = { generated_text: full + tokens.join(""), ...(told ? { details } : {}) };
  return { ...json(200, reply, computed(inputs.length, prompt, completion)), tokens: turn.tokens };
}

function prefillOf(text: string) {
  const { special: _, ...token } = tokenOf(text);
  return token;
}

function stream(turn: TgiTurn, given: JsonObject, inputs: string): Reply {
  const top = numberOf(given["top_n_tokens"]) ?? 0;
  function* events(): Generator<WireEvent> {
    let index = 0;
    for (const step of tokenSteps(turn)) {
      if (step.type !== "token") continue;
      const { text, special, ending, tokens } = step;
      const told = ending && given["details"] === true && turn.usage;
      const wire = sse({
        index: ++index,
        token: tokenOf(text, special),
        ...(top > 0 ? { top_tokens: topTokensOf(text, top) } : {}),
        generated_text: ending ? (turn.answers[0]?.content ?? []).join("") : null,
        details: told
          ? {
              finish_reason: ending,
              generated_tokens: turn.usage?.completion ?? 0,
              seed: numberOf(given["seed"]) ?? null,
              input_length: turn.usage?.prompt ?? 0,
            }
          : null,
      });
      yield { part: ending ? "finish" : "text", wire, tokens };
    }
  }
  return tgiStream(events(), "native", inputs.length);
}

/** POST /tokenize */
export function tgiTokenize({ call }: Context): Reply {
  const body = objectOf(call.body);
  if (typeof body["inputs"] !== "string") return misfit(body, "missing field `inputs`");
  let at = 0;
  const tokens = splitTokens(body["inputs"]).map((text) => {
    const start = at;
    at += text.length;
    return { id: tokenOf(text).id, text, start, stop: at };
  });
  return json(200, tokens);
}
