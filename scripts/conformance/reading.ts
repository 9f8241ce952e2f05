import type { ChatCompletion, ChatRequest, FinishReason } from "../../shared/contracts/chat.ts";
import type { Usage } from "../../shared/contracts/common.ts";
import type { Completion, CompletionRequest } from "../../shared/contracts/completions.ts";
import type { ChunkRules, EngineEvent, StreamDecoder, StreamFormat } from "../../shared/engines/engine.ts";
import { eventsOfSse } from "../../shared/engines/openai-stream.ts";
import { type Result, ok } from "../../shared/kernel/result.ts";
import { SseScanner } from "../../shared/streams/sse.ts";
import type { Trouble } from "./trouble.ts";
import { type Streamed, joinEvents } from "./streamed.ts";

/** A decoder of one stream of this format. */
export const decoderOf = (stream: StreamFormat, body: ChatRequest | CompletionRequest): StreamDecoder =>
  stream.format === "translated" ? stream.decoder(body) : mendingDecoder(stream.rules);

/** Reads chunks in OpenAI's format as the relay passes them on: mended. */
function mendingDecoder({ mender }: ChunkRules): StreamDecoder {
  const mend = mender?.();
  const scanner = new SseScanner();
  const read = (events: ReturnType<SseScanner["push"]>): EngineEvent[] =>
    events.flatMap(({ raw, data }) =>
      eventsOfSse(raw, mend && data !== undefined ? mended(data, mend) : data),
    );
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

function mended(data: string, mend: (chunk: Record<string, unknown>) => void): string {
  if (!data.startsWith("{")) return data;
  try {
    const chunk = JSON.parse(data) as Record<string, unknown>;
    mend(chunk);
    return JSON.stringify(chunk);
  } catch {
    return data;
  }
}

/** The events of bytes that come in pieces of one size. */
export function decoded(decoder: StreamDecoder, bytes: Uint8Array, sizeBytes = bytes.length): EngineEvent[] {
  const events: EngineEvent[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes)
    events.push(...decoder.push(bytes.subarray(at, at + sizeBytes)));
  return [...events, ...decoder.end()];
}

/** A whole stream, read as the gateway's relay reads it: its faults judged, and an end after tool calls called so. */
export function joinStream(stream: StreamFormat, decoder: StreamDecoder, bytes: Uint8Array): Streamed {
  const rules = stream.format === "openai" ? stream.rules : undefined;
  const streamed = joinEvents(decoded(decoder, bytes), {
    bytes,
    usagePerChoice: rules?.usagePerChoice === true,
  });
  for (const choice of streamed.choices)
    if (rules && choice.calls.length > 0 && choice.finish === "stop") choice.finish = "tool_calls";
  return { ...streamed, errors: streamed.errors.map((fault) => rules?.judge?.(fault) ?? fault) };
}

const NOTHING: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, estimated: true };

/** A stream as a whole answer, of engines that are only asked for streams. */
export function asWholeChat(said: Result<Streamed, Trouble>): Result<ChatCompletion, Trouble> {
  if (!said.ok) return said;
  const choices = said.value.choices.map((choice, index) => ({
    index,
    message: {
      role: "assistant" as const,
      content: choice.content,
      refusal: null,
      ...(choice.reasoning !== "" && { reasoning_content: choice.reasoning }),
      ...(choice.calls.length > 0 && {
        tool_calls: choice.calls.map(({ id, ...called }) => ({
          id,
          type: "function" as const,
          function: called,
        })),
      }),
    },
    logprobs: choice.logprobs.length > 0 ? { content: choice.logprobs } : null,
    finish_reason: choice.finish as FinishReason,
  }));
  const usage = said.value.usage ?? NOTHING;
  return ok({ id: "assembled", object: "chat.completion", created: 0, model: "", choices, usage });
}

/** Likewise of a legacy completion. */
export function asWholeCompletion(said: Result<Streamed, Trouble>): Result<Completion, Trouble> {
  if (!said.ok) return said;
  const choices = said.value.choices.map(({ content, finish }, index) => ({
    index,
    text: content,
    logprobs: null,
    finish_reason: finish === "length" ? ("length" as const) : ("stop" as const),
  }));
  const usage = said.value.usage ?? NOTHING;
  return ok({ id: "assembled", object: "text_completion", created: 0, model: "", choices, usage });
}
