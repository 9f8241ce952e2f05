import type { Ask } from "../model/answer.ts";
import { readPrompt } from "../model/conversation.ts";
import { objectOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { fail, goJson, modelRefusal } from "./ollama-http.ts";
import { NO_USAGE, finishOf, goSse, headOf, smallId, sseStream, usageOf } from "./ollama-openai.ts";
import { text } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, turnOf } from "./turn.ts";

/** POST /v1/completions: one string prompt; no echo, no n. */
export function ollamaOpenAiCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { prompt } = body;
  if (prompt !== undefined && typeof prompt !== "string") {
    const given = Array.isArray(prompt) ? "array" : typeof prompt;
    return fail(
      context,
      400,
      `json: cannot unmarshal ${given} into Go struct field CompletionRequest.prompt of type string`,
    );
  }
  const refused = modelRefusal(context, body, ["chat"]);
  if (refused) return refused;
  const ask: Ask = {
    ...baseAsk(context, readPrompt(prompt ?? "")),
    tokensMax: firstLimit(body, "max_tokens"),
  };
  const turn = turnOf(context, [ask]);
  const head = headOf(body, turn, `cmpl-${smallId(context)}`, "text_completion");
  if (body["stream"] !== true) {
    const choices = turn.answers.map((answer, index) => ({
      text: answer.content.join(""),
      index,
      finish_reason: finishOf(answer),
    }));
    const reply = { ...head, choices, usage: turn.usage ? usageOf(turn.usage) : NO_USAGE };
    return { ...text(200, "application/json", goJson(reply)), tokens: turn.tokens };
  }
  const { id, object, created, model, system_fingerprint } = head;
  const told = includesUsage(body) ? turn.usage : undefined;
  // With include_usage every chunk carries a usage, of zeros until the last.
  const chunk = (choices: JsonObject[], usage: Json | undefined, named = model) =>
    goSse({ id, object, created, choices, model: named, system_fingerprint, ...(usage ? { usage } : {}) });
  const pending = told ? NO_USAGE : undefined;
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      if (step.type === "text") {
        yield {
          part: "text",
          wire: chunk([{ text: step.text, index: 0, finish_reason: null }], pending),
          tokens: 1,
        };
      } else if (step.type === "close") {
        yield {
          part: "finish",
          wire: chunk([{ text: "", index: 0, finish_reason: finishOf(step.answer) }], pending),
          tokens: step.tokens,
        };
      }
    }
    if (told) yield { part: "usage", wire: chunk([], usageOf(told)), tokens: 0 };
  }
  return sseStream(events(), chunk([{ text: "", index: 0, finish_reason: null }], pending, ""));
}
