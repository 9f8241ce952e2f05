import type { ChatLogprobs, ChatRequest, ToolCallDelta } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { type SseEvent, SseScanner } from "../streams/sse.ts";
import type { ChunkRules, EngineEvent, StreamDecoder, StreamFormat } from "./engine.ts";
import { asList, asObject, objectIn } from "../kernel/json.ts";
import { readFinish, readUsage, usageOfTimings } from "./openai-answer.ts";
import { faultOfErrorObject } from "./openai-fault.ts";

/** The canonical events of one chunk in OpenAI's format, of chat or of legacy completions. */
export function eventsOfChunk(chunk: Record<string, unknown>): EngineEvent[] {
  const events: EngineEvent[] = [];
  if (chunk.error !== undefined && chunk.error !== null)
    return [{ type: "error", fault: faultOfErrorObject(chunk.error, 500) }];
  for (const each of asList(chunk.choices)) {
    const choice = asObject(each) ?? {};
    const index = typeof choice.index === "number" ? choice.index : 0;
    const delta = asObject(choice.delta) ?? {};
    const content = delta.content ?? choice.text;
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    const calls = asList(delta.tool_calls);
    if (
      (typeof content === "string" && content !== "") ||
      (typeof reasoning === "string" && reasoning !== "") ||
      calls.length > 0
    ) {
      events.push({
        type: "delta",
        index,
        ...(typeof content === "string" && content !== "" && { content }),
        ...(typeof reasoning === "string" && reasoning !== "" && { reasoning }),
        ...(calls.length > 0 && { toolCalls: calls as ToolCallDelta[] }),
        ...(asObject(choice.logprobs) && { logprobs: choice.logprobs as ChatLogprobs }),
      });
    }
    if (choice.finish_reason !== undefined && choice.finish_reason !== null && choice.finish_reason !== "") {
      const reason = readFinish(choice.finish_reason);
      events.push(
        reason
          ? { type: "finish", index, reason }
          : {
              type: "error",
              fault: {
                class: "failure",
                status: 502,
                message: `it gave up (finish_reason ${JSON.stringify(choice.finish_reason)})`,
              },
            },
      );
    }
  }
  const usage = readUsage(chunk.usage) ?? usageOfTimings(chunk.timings);
  // Completions of Ollama carry a zeroed usage on every chunk.
  if (usage && usage.total_tokens > 0) events.push({ type: "usage", usage });
  return events;
}

/** The canonical events of one event's data. */
export function eventsOfData(data: string): EngineEvent[] {
  if (data.startsWith("[DONE]")) return [{ type: "done" }];
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return [
      {
        type: "error",
        fault: { class: "failure", status: 502, message: "it sent an event that is not JSON" },
      },
    ];
  }
  const chunk = asObject(json);
  return chunk
    ? eventsOfChunk(chunk)
    : [
        {
          type: "error",
          fault: { class: "failure", status: 502, message: "it sent an event that is not an object" },
        },
      ];
}

/**
 * Decodes a stream in OpenAI's format, as the rules of an engine's kind want it read. Builds of llama.cpp up to 2025 put
 * an error into a field of its own, `error:`.
 */
export function openaiDecoder({ mender, judge }: Partial<ChunkRules> = {}): StreamDecoder {
  const scanner = new SseScanner();
  const mend = mender?.();
  const eventsOf = ({ raw, data }: SseEvent): EngineEvent[] => {
    const chunk = mend && data !== undefined ? objectIn(data) : undefined;
    if (!chunk) return eventsOfSse(raw, data);
    mend?.(chunk);
    return eventsOfChunk(chunk);
  };
  const judged = (event: EngineEvent): EngineEvent =>
    judge && event.type === "error" ? { ...event, fault: judge(event.fault) } : event;
  const read = (events: readonly SseEvent[]) => events.flatMap(eventsOf).map(judged);
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

/** What decodes an engine's stream, also one that is passed on as it is where it is the only one. */
export const decoderOf = (format: StreamFormat, body: ChatRequest | CompletionRequest): StreamDecoder =>
  format.format === "translated" ? format.decoder(body) : openaiDecoder(format.rules);

/** The canonical events of one server-sent event. */
export function eventsOfSse(raw: string, data: string | undefined): EngineEvent[] {
  if (data !== undefined) return eventsOfData(data);
  const line = raw.split("\n").find((each) => each.startsWith("error:"));
  if (line === undefined) return [];
  const events = eventsOfData(`{"error":${line.slice(6).trim() || "null"}}`);
  return events.length > 0
    ? events
    : [{ type: "error", fault: { class: "failure", status: 500, message: "it reported an error" } }];
}
