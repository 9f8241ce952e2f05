import type { Context } from "./kind.ts";
import { DONE, sse, text } from "./reply.ts";
import type { Reply, Stream, WireEvent, Whole } from "./reply.ts";

export const VERSION = "3.3.7";
export const FINGERPRINT = `${VERSION}-native`;
/** The router keeps a silent stream open with a comment. */
const PING_MS = 15_000;

/** An error of the router: what it says, its own name for it, and the status that a whole answer gets. */
export type TgiError = { status: number; error: string; type: string };

const USUAL: Record<number, [type: string, error: string]> = {
  422: ["validation", "Input validation error: `temperature` must be strictly positive"],
  424: ["generation", "Request failed during generation: Server error: CUDA out of memory"],
  429: ["overloaded", "Model is overloaded"],
  503: ["healthcheck", "unhealthy"],
};

/** The error that usually comes with a status. */
export function usual(status: number): TgiError {
  const [type, error] = USUAL[status] ?? ["incomplete_generation", "Incomplete generation"];
  return { status, error, type };
}

export const invalid = (what: string): TgiError => ({
  status: 422,
  error: `Input validation error: ${what}`,
  type: "validation",
});

export const toolError = (what: string): TgiError => ({
  status: 422,
  error: `Tool error: ${what}`,
  type: "tool_error",
});

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Whole {
  return text(status, "application/json", JSON.stringify(body), headers);
}

export function fail({ status, error, type }: TgiError): Whole {
  return json(status, { error, error_type: type });
}

/** What the JSON parser and the body's limits say, in plain text. */
export function plain(status: number, message: string): Whole {
  return text(status, "text/plain; charset=utf-8", message);
}

export function empty(status: number, headers: Record<string, string> = {}): Whole {
  return { type: "whole", status, headers, body: "", tokens: 0 };
}

/** How an error is told inside a stream: the native way, or OpenAI's with a status that is always the same. */
export type Form = "native" | "openai";

const told = ({ error, type }: TgiError, form: Form): string[] =>
  form === "native"
    ? [sse({ error, error_type: type })]
    : [sse({ error: { message: error, http_status_code: 422 } }), DONE];

/** A stream as TGI frames it. `chars` is the length of the prompt. */
export function tgiStream(events: Iterable<WireEvent>, form: Form, chars: number): Stream {
  return {
    type: "stream",
    headers: {
      "x-compute-type": "gpu+optimized",
      "x-compute-characters": String(chars),
      "x-accel-buffering": "no",
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
    },
    events,
    trouble: told(usual(424), form),
    end: form === "native" ? "" : DONE,
    ping: { everyMs: PING_MS, wire: ":\n\n" },
  };
}

/** An error: a stream's headers are out before anything is looked at, so there it is an event behind a 200. */
export function failed(error: TgiError, form: Form, streamed: boolean): Reply {
  if (!streamed) return fail(error);
  const events = told(error, form).map((wire): WireEvent => ({ part: "error", wire, tokens: 0 }));
  return { ...tgiStream(events, form, 0), end: "" };
}

const TOKEN_MS = 10;

/** The headers of a whole answer, at nominal speeds: only there are a native answer's prompt tokens told. */
export function computed(chars: number, prompt: number, generated: number): Record<string, string> {
  const totalMs = generated * TOKEN_MS;
  return {
    "x-compute-type": "gpu+optimized",
    "x-compute-time": String(totalMs / 1000),
    "x-compute-characters": String(chars),
    "x-total-time": String(totalMs),
    "x-validation-time": "0",
    "x-queue-time": "0",
    "x-inference-time": String(totalMs),
    "x-time-per-token": String(TOKEN_MS),
    "x-prompt-tokens": String(prompt),
    "x-generated-tokens": String(generated),
  };
}

/** Tokens that are scheduled at once, however many are asked for. */
const GENERATION_CHUNK = 1024;

/** The error of a prompt that, with what is to be generated at least, does not fit the context, or undefined. */
export function tooLong({ settings }: Context, prompt: number, tokensMax: number | undefined) {
  const total = settings.contextTokens;
  const asked = Math.min(tokensMax ?? Math.max(0, total - prompt), GENERATION_CHUNK);
  if (prompt + asked > total)
    return invalid(
      `\`inputs\` tokens + \`max_new_tokens\` must be <= ${total}. Given: ${prompt} \`inputs\` tokens and ${asked} \`max_new_tokens\``,
    );
  if (prompt > total - 1)
    return invalid(`\`inputs\` must have less than ${total - 1} tokens. Given: ${prompt}`);
  return undefined;
}
