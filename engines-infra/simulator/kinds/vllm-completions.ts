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
import { baseAsk, firstLimit, includesUsage, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";
import { FINGERPRINT, usageOf, vllmStream } from "./vllm-chat.ts";
import { fail, failure, json, refusal, tooLong, unknownModel, validation } from "./vllm-http.ts";

const TOKENS_MAX_DEFAULT = 16;

/** POST /v1/completions: any of the four prompt forms; choice index is prompt index x n + choice. */
export function vllmCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(body) ?? unknownModel(context, body);
  if (refused) return refused;
  if (body["suffix"]) return fail(failure(400, "suffix is not currently supported"));
  const prompts = readTexts(body["prompt"]);
  if (!prompts) return validation("body.prompt", "missing", "Field required");
  const tokensMax = firstLimit(body, "max_tokens") ?? TOKENS_MAX_DEFAULT;
  const asks = prompts.map((prompt) => ({
    ...baseAsk(context, readPrompt(prompt)),
    tokensMax,
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["include_stop_str_in_output"] === true,
    json: readResponseFormat(body["response_format"]),
  }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  const overflow = tooLong(context, longest, tokensMax);
  if (overflow) return overflow;
  const n = numberOf(body["n"]) ?? 1;
  const turn = turnOf(context, asks, n);
  const echoes = body["echo"] === true ? turn.answers.map((_, at) => prompts[Math.floor(at / n)] ?? "") : [];
  return body["stream"] === true ? streamed(context, body, turn, echoes) : whole(context, body, turn, echoes);
}

function headOf({ call, serial, settings }: Context, turn: Turn) {
  const id = `cmpl-${call.headers["x-request-id"] ?? hexDigits(serial, 32)}`;
  return { id, object: "text_completion", created: turn.createdS, model: settings.models[0] ?? "" };
}

function whole(context: Context, body: JsonObject, turn: Turn, echoes: string[]): Reply {
  const top = numberOf(body["logprobs"]);
  const choices = turn.answers.map((answer, index) => ({
    index,
    text: (echoes[index] ?? "") + answer.content.join(""),
    logprobs: top === undefined ? null : completionLogprobs(answer.content, top, echoes[index]?.length ?? 0),
    finish_reason: answer.finish,
    stop_reason: answer.stopMatch,
    token_ids: null,
    prompt_logprobs: null,
    prompt_token_ids: null,
  }));
  const usage = turn.usage ? { ...usageOf(turn.usage), prompt_tokens_details: null } : null;
  const reply = {
    ...headOf(context, turn),
    choices,
    service_tier: null,
    system_fingerprint: FINGERPRINT,
    usage,
    kv_transfer_params: null,
  };
  return { ...json(200, reply), tokens: turn.tokens };
}

function streamed(context: Context, body: JsonObject, turn: Turn, echoes: string[]): Reply {
  const top = numberOf(body["logprobs"]);
  const head = headOf(context, turn);
  const told = includesUsage(body) ? turn.usage : undefined;
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      const index = step.choice;
      const echo = echoes[index];
      if (step.type === "open" && echo) {
        yield { part: "text", wire: chunk(index, echo, null), tokens: 0 };
      } else if (step.type === "text") {
        const logprobs =
          top === undefined ? null : completionLogprobs([step.text], top, step.at + (echo?.length ?? 0));
        yield { part: "text", wire: chunk(index, step.text, logprobs), tokens: 1 };
      } else if (step.type === "close") {
        const wire = chunk(index, "", null, step.answer.finish, step.answer.stopMatch);
        yield { part: "finish", wire, tokens: step.tokens };
      }
    }
    if (told) yield { part: "usage", wire: sse({ ...head, choices: [], usage: usageOf(told) }), tokens: 0 };
  }
  function chunk(
    index: number,
    text: string,
    logprobs: unknown,
    finish: string | null = null,
    stop: string | null = null,
  ) {
    return sse({ ...head, choices: [{ index, text, logprobs, finish_reason: finish, stop_reason: stop }] });
  }
  return vllmStream(events());
}
