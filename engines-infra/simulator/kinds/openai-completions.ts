import { readPrompt } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { completionLogprobs } from "./logprobs.ts";
import { invalid, pretty, refusal, tooLong } from "./openai-http.ts";
import { FINGERPRINT, openaiStream } from "./openai-chat.ts";
import { readTexts } from "./prompts.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

const TOKENS_MAX_DEFAULT = 16;

/** POST /v1/completions, the legacy form: any of the four prompt forms, `echo`, and `suffix` taken but unused. */
export function openaiCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(context, body);
  if (refused) return refused;
  const prompts = body["prompt"] === undefined ? ["<|endoftext|>"] : readTexts(body["prompt"]);
  if (!prompts)
    return invalid("Invalid type for 'prompt': expected a string or an array.", "prompt", "invalid_type");
  const tokensMax = firstLimit(body, "max_tokens") ?? TOKENS_MAX_DEFAULT;
  const asks = prompts.map((prompt) => ({ ...baseAsk(context, readPrompt(prompt)), tokensMax }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  const overflow = tooLong(context, longest, "prompt");
  if (overflow) return overflow;
  const n = numberOf(body["n"]) ?? 1;
  const turn = turnOf(context, asks, n);
  const echoes = body["echo"] === true ? turn.answers.map((_, at) => prompts[Math.floor(at / n)] ?? "") : [];
  return body["stream"] === true ? streamed(context, body, turn, echoes) : whole(context, body, turn, echoes);
}

function headOf({ serial }: Context, body: JsonObject, turn: Turn) {
  const id = `cmpl-${alphanumeric(serial, 29)}`;
  return { id, object: "text_completion", created: turn.createdS, model: String(body["model"]) };
}

function whole(context: Context, body: JsonObject, turn: Turn, echoes: string[]): Reply {
  const top = numberOf(body["logprobs"]);
  const choices = turn.answers.map((answer, index) => ({
    text: (echoes[index] ?? "") + answer.content.join(""),
    index,
    logprobs: top === undefined ? null : completionLogprobs(answer.content, top, echoes[index]?.length ?? 0),
    finish_reason: answer.finish,
  }));
  const usage = turn.usage ? { usage: usageOf(turn.usage) } : {};
  const reply = { ...headOf(context, body, turn), choices, ...usage, system_fingerprint: FINGERPRINT };
  return { ...pretty(200, reply), tokens: turn.tokens };
}

function streamed(context: Context, body: JsonObject, turn: Turn, echoes: string[]): Reply {
  const top = numberOf(body["logprobs"]);
  const head = headOf(context, body, turn);
  const told = includesUsage(body) ? turn.usage : undefined;
  const pending = told ? { usage: null } : {};
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      const index = step.choice;
      const echo = echoes[index] ?? "";
      const logprobs =
        top !== undefined && step.type === "text"
          ? completionLogprobs([step.text], top, step.at + echo.length)
          : null;
      if (step.type === "open" && echo !== "")
        yield { part: "text", wire: chunk(index, echo, null, null), tokens: 0 };
      else if (step.type === "text")
        yield { part: "text", wire: chunk(index, step.text, logprobs, null), tokens: 1 };
      else if (step.type === "close") {
        yield { part: "finish", wire: chunk(index, "", null, step.answer.finish), tokens: step.tokens };
      }
    }
    if (told) yield { part: "usage", wire: sse({ ...head, choices: [], usage: usageOf(told) }), tokens: 0 };
  }
  function chunk(index: number, text: string, logprobs: unknown, finish: string | null) {
    const choices = [{ text, index, logprobs, finish_reason: finish }];
    return sse({ ...head, choices, ...pending, system_fingerprint: FINGERPRINT });
  }
  return openaiStream(events());
}

function usageOf({ prompt, completion, total }: Usage) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total };
}
