import type { Usage } from "../contracts/common.ts";
import type { EngineEvent } from "../engines/engine.ts";
import { sseEvent } from "../streams/sse.ts";

/** Writes the events of one answer as OpenAI's chunks: the same id, time and model on each. */
export type ChunkWriter = {
  delta(event: Extract<EngineEvent, { type: "delta" }>): string;
  finish(event: Extract<EngineEvent, { type: "finish" }>): string;
  /** The extra chunk before the end, without choices: only for clients that asked for it. */
  usage(usage: Usage): string;
};

/** What every chunk of one answer has: its id, its model, and its time in seconds since 1970. */
export type Frame = { readonly id: string; readonly model: string; readonly createdS: number };

/** For `POST /v1/chat/completions`. The first chunk of each choice has the role, but of those that have begun `already`. */
export function chatChunkWriter(
  { id, model, createdS }: Frame,
  already: readonly number[] = [],
): ChunkWriter {
  const head = `{"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${createdS},"model":${JSON.stringify(model)},`;
  const begun = new Set(already);
  const begin = (index: number): string => {
    if (begun.has(index)) return "";
    begun.add(index);
    return sseEvent(
      `${head}"choices":[{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`,
    );
  };
  return {
    delta({ index, content, reasoning, toolCalls, logprobs }) {
      const delta = JSON.stringify({ content, reasoning_content: reasoning, tool_calls: toolCalls });
      const probabilities = logprobs ? JSON.stringify(logprobs) : "null";
      return (
        begin(index) +
        sseEvent(
          `${head}"choices":[{"index":${index},"delta":${delta},"logprobs":${probabilities},"finish_reason":null}]}`,
        )
      );
    },
    finish: ({ index, reason }) =>
      begin(index) +
      sseEvent(
        `${head}"choices":[{"index":${index},"delta":{},"logprobs":null,"finish_reason":"${reason}"}]}`,
      ),
    usage: (usage) => sseEvent(`${head}"choices":[],"usage":${JSON.stringify(usage)}}`),
  };
}

/** For `POST /v1/completions`. */
export function completionChunkWriter({ id, model, createdS }: Frame): ChunkWriter {
  const head = `{"id":${JSON.stringify(id)},"object":"text_completion","created":${createdS},"model":${JSON.stringify(model)},`;
  const choice = (index: number, text: string, finish: string, logprobs = "null") =>
    sseEvent(
      `${head}"choices":[{"index":${index},"text":${JSON.stringify(text)},"logprobs":${logprobs},"finish_reason":${finish}}]}`,
    );
  return {
    delta: ({ index, content, logprobs }) =>
      content === undefined ? "" : choice(index, content, "null", JSON.stringify(logprobs)),
    finish: ({ index, reason }) =>
      choice(index, "", reason === "length" || reason === "content_filter" ? `"${reason}"` : '"stop"'),
    usage: (usage) => sseEvent(`${head}"choices":[],"usage":${JSON.stringify(usage)}}`),
  };
}
