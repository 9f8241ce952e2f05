/** What an event of a stream says; faults choose by it. */
export type Part = "role" | "text" | "finish" | "usage" | "end" | "error";

/** One event as it goes over the wire: an SSE event with its blank line, or an NDJSON line. */
export type WireEvent = { part: Part; wire: string; tokens: number };

/** A whole body. `tokens` is how many the model produced for it. */
export type Whole = {
  type: "whole";
  status: number;
  headers: Record<string, string>;
  body: string;
  tokens: number;
  /** The body where the engine's own abort call ends the request; without it nothing is said then. */
  aborted?: string;
};

/** A streamed body. */
export type Stream = {
  type: "stream";
  headers: Record<string, string>;
  events: Iterable<WireEvent>;
  /** What this engine writes when it fails in mid-stream; the body ends after it. */
  trouble: string[];
  /** It then closes the connection, and the body has no proper end. */
  closesInTrouble?: true;
  /** The end marker, empty where the protocol has none. */
  end: string;
  /** What is written where the engine's own abort call ends the request. */
  aborted?: string[];
  /** What is written after each so many milliseconds of silence while the model works. */
  ping?: { everyMs: number; wire: string };
};

export type Reply =
  | Whole
  | Stream
  /** The connection is reset without an answer. */
  | { type: "reset" }
  /** The request is taken and nothing more is said, with or without a status line. */
  | { type: "silence"; headers?: Record<string, string> }
  /** The same as when the engine loads: answered when it has loaded, after `ms` or when the settings say so. */
  | { type: "later"; ms: number | undefined };

/** A whole reply of any text. */
export function text(
  status: number,
  contentType: string,
  body: string,
  headers: Record<string, string> = {},
): Whole {
  return { type: "whole", status, headers: { "content-type": contentType, ...headers }, body, tokens: 0 };
}

/** One server-sent event. */
export function sse(json: unknown): string {
  return `data: ${JSON.stringify(json)}\n\n`;
}

export const DONE = "data: [DONE]\n\n";
