import { writeStamp } from "../clock.ts";
import type { Behaviour } from "./behaviour.ts";

// Everything that the engine says, as the bytes that go to the socket. All of it is made once, when the program
// starts: an engine that costs as much as a gateway measures itself.

/** The one model that the bench engine serves. */
export const MODEL = "bench-model";

const SENTENCE =
  "The quick brown fox jumps over the lazy dog; this is the fixed answer of the bench's engine, as long as a short " +
  "reply of a chat model, so that a gateway has something to read and to pass on.";
const USAGE = { prompt_tokens: 21, completion_tokens: 50, total_tokens: 71 };
const CREATED_AT = "2026-01-01T00:00:00.000000Z";

function json(body: object): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

/** Whole answers, by path. */
export const WHOLE: Readonly<Record<string, Buffer>> = {
  "/v1/chat/completions": json({
    id: "chatcmpl-bench0000000000000000000001",
    object: "chat.completion",
    created: 1_764_000_000,
    model: MODEL,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: SENTENCE, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { ...USAGE, prompt_tokens_details: { cached_tokens: 0 } },
    system_fingerprint: "fp_bench",
  }),
  "/api/chat": json({
    model: MODEL,
    created_at: CREATED_AT,
    message: { role: "assistant", content: SENTENCE },
    done: true,
    done_reason: "stop",
    total_duration: 1_000_000,
    prompt_eval_count: USAGE.prompt_tokens,
    eval_count: USAGE.completion_tokens,
  }),
  "/v1/models": json({
    object: "list",
    data: [{ id: MODEL, object: "model", created: 1_764_000_000, owned_by: "bench" }],
  }),
  "/api/tags": json({
    models: [{ name: MODEL, model: MODEL, modified_at: "2026-01-01T00:00:00Z", details: {} }],
  }),
  "/api/version": json({ version: "0.0.0" }),
  "/health": json({ status: "ok" }),
};

/** What is answered to any other path. */
export const NOT_FOUND = Buffer.from(
  "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
);

/** One streamed protocol: a head, chunks that carry the moment they are written, an end. */
export type StreamScript = {
  /** The response's head, and what comes before the first content. */
  readonly open: string;
  /** One content chunk, written at `nowMs` of the monotonic clock. */
  chunk(nowMs: number): string;
  /** All that follows the last content chunk. */
  end(behaviour: Behaviour): string;
};

const head = (contentType: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n`;
const frame = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const LAST_FRAME = "0\r\n\r\n";

/** Splits a chunk's text around its stamp, framing included: the width of a stamp does not change. */
function stamped(text: (stamp: string) => string): (nowMs: number) => string {
  const mark = writeStamp(0);
  const [before = "", after = ""] = frame(text(mark)).split(mark);
  return (nowMs) => before + writeStamp(nowMs) + after;
}

const sse = (data: unknown): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const openaiChunk = (choices: object[], more: object = {}) =>
  sse({
    id: "chatcmpl-bench1",
    object: "chat.completion.chunk",
    created: 1_764_000_000,
    model: MODEL,
    system_fingerprint: "fp_bench",
    choices,
    ...more,
  });
const FINISH = frame(openaiChunk([{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]));

const openai: StreamScript = {
  open:
    head("text/event-stream; charset=utf-8") +
    frame(
      openaiChunk([
        { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
      ]),
    ),
  chunk: stamped((stamp) =>
    openaiChunk([{ index: 0, delta: { content: `t=${stamp} token` }, logprobs: null, finish_reason: null }]),
  ),
  end: ({ includeUsage }) =>
    FINISH +
    (includeUsage ? frame(openaiChunk([], { usage: USAGE })) : "") +
    frame(sse("[DONE]")) +
    LAST_FRAME,
};

const ollamaLine = (content: string, more: object): string =>
  `${JSON.stringify({ model: MODEL, created_at: CREATED_AT, message: { role: "assistant", content }, ...more })}\n`;

const ollama: StreamScript = {
  open: head("application/x-ndjson"),
  chunk: stamped((stamp) => ollamaLine(`t=${stamp} token`, { done: false })),
  end: ({ chunks }) =>
    frame(
      ollamaLine("", {
        done: true,
        done_reason: "stop",
        total_duration: 1_000_000,
        prompt_eval_count: 21,
        eval_count: chunks,
      }),
    ) + LAST_FRAME,
};

/** Streamed answers, by path. */
export const STREAMED: Readonly<Record<string, StreamScript>> = {
  "/v1/chat/completions": openai,
  "/api/chat": ollama,
};
