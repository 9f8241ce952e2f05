/** The answers of /v1/chat/completions and /v1/completions, key by key in llama-server's order. */
import type { LogprobBody } from "./logprobs.ts";
import type { Cost } from "./usage.ts";
import { timingsBody, usageBody } from "./usage.ts";

export type FinishReason = "stop" | "length" | "tool_calls";

/** What all bodies of one answer share. `createdSeconds` is Unix time. */
export type AnswerHead = { id: string; model: string; createdSeconds: number; fingerprint: string };

export type ToolCallBody = { type: "function"; function: { name: string; arguments: string }; id: string };
export type ToolCallDelta = {
  index: number;
  id?: string;
  type?: "function";
  function: { name?: string; arguments: string };
};

export type ChatDelta = { role?: "assistant"; content?: string | null; tool_calls?: ToolCallDelta[] };

export type ChatChoice = {
  index: number;
  finishReason: FinishReason;
  content: string;
  toolCalls: readonly ToolCallBody[];
  logprobs?: readonly LogprobBody[];
};

export function chatBody(head: AnswerHead, choices: readonly ChatChoice[], cost: Cost) {
  return {
    choices: choices.map((choice) => ({
      finish_reason: choice.finishReason,
      index: choice.index,
      message: {
        role: "assistant",
        content: choice.content,
        ...(choice.toolCalls.length > 0 ? { tool_calls: choice.toolCalls } : {}),
      },
      ...(choice.logprobs ? { logprobs: { content: choice.logprobs } } : {}),
    })),
    created: head.createdSeconds,
    model: head.model,
    system_fingerprint: head.fingerprint,
    object: "chat.completion",
    usage: usageBody(cost),
    id: head.id,
    timings: timingsBody(cost),
  };
}

/** One piece of a streamed chat answer. */
export function chatChunk(
  head: AnswerHead,
  index: number,
  delta: ChatDelta,
  finishReason: FinishReason | null = null,
  logprobs: readonly LogprobBody[] = [],
) {
  return {
    choices: [
      {
        finish_reason: finishReason,
        index,
        delta,
        ...(logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}),
      },
    ],
    ...chunkTail(head, "chat.completion.chunk"),
  };
}

/** The chunk without choices that `stream_options.include_usage` asks for. */
export function chatUsageChunk(head: AnswerHead, cost: Cost) {
  return { choices: [], ...chunkTail(head, "chat.completion.chunk"), usage: usageBody(cost) };
}

function chunkTail(head: AnswerHead, object: string) {
  return {
    created: head.createdSeconds,
    id: head.id,
    model: head.model,
    system_fingerprint: head.fingerprint,
    object,
  };
}

export type TextChoice = {
  index: number;
  text: string;
  finishReason: FinishReason | null;
  logprobs?: readonly LogprobBody[];
};

/** A text answer; also each chunk of a streamed one, of which only the last has a cost. */
export function textBody(head: AnswerHead, choices: readonly TextChoice[], cost?: Cost) {
  return {
    choices: choices.map(({ text, index, logprobs, finishReason }) => ({
      text,
      index,
      logprobs: logprobs && logprobs.length > 0 ? { content: logprobs } : null,
      finish_reason: finishReason,
    })),
    created: head.createdSeconds,
    model: head.model,
    system_fingerprint: head.fingerprint,
    object: "text_completion",
    ...(cost ? { usage: usageBody(cost) } : {}),
    id: head.id,
    ...(cost ? { timings: timingsBody(cost) } : {}),
  };
}
