import type { Answer } from "../model/answer.ts";
import { readPrompt } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { logprob, usageOf } from "./llama-cpp-chat.ts";
import { BUILD, badChoices, fail, failure, json, llamaStream, timings, tooLong } from "./llama-cpp-http.ts";
import { readTexts } from "./prompts.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { baseAsk, firstLimit, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /v1/completions: OpenAI's shape. `echo`, `best_of` and `suffix` have no effect. */
export function llamaText(context: Context): Reply {
  const body = objectOf(context.call.body);
  const turn = completed(context, body);
  if ("type" in turn) return turn;
  const turn_ = turn;
  const tail = {
    created: turn.createdS,
    model: context.settings.models[0] ?? "",
    system_fingerprint: BUILD,
    object: "text_completion",
  };
  const id = `chatcmpl-${alphanumeric(context.serial, 32)}`;
  const costOf = (choice: number) => {
    const share = turn_.shares[choice];
    return share ? { usage: usageOf(share), timings: timings(share.prompt, share.completion) } : {};
  };
  const top = numberOf(body["logprobs"]);
  if (body["stream"] !== true) {
    const choices = turn.answers.map((answer, index) => {
      const logprobs = probabilities(answer.content, top);
      return { text: answer.content.join(""), index, logprobs, finish_reason: finishOf(answer) };
    });
    return { ...json(200, { choices, ...tail, id, ...costOf(0) }), tokens: turn.tokens };
  }
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn_.answers)) {
      if (step.type === "text") {
        const logprobs = probabilities([step.text], top);
        const choices = [{ text: step.text, index: step.choice, logprobs, finish_reason: null }];
        yield { part: "text", wire: sse({ choices, ...tail, id }), tokens: 1 };
      } else if (step.type === "close") {
        const choices = [
          { text: "", index: step.choice, logprobs: null, finish_reason: finishOf(step.answer) },
        ];
        // Usage is always in a choice's final text chunk; there is no chunk without choices.
        const wire = sse({ choices, ...tail, id, ...costOf(step.choice) });
        yield { part: "finish", wire, tokens: step.tokens };
      }
    }
  }
  return llamaStream(body, events());
}

/** In the form of a chat, and none where none or 0 alternatives are asked for. */
function probabilities(tokens: readonly string[], top: number | undefined) {
  return top ? { content: tokens.map((token) => logprob(token, top)) } : null;
}

/** POST /completion and, without `/v1`, /completions: the server's own shape. */
export function llamaNative(context: Context): Reply {
  const body = objectOf(context.call.body);
  const turn = completed(context, body);
  if ("type" in turn) return turn;
  const prompt = turn.usage?.prompt ?? 0;
  const last = (answer: Answer, content: string, index: number) => ({
    index,
    content,
    tokens: [],
    id_slot: 0,
    stop: true,
    model: context.settings.models[0] ?? "",
    tokens_predicted: answer.tokens,
    tokens_evaluated: prompt,
    generation_settings: {},
    prompt: String(body["prompt"]),
    has_new_line: answer.content.some((token) => token.includes("\n")),
    truncated: false,
    stop_type: answer.stopMatch !== null ? "word" : answer.finish === "stop" ? "eos" : "limit",
    stopping_word: answer.stopMatch ?? "",
    tokens_cached: prompt + answer.tokens,
    timings: timings(prompt, answer.tokens),
  });
  const { answers } = turn;
  if (body["stream"] !== true) {
    const results = answers.map((answer, index) => last(answer, answer.content.join(""), index));
    return { ...json(200, results.length === 1 ? results[0] : results), tokens: turn.tokens };
  }
  function* events(): Generator<WireEvent> {
    let produced = 0;
    for (const step of steps(answers)) {
      produced += step.tokens;
      const index = step.choice;
      if (step.type === "text") {
        const counts = { id_slot: index, tokens_predicted: produced, tokens_evaluated: prompt };
        yield {
          part: "text",
          wire: sse({ index, content: step.text, tokens: [], stop: false, ...counts }),
          tokens: 1,
        };
      } else if (step.type === "close") {
        yield { part: "finish", wire: sse(last(step.answer, "", index)), tokens: step.tokens };
      }
    }
  }
  return llamaStream(body, events(), "");
}

function completed(context: Context, body: JsonObject): Turn | Reply {
  const prompts = readTexts(body["prompt"]);
  if (!prompts)
    return fail(
      failure(
        400,
        '"prompt" must be a string, an list of tokens, a list of mixed strings & tokens, or a list of prompts',
      ),
    );
  const refused = badChoices(context, body);
  if (refused) return refused;
  const asks = prompts.map((prompt) => ({
    ...baseAsk(context, readPrompt(prompt)),
    tokensMax: firstLimit(body, "n_predict", "max_tokens", "max_completion_tokens"),
    ignoreEos: body["ignore_eos"] === true,
    json: body["json_schema"] === undefined ? undefined : { schema: body["json_schema"] },
  }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  return tooLong(context, longest) ?? turnOf(context, asks, numberOf(body["n"]) ?? 1);
}

function finishOf({ finish }: Answer): string {
  return finish === "stop" ? "stop" : "length";
}
