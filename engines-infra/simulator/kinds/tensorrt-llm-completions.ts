import { readPrompt } from "../model/conversation.ts";
import { hexDigits } from "../model/hash.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { completionLogprobs } from "./logprobs.ts";
import { readTexts } from "./prompts.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { tensorrtLlmStream, usageOf } from "./tensorrt-llm-chat-writer.ts";
import { COMPLETION_FIELDS, refusal } from "./tensorrt-llm-fields.ts";
import { fail, json, tooLong, validation } from "./tensorrt-llm-http.ts";
import { baseAsk, firstLimit, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /v1/completions: any of the four prompt forms; choice index is prompt index x n + choice. */
export function tensorrtLlmCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(body, COMPLETION_FIELDS);
  if (refused) return refused;
  const prompts = readTexts(body["prompt"]);
  if (!prompts) return validation(["body", "prompt"], "missing", "Field required");
  if (
    body["echo"] === true &&
    typeof body["prompt"] !== "string" &&
    typeof [body["prompt"]].flat()[0] !== "string"
  )
    return fail(400, 'can only concatenate list (not "str") to list');
  const asks = prompts.map((prompt) => ({
    ...baseAsk(context, readPrompt(prompt)),
    // Without a limit it goes on to the end of the context.
    tokensMax: firstLimit(body, "max_tokens") ?? context.settings.contextTokens,
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["include_stop_str_in_output"] === true,
    json: readResponseFormat(body["response_format"]),
  }));
  const overflow = tooLong(context, Math.max(...asks.map(({ conversation }) => conversation.promptTokens)));
  if (overflow) return overflow;
  const n = numberOf(body["n"]) ?? 1;
  const turn = turnOf(context, asks, n);
  const echoes = body["echo"] === true ? turn.answers.map((_, at) => prompts[Math.floor(at / n)] ?? "") : [];
  return body["stream"] === true
    ? streamed(context, body, turn, echoes, n)
    : whole(context, body, turn, echoes);
}

const modelOf = (body: JsonObject) => body["model"] ?? "";
/** 0 is taken for none. */
const topOf = (body: JsonObject) => numberOf(body["logprobs"]) || undefined;

function whole({ serial }: Context, body: JsonObject, turn: Turn, echoes: string[]): Reply {
  const top = topOf(body);
  const choices = turn.answers.map((answer, index) => ({
    index,
    text: (echoes[index] ?? "") + answer.content.join(""),
    token_ids: null,
    logprobs: top === undefined ? null : logprobsOf(answer.content, top, 0),
    context_logits: null,
    finish_reason: answer.finish,
    stop_reason: answer.stopMatch,
    disaggregated_params: null,
    avg_decoded_tokens_per_iter: null,
  }));
  const reply = {
    id: `cmpl-${hexDigits(serial, 32)}`,
    object: "text_completion",
    created: turn.createdS,
    model: modelOf(body),
    choices,
    usage: turn.usage ? usageOf(turn.usage) : null,
    prompt_token_ids: null,
  };
  return { ...json(200, reply), tokens: turn.tokens };
}

/** Each prompt is a stream of its own, with its own id and its own usage; one end mark stands behind them all. */
function streamed({ serial }: Context, body: JsonObject, turn: Turn, echoes: string[], n: number): Reply {
  const top = topOf(body);
  const options = objectOf(body["stream_options"]);
  const told = body["stream_options"] != null && options["include_usage"] !== false;
  const headOf = (prompt: number) => ({
    id: `cmpl-${serial + prompt}`,
    object: "text_completion",
    created: turn.createdS,
    model: modelOf(body),
  });
  function chunk(
    choice: number,
    text: string,
    logprobs: unknown,
    finish: string | null,
    stop: string | null,
  ) {
    const told = { index: choice, text, token_ids: null, logprobs, finish_reason: finish, stop_reason: stop };
    const choices = [{ ...told, avg_decoded_tokens_per_iter: null }];
    return sse({ ...headOf(Math.floor(choice / n)), choices, usage: null });
  }
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      const { choice } = step;
      const echo = echoes[choice];
      if (step.type === "open" && echo)
        yield { part: "text", wire: chunk(choice, echo, null, null, null), tokens: 0 };
      else if (step.type === "text") {
        const logprobs = top === undefined ? null : logprobsOf([step.text], top, step.at);
        yield { part: "text", wire: chunk(choice, step.text, logprobs, null, null), tokens: 1 };
      } else if (step.type === "close") {
        const { finish, stopMatch } = step.answer;
        yield { part: "finish", wire: chunk(choice, "", null, finish, stopMatch), tokens: step.tokens };
      }
    }
    if (!told) return;
    for (const [prompt, usage] of usages(turn, n).entries())
      yield {
        part: "usage",
        wire: sse({ ...headOf(prompt), choices: [], usage: usageOf(usage) }),
        tokens: 0,
      };
  }
  return tensorrtLlmStream(events());
}

/** The usage of each prompt: its own tokens once, and those of its `n` choices. */
function usages({ shares }: Turn, n: number) {
  return Array.from({ length: Math.ceil(shares.length / n) }, (_, prompt) => {
    const own = shares.slice(prompt * n, (prompt + 1) * n);
    const completion = own.reduce((sum, share) => sum + share.completion, 0);
    const tokens = own[0]?.prompt ?? 0;
    return { prompt: tokens, completion, total: tokens + completion, reasoning: 0 };
  });
}

/** Each token's place but the first is its own length too far: the server adds the token's length, not the one before's. */
function logprobsOf(tokens: string[], top: number, offset: number) {
  const told = completionLogprobs(tokens, top, offset);
  let at = offset;
  return { ...told, text_offset: tokens.map((token, n) => (n === 0 ? at : (at += token.length))) };
}
