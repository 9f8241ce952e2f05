import { splitTokens } from "../model/generate.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { isObject, textOf } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { pythonSse } from "./python-json.ts";
import { DONE, text } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { readStop } from "./turn.ts";
import type { Usage } from "./turn.ts";

/** LMDeploy's error: flat as a whole answer, wrapped in `error` inside a stream. */
export type LmdeployError = { message: string; type: string; code: number; param: null; object: "error" };

const USUAL: Record<number, [type: string, message: string]> = {
  401: ["authentication_error", "Unauthorized."],
  404: ["not_found_error", "The requested model does not exist."],
  409: ["invalid_request_error", "The request conflicts with existing server state."],
  499: ["invalid_request_error", "The request was cancelled."],
  500: ["server_error", "An internal server error occurred."],
  503: ["server_error", "The inference engine is unavailable."],
};

export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

/** The error that LMDeploy gives with a status. */
export function failure(status: number, message?: string): LmdeployError {
  const other = status >= 500 ? "server_error" : "invalid_request_error";
  const [type, usual] = USUAL[status] ?? [other, "The request is invalid."];
  return { message: message ?? usual, type, code: status, param: null, object: "error" };
}

export const fail = (error: LmdeployError): Whole => json(error.code, error);

export const refused = (message: string): Whole => fail(failure(400, message));

type Check = [ok: (value: Json) => boolean, message: string];

const NUMBER: Check = [(value) => typeof value === "number", "Input should be a valid number"];
const INTEGER: Check = [Number.isInteger, "Input should be a valid integer"];
const BOOLEAN: Check = [(value) => typeof value === "boolean", "Input should be a valid boolean"];

/** Nearly all fields may be null. */
const FIELDS: Record<string, Check> = {
  temperature: NUMBER,
  top_p: NUMBER,
  top_k: INTEGER,
  n: INTEGER,
  seed: INTEGER,
  max_tokens: INTEGER,
  max_completion_tokens: INTEGER,
  stream: BOOLEAN,
  session_id: INTEGER,
};

/** What both operations refuse: types first, of which only the first is told, then the model, then the ranges. */
export function refusal({ settings }: Context, body: JsonObject): Whole | undefined {
  if (typeof body["model"] !== "string") return refused("model: Field required");
  for (const [name, [ok, message]] of Object.entries(FIELDS)) {
    const value = body[name];
    if (value !== undefined && value !== null && !ok(value)) return refused(`${name}: ${message}`);
  }
  if (!settings.models.includes(body["model"]))
    return fail(failure(404, `The model '${body["model"]}' does not exist.`));
  return outOfRange(body);
}

function outOfRange(body: JsonObject): Whole | undefined {
  const { n, top_p: topP, top_k: topK, temperature } = body;
  if (typeof n === "number" && n <= 0) return refused(`The n ${n} must be a positive int.`);
  if (typeof topP === "number" && !(topP > 0 && topP <= 1))
    return refused(`The top_p ${float(topP)} must be in (0, 1].`);
  if (typeof topK === "number" && topK < 0) return refused(`The top_k ${topK} cannot be a negative integer.`);
  if (typeof temperature === "number" && !(temperature >= 0 && temperature <= 2))
    return refused(`The temperature ${float(temperature)} must be in [0, 2]`);
  return undefined;
}

const float = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** A refusal for a prompt that fills the context, or undefined. An answer may be longer than what is left. */
export function tooLong({ settings }: Context, promptTokens: number): Whole | undefined {
  const most = settings.contextTokens;
  if (promptTokens < most) return undefined;
  return refused(`Input length (${promptTokens}) must be smaller than the model context length (${most}).`);
}

/** The stop texts that count: those of a single token. */
export const stopsOf = (body: JsonObject): string[] =>
  readStop(body["stop"]).filter((stop) => splitTokens(stop).length === 1);

/** A stream as LMDeploy frames it: an error is followed by the end marker all the same. */
export function lmdeployStream(events: Iterable<WireEvent>): Reply {
  const trouble = [pythonSse({ error: failure(500) }), DONE];
  return { type: "stream", headers: STREAM_HEADERS, events, trouble, end: DONE };
}

export const STREAM_HEADERS = { "content-type": "text/event-stream; charset=utf-8" };

/** `usage` in LMDeploy's order; what is null is left out of streams. */
export function usageOf({ prompt, total, completion }: Usage): JsonObject {
  return { prompt_tokens: prompt, total_tokens: total, completion_tokens: completion };
}

/** Whether `stream_options.include_usage` is set: then every chunk has `usage`. */
export const pendingUsage = (body: JsonObject): JsonObject =>
  isObject(body["stream_options"]) && body["stream_options"]["include_usage"] === true ? { usage: null } : {};

export const modelOf = (body: JsonObject): string => textOf(body["model"]) ?? "";
