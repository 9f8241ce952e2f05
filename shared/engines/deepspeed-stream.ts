import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { type SseEvent, SseScanner } from "../streams/sse.ts";
import type { EngineEvent, EngineFault, StreamDecoder } from "./engine.ts";
import { TokenAnswer, endedWithout } from "./deepspeed-tokens.ts";
import { stopsOf } from "./deepspeed-request.ts";
import { estimateChatTokens, estimatePromptTokens } from "./estimate.ts";
import { asList, asObject, objectIn } from "../kernel/json.ts";
import { readFinish } from "./openai-answer.ts";
import { faultOfErrorObject } from "./openai-fault.ts";

type Body = ChatRequest | CompletionRequest;
type Json = Record<string, unknown>;

const broken = (message: string): EngineFault => ({ class: "failure", status: 502, message });

const promptTokensOf = (body: Body): number =>
  "messages" in body
    ? estimateChatTokens((body as ChatRequest).messages)
    : estimatePromptTokens((body as CompletionRequest).prompt);

/** Decodes server-sent events of JSON objects whose end mark is `[DONE]`. An error object is told as the error it is. */
function sseDecoder(
  answer: TokenAnswer,
  { frame, done }: { readonly frame: (json: Json) => EngineEvent[]; readonly done: () => EngineEvent[] },
): StreamDecoder {
  const take = ({ data }: SseEvent): EngineEvent[] => {
    if (data === undefined) return [];
    if (data.trim() === "[DONE]") return done();
    const json = objectIn(data);
    if (!json) return answer.fail(broken("it sent an event that is not JSON, or not an object"));
    return json.error == null ? frame(json) : answer.fail(faultOfErrorObject(json.error, 500));
  };
  const scanner = new SseScanner();
  return {
    push: (bytes) => scanner.push(bytes).flatMap(take),
    end: () => scanner.end().flatMap(take),
  };
}

/**
 * Decodes a stream of the OpenAI-style server, of chat or of completions. Of several choices it would generate the first
 * one only, so there is one. https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/openai_api_server.py
 */
export function openaiStyleDecoder(body: Body): StreamDecoder {
  const answer = new TokenAnswer({ stops: stopsOf(body), promptTokens: promptTokensOf(body) });
  const frame = (json: Json): EngineEvent[] => {
    const choice = asObject(asList(json.choices)[0]) ?? {};
    const text = asObject(choice.delta)?.content ?? choice.text;
    const reason = readFinish(choice.finish_reason);
    // The last frame has the reason and, besides it, an empty text that is no token.
    const isToken = typeof text === "string" && (text !== "" || reason === undefined);
    return [...(isToken ? answer.token(text) : []), ...(reason ? answer.finish(reason) : [])];
  };
  return sseDecoder(answer, { frame, done: () => answer.done() });
}

/**
 * Decodes a stream of `/generate`, whose frames are texts and nothing else: no finish reason, no usage. The frame that
 * ends an answer is empty; an end mark behind any other frame speaks of a failure. An answer stopped by itself where its
 * last token was an end of the model's turn, and was cut off by a limit otherwise.
 * https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/api_server.py
 */
export function generateDecoder(body: Body): StreamDecoder {
  const answer = new TokenAnswer({ stops: stopsOf(body), promptTokens: promptTokensOf(body) });
  // A token that is only part of a character is an empty frame as well: only the next event tells them apart.
  let isBlank = false;
  const frame = ({ text: texts }: Json): EngineEvent[] => {
    const text = asList(texts)[0];
    if (typeof text !== "string") return answer.fail(broken("it sent an event without a text"));
    const before = isBlank ? answer.token("") : [];
    isBlank = text === "";
    return isBlank ? before : [...before, ...answer.token(text)];
  };
  const done = (): EngineEvent[] => {
    if (answer.isOpen && !isBlank) return answer.fail(endedWithout("its last frame"));
    return [...answer.finish(answer.isEnded ? "stop" : "length"), ...answer.done()];
  };
  return sseDecoder(answer, { frame, done });
}
