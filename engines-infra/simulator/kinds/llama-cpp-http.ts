import { numberOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { DONE, sse, text } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";

export const BUILD = "b7000-82bb485";

const PING_MS_DEFAULT = 30_000;

type Envelope = { message: string; type: string; code: number; swapped?: boolean; extra?: JsonObject };

const USUAL: Record<number, [type: string, message: string]> = {
  400: ["invalid_request_error", "The request is invalid."],
  401: ["authentication_error", "Invalid API Key"],
  403: ["permission_error", "Forbidden"],
  404: ["not_found_error", "File Not Found"],
  500: ["server_error", "Compute error."],
  501: ["not_supported_error", "This feature is not supported."],
  503: ["unavailable_error", "Loading model"],
};

/** The error that llama-server gives with a status. */
export function failure(status: number, message?: string, extra: JsonObject = {}): Envelope {
  const [type, usual] = USUAL[status] ?? ["server_error", "Internal Server Error"];
  // The key check and the loading answer are written by the HTTP layer, which puts the code last.
  return {
    message: message ?? usual,
    type,
    code: status,
    swapped: status === 401 || message === "Loading model",
    extra,
  };
}

/** The envelope as it goes out. */
export function envelope({ message, type, code, swapped, extra }: Envelope) {
  return { error: swapped ? { message, type, code } : { code, message, type, ...extra } };
}

export function fail(error: Envelope): Whole {
  return json(error.code, envelope(error));
}

export function json(status: number, body: unknown): Whole {
  return text(status, "application/json; charset=utf-8", JSON.stringify(body));
}

/** A C++ double, which the JSON library never writes without a fraction. */
export function double(value: number): number {
  // JSON.rawJSON keeps the text; its type is opaque, and only JSON.stringify ever reads it.
  const raw: { rawJSON: (text: string) => unknown } = JSON as never;
  return raw.rawJSON(Number.isInteger(value) ? value.toFixed(1) : String(value)) as number;
}

const PROMPT_MS = 2;
const TOKEN_MS = 10;

/** `timings` at nominal speeds, so that a recording says the same every time. */
export function timings(promptTokens: number, tokens: number) {
  const promptMs = promptTokens * PROMPT_MS;
  const predictedMs = tokens * TOKEN_MS;
  return {
    cache_n: 0,
    prompt_n: promptTokens,
    prompt_ms: double(promptMs),
    prompt_per_token_ms: double(PROMPT_MS),
    prompt_per_second: double(1000 / PROMPT_MS),
    predicted_n: tokens,
    predicted_ms: double(predictedMs),
    predicted_per_token_ms: double(TOKEN_MS),
    predicted_per_second: double(1000 / TOKEN_MS),
  };
}

/** An error in mid-stream is an event, and no end marker follows it. `end` is empty on the native routes. */
export function llamaStream(body: JsonObject, events: Iterable<WireEvent>, end = DONE): Reply {
  const seconds = numberOf(body["sse_ping_interval"]);
  const pingMs = seconds === undefined ? PING_MS_DEFAULT : seconds * 1000;
  const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" };
  const trouble = [sse(envelope(failure(500)))];
  return {
    type: "stream",
    headers,
    events,
    trouble,
    end,
    ...(pingMs > 0 ? { ping: { everyMs: pingMs, wire: ":\n\n" } } : {}),
  };
}

/** A refusal for a prompt that does not fit one slot's context, or undefined. */
export function tooLong({ settings }: Context, promptTokens: number): Whole | undefined {
  if (promptTokens < settings.contextTokens) return undefined;
  const message = `request (${promptTokens} tokens) exceeds the available context size (${settings.contextTokens} tokens), try increasing it`;
  const extra = { n_prompt_tokens: promptTokens, n_ctx: settings.contextTokens };
  return fail({ ...failure(400, message, extra), type: "exceed_context_size_error" });
}

const NUMBERS = ["temperature", "top_p", "min_p", "top_k", "seed", "n_predict", "max_tokens"];

/** A refusal for a field that is no number where it must be one, or undefined. */
export function wrongType(body: JsonObject): Whole | undefined {
  const name = NUMBERS.find((each) => body[each] != null && typeof body[each] !== "number");
  if (name === undefined) return undefined;
  const is = Array.isArray(body[name]) ? "array" : typeof body[name];
  const error = `[json.exception.type_error.302] type must be number, but is ${is}`;
  return fail(failure(400, `Field '${name}': ${error}`));
}

/** A refusal for `n` outside the slots, or undefined. */
export function badChoices({ settings }: Context, body: JsonObject): Whole | undefined {
  const n = numberOf(body["n"]) ?? 1;
  if (n >= 1 && n <= settings.slots) return undefined;
  return fail(failure(400, `Field 'n': Value must be between 1 and ${settings.slots}`));
}
