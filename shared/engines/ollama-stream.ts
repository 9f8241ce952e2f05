import type { ChatLogprobs, FinishReason, ToolCallDelta } from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import { LineScanner } from "../streams/lines.ts";
import type { EngineEvent, StreamDecoder } from "./engine.ts";
import { broken, faultIn } from "./ollama-fault.ts";
import { asList, asObject } from "../kernel/json.ts";

type Json = Record<string, unknown>;

/**
 * The canonical events of one of Ollama's objects, of chat or of generate: a line of a stream, or a whole answer, which
 * is a stream of one line. At most one delta is among them. `state.calls` counts the tool calls of the answer so far.
 */
export function eventsOf(object: Json, state: { calls: number }): EngineEvent[] {
  if (object.error !== undefined) return [{ type: "error", fault: faultIn(object) }];
  const events: EngineEvent[] = [];
  const delta = deltaOf(object, state);
  if (delta) events.push(delta);
  if (object.done === true) events.push(...endOf(object, state.calls > 0));
  return events;
}

/** Decodes a stream of Ollama's: one JSON object a line. */
export function ollamaDecoder(): StreamDecoder {
  const scanner = new LineScanner();
  const state = { calls: 0 };
  const read = (lines: string[]) =>
    lines.flatMap((line): EngineEvent[] => {
      try {
        return eventsOf(asObject(JSON.parse(line)) ?? {}, state);
      } catch {
        return [{ type: "error", fault: broken("it sent a line that is not JSON") }];
      }
    });
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

function deltaOf(object: Json, state: { calls: number }): EngineEvent | undefined {
  const message = asObject(object.message);
  const content = message?.content ?? object.response;
  const reasoning = message?.thinking ?? object.thinking;
  const toolCalls = asList(message?.tool_calls).map((each) => toolCallOf(each, state.calls++, object));
  const logprobs = asList(object.logprobs);
  // A token that is half a character has its log probability, and no text until the other half comes.
  if (!content && !reasoning && toolCalls.length === 0 && logprobs.length === 0) return undefined;
  return {
    type: "delta",
    index: 0,
    ...(typeof content === "string" && content !== "" && { content }),
    ...(typeof reasoning === "string" && reasoning !== "" && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(logprobs.length > 0 && { logprobs: readLogprobs(logprobs) }),
  };
}

/**
 * A tool call comes whole there, its arguments as an object. Its id is not always told; then the answer's own time, in
 * nanoseconds, keeps the calls of one turn apart from those of the next.
 */
function toolCallOf(value: unknown, index: number, { created_at: createdAt }: Json): ToolCallDelta {
  const call = asObject(value);
  const called = asObject(call?.function);
  const args = called?.arguments;
  return {
    index,
    id: String(call?.id || `call_${String(createdAt ?? "").replace(/\D/g, "")}_${index}`),
    type: "function",
    function: {
      name: String(called?.name ?? ""),
      arguments: typeof args === "string" ? args : JSON.stringify(args ?? {}),
    },
  };
}

function endOf(object: Json, called: boolean): EngineEvent[] {
  const reason = finishOf(object.done_reason, called);
  const usage = usageOf(object);
  return [
    reason
      ? { type: "finish", index: 0, reason }
      : {
          type: "error",
          fault: broken(`it ended with done_reason ${JSON.stringify(object.done_reason)}`),
        },
    ...(usage ? [{ type: "usage" as const, usage }] : []),
    { type: "done" },
  ];
}

/** A tool call ends with `stop` there; `load` and `unload` answer no question. */
function finishOf(reason: unknown, called: boolean): FinishReason | undefined {
  if (reason === "load" || reason === "unload") return undefined;
  if (reason === "length") return "length";
  return called ? "tool_calls" : "stop";
}

/** Zero counts are left out by Ollama. An answer can be of no tokens, a prompt cannot: without its count it is untold. */
function usageOf(object: Json): Usage | undefined {
  const prompt = object.prompt_eval_count;
  if (typeof prompt !== "number" || prompt === 0) return undefined;
  const completion = Number(object.eval_count ?? 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function readLogprobs(list: readonly unknown[]): ChatLogprobs {
  const token = (value: unknown) => {
    const each = asObject(value) ?? {};
    const text = String(each.token ?? "");
    return {
      token: text,
      logprob: Number(each.logprob ?? 0),
      bytes: Array.isArray(each.bytes) ? (each.bytes as number[]) : [...new TextEncoder().encode(text)],
    };
  };
  return {
    content: list.map((each) => ({
      ...token(each),
      top_logprobs: asList(asObject(each)?.top_logprobs).map(token),
    })),
    refusal: null,
  };
}
