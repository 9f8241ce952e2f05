import { readPrompt } from "../model/conversation.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import {
  fail,
  failure,
  json,
  lmdeployStream,
  modelOf,
  pendingUsage,
  refusal,
  refused,
  stopsOf,
  tooLong,
  usageOf,
} from "./lmdeploy-http.ts";
import { pythonSse } from "./python-json.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /v1/completions: texts only; `n`, `echo`, `suffix` and `logprobs` are taken and ignored. */
export function lmdeployCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const prompts = typeof body["prompt"] === "string" ? [body["prompt"]] : body["prompt"];
  if (prompts === undefined || prompts === null) return refused("prompt: Field required");
  if (!Array.isArray(prompts)) return refused("prompt.str: Input should be a valid string");
  // A comparison with None, outside of what is caught.
  if (body["n"] === null) return fail(failure(500));
  const wrong = refusal(context, body);
  if (wrong) return wrong;
  const texts = prompts.filter((prompt) => typeof prompt === "string");
  if (texts.length < prompts.length) return fail(failure(500));
  const asks = texts.map((prompt) => ({
    ...baseAsk(context, readPrompt(prompt)),
    stop: stopsOf(body),
    tokensMax: firstLimit(body, "max_completion_tokens", "max_tokens"),
    tokensMin: numberOf(body["min_new_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
  }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  const overflow = tooLong(context, longest);
  if (overflow) return overflow;
  const turn = turnOf(context, asks);
  return body["stream"] === true ? streamed(body, turn) : whole(body, turn);
}

/** The id is the session's, and nobody names one. */
const headOf = (body: JsonObject, turn: Turn) => ({
  id: String(numberOf(body["session_id"]) ?? -1),
  object: "text_completion",
  created: turn.createdS,
  model: modelOf(body),
});

function whole(body: JsonObject, turn: Turn): Reply {
  const choices = turn.answers.map((answer, index) => ({
    index,
    text: answer.content.join(""),
    logprobs: null,
    finish_reason: answer.finish,
  }));
  const details = { prompt_tokens_details: null, completion_tokens_details: null };
  const usage = turn.usage ? { usage: { ...usageOf(turn.usage), ...details } } : {};
  return { ...json(200, { ...headOf(body, turn), choices, ...usage }), tokens: turn.tokens };
}

/** The prompts are answered one after the other, all under index 0. */
function streamed(body: JsonObject, turn: Turn): Reply {
  const head = headOf(body, turn);
  const told = includesUsage(body) ? turn.usage : undefined;
  const pending = pendingUsage(body);
  const chunk = (text: string, more: JsonObject = {}): string =>
    pythonSse({ ...head, choices: [{ index: 0, text, ...more }], ...pending });
  function* events(): Generator<WireEvent> {
    for (const answer of turn.answers)
      for (const step of steps([answer])) {
        if (step.type === "text") yield { part: "text", wire: chunk(step.text), tokens: step.tokens };
        else if (step.type === "close")
          yield { part: "finish", wire: chunk("", { finish_reason: answer.finish }), tokens: step.tokens };
      }
    if (told)
      yield { part: "usage", wire: pythonSse({ ...head, choices: [], usage: usageOf(told) }), tokens: 0 };
  }
  return lmdeployStream(events());
}
