import type { ChatRequest, FinishReason } from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { EVENT_CHARS_MAX, EventTooLarge } from "../streams/sse.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import { stopsOf, tokensMaxOf } from "./deepspeed-request.ts";
import { PLAIN_END_TEXTS } from "./deepspeed-tokens.ts";
import type { EngineCall, EngineEvent, EngineFault, StreamDecoder } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { countPrompts } from "./openai-dialect.ts";

// Answers of the RESTful gateway: a list with one generation for each prompt, whole, in the prompts' order.
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/grpc_related/restful_gateway.py

type Body = ChatRequest | CompletionRequest;
type Generation = { readonly text: string; readonly finish: FinishReason };
type Generations = { readonly list: readonly Generation[]; readonly usage: Usage };

const broken = (message: string): EngineFault => ({ class: "failure", status: 502, message });

/**
 * Reads a whole answer. `contextLength` is in tokens, undefined where nobody told it. Fails where it is not one
 * generation for each prompt, or where one has no end or has lost its beginning.
 */
function readGenerations(
  json: unknown,
  body: Body,
  contextLength: number | undefined,
): Result<Generations, EngineFault> {
  const prompts = countPrompts(body);
  if (!Array.isArray(json) || json.length !== prompts)
    return err(broken(`its answer is not a list of ${prompts} generations`));
  const list: Generation[] = [];
  let prompt = 0;
  let completion = 0;
  for (const each of json) {
    const { generated_text: text, finish_reason: reason, ...told } = asObject(each) ?? {};
    const [read, written] = [Number(told.prompt_length), Number(told.generated_length)];
    if (typeof text !== "string" || !Number.isInteger(read) || !Number.isInteger(written))
      return err(broken("a generation has no text, or does not tell its tokens"));
    if (reason !== "stop" && reason !== "length")
      return err(broken(`it gave up (finish_reason ${JSON.stringify(reason ?? null)})`));
    // A generation that lost its memory to others is begun anew behind what it had written, and forgets to give that.
    if (reason === "length" && contextLength !== undefined)
      if (written < tokensMaxOf(body) && read + written < contextLength)
        return err(broken("the beginning of its answer was lost: its KV cache was too small"));
    list.push(ended(text, reason, stopsOf(body)));
    prompt += read;
    completion += written;
  }
  const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  return ok({ list, usage });
}

/** A text up to the first stop text, or to where the model has ended its turn and runs on. */
function ended(text: string, reason: FinishReason, stops: readonly string[]): Generation {
  const matcher = new StopMatcher([...stops, ...PLAIN_END_TEXTS]);
  const shown = matcher.push(text) + matcher.end();
  return { text: shown, finish: matcher.found === undefined ? reason : "stop" };
}

/** Reads a whole answer into the form of OpenAI's legacy completions; a choice for each prompt. */
export function answerCompletion(
  json: unknown,
  { body, model, requestId }: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const read = readGenerations(json, body, model.contextLength);
  if (!read.ok) return read;
  const { list, usage } = read.value;
  return ok({
    id: `cmpl-${requestId}`,
    object: "text_completion",
    created: Math.floor(nowMs / 1000),
    model: body.model,
    choices: list.map(({ text, finish }, index) => ({
      index,
      text,
      logprobs: null,
      finish_reason: finish === "length" ? ("length" as const) : ("stop" as const),
    })),
    usage,
  });
}

/** Makes a stream of an answer that comes whole: one piece for each prompt, when all is there. */
export function wholeDecoder(body: Body): StreamDecoder {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let chars = 0;
  return {
    push(bytes) {
      const part = decoder.decode(bytes, { stream: true });
      chars += part.length;
      if (chars > EVENT_CHARS_MAX) throw new EventTooLarge(`no end in ${EVENT_CHARS_MAX} characters`);
      parts.push(part);
      return [];
    },
    end() {
      const text = parts.splice(0).join("") + decoder.decode();
      return text === "" ? [] : eventsOf(text, body);
    },
  };
}

function eventsOf(text: string, body: Body): EngineEvent[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [{ type: "error", fault: broken("its answer is not JSON, or was cut") }];
  }
  const read = readGenerations(json, body, undefined);
  if (!read.ok) return [{ type: "error", fault: read.error }];
  const { list, usage } = read.value;
  return [
    ...list.flatMap(({ text: content, finish }, index): EngineEvent[] => [
      ...(content === "" ? [] : [{ type: "delta" as const, index, content }]),
      { type: "finish", index, reason: finish },
    ]),
    { type: "usage", usage },
    { type: "done" },
  ];
}
