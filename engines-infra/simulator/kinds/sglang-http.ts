import type { Json, JsonObject } from "../model/json.ts";
import { listOf, textOf } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { DONE, sse, text } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { includesUsage } from "./turn.ts";
import type { Usage } from "./turn.ts";

/** SGLang's error: flat as a whole answer, wrapped in `error` inside a stream. */
export type SglangError = { object: "error"; message: string; type: string; param: null; code: number };

export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

/** The error that SGLang gives with a status. What the framework raises has the status for a type, as a text. */
export function failure(status: number, message = "The request failed.", type?: string): SglangError {
  const usual = status === 400 ? "BadRequestError" : status === 500 ? "InternalServerError" : String(status);
  return { object: "error", message, type: type ?? usual, param: null, code: status };
}

export function fail(error: SglangError): Whole {
  return error.code === 401 ? json(401, { error: "Unauthorized" }) : json(error.code, error);
}

export function refused(message: string): Whole {
  return fail(failure(400, message));
}

/** What pydantic's refusals become: its text, and its list behind that. `at` is where, for example `temperature`. */
export function validation(at: string, type: string, message: string, input?: Json): Whole {
  const place = at === "" ? "('body',)" : `('body', '${at}')`;
  const given = input === undefined ? "{}" : repr(input);
  const detail = `{'type': '${type}', 'loc': ${place}, 'msg': '${message.replaceAll("'", "\\'")}', 'input': ${given}}`;
  return fail(failure(400, `1 validation error:\n  ${detail} [${detail}]`, "Bad Request"));
}

function repr(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? `'${value.replaceAll("'", "\\'")}'` : JSON.stringify(value);
}

type Check = [ok: (value: Json) => boolean, type: string, message: string];

const NUMBER: Check = [(value) => typeof value === "number", "float_type", "Input should be a valid number"];
const INTEGER: Check = [Number.isInteger, "int_type", "Input should be a valid integer"];
const BOOLEAN: Check = [
  (value) => typeof value === "boolean",
  "bool_type",
  "Input should be a valid boolean",
];
const optional = ([ok, type, message]: Check): Check => [
  (value) => value === null || ok(value),
  type,
  message,
];

/** Most fields have a default and no null. */
const FIELDS: Record<string, Check> = {
  n: INTEGER,
  stream: BOOLEAN,
  presence_penalty: NUMBER,
  frequency_penalty: NUMBER,
  min_tokens: INTEGER,
  ignore_eos: BOOLEAN,
  no_stop_trim: BOOLEAN,
  skip_special_tokens: BOOLEAN,
  seed: optional(INTEGER),
};

const CHAT_FIELDS: Record<string, Check> = {
  ...FIELDS,
  temperature: optional(NUMBER),
  top_p: optional(NUMBER),
  max_tokens: optional(INTEGER),
  max_completion_tokens: optional(INTEGER),
  logprobs: BOOLEAN,
  parallel_tool_calls: BOOLEAN,
  continue_final_message: BOOLEAN,
  separate_reasoning: BOOLEAN,
};

const COMPLETION_FIELDS: Record<string, Check> = {
  ...FIELDS,
  temperature: NUMBER,
  top_p: NUMBER,
  top_k: INTEGER,
  max_tokens: INTEGER,
  echo: BOOLEAN,
};

/** What is refused for the type of a field, or for an adapter that is not loaded. */
export function refusal(
  context: Context,
  body: JsonObject,
  operation: "chat" | "completion",
): Whole | undefined {
  const fields = operation === "chat" ? CHAT_FIELDS : COMPLETION_FIELDS;
  for (const [name, [ok, type, message]] of Object.entries(fields)) {
    const value = body[name];
    if (value !== undefined && !ok(value)) return validation(name, type, message, value);
  }
  return unknownAdapter(context, body);
}

/** Any model is served. What follows its first colon, or `lora_path`, must be an adapter: a model beside the first. */
export function unknownAdapter({ settings }: Context, body: JsonObject): Whole | undefined {
  const [, named] = /^[^:]*:(.*)$/s.exec(textOf(body["model"]) ?? "") ?? [];
  const adapter = named?.trim() || textOf(body["lora_path"]);
  const [, ...adapters] = settings.models;
  if (adapter === undefined || adapters.includes(adapter)) return undefined;
  const hint =
    adapters.length === 0
      ? "LoRA is not enabled. Please launch the server with --enable-lora flag and preload adapters using --lora-paths or /load_lora_adapter endpoint."
      : "it has never been loaded.";
  return refused(`LoRA adapter '${adapter}' was requested, but ${hint}`);
}

/** A refusal for a prompt that, alone or with its output, does not fit the context, or undefined. */
export function tooLong({ settings }: Context, promptTokens: number, tokensMax = 0): Whole | undefined {
  const most = settings.contextTokens;
  if (promptTokens > most)
    return refused(
      `The input (${promptTokens} tokens) is longer than the model's context length (${most} tokens).`,
    );
  if (promptTokens + tokensMax <= most) return undefined;
  return refused(
    `Requested token count exceeds the model's maximum context length of ${most} tokens. You requested a total of ` +
      `${promptTokens + tokensMax} tokens: ${promptTokens} tokens from the input messages and ${tokensMax} tokens for the completion. ` +
      "Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
  );
}

/** The model that an answer echoes: whatever was asked for. */
export const modelOf = (body: JsonObject): string => textOf(body["model"]) ?? "default";

/** What is written where the engine gives up in mid-stream: the error, the usage if it was asked for, and the end. */
export function troubleOf(error: SglangError, usage: string[] = []): string[] {
  return [sse({ error }), ...usage, DONE];
}

/** A stream as SGLang frames it. */
export function sglangStream(events: Iterable<WireEvent>, usage: string[], aborted: string[]): Reply {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  const error = failure(500, "The scheduler failed on this batch.", "INTERNAL_SERVER_ERROR");
  return { type: "stream", headers, events, trouble: troubleOf(error, usage), end: DONE, aborted };
}

/** A full queue: an answer of 503, or the only event of a stream whose headers said 200. */
export function overload({ call }: Context): Reply {
  const message = "The request queue is full.";
  const body = call.body as JsonObject;
  if (body["stream"] !== true) return fail(failure(503, message));
  const stream = sglangStream([], [], []);
  const told = includesUsage(body) ? [noUsage(call.path, body)] : [];
  const error = failure(503, message, "SERVICE_UNAVAILABLE");
  const wires = [sse({ error }), ...told];
  const events = wires.map((wire): WireEvent => ({ part: "error", wire, tokens: 0 }));
  return stream.type === "stream" ? { ...stream, events } : stream;
}

function noUsage(path: string, body: JsonObject): string {
  const object = path.includes("chat") ? "chat.completion.chunk" : "text_completion";
  const usage = usageOf({ prompt: 0, completion: 0, total: 0, reasoning: 0 });
  return sse({ id: textOf(body["rid"]) ?? "", object, created: 0, model: modelOf(body), choices: [], usage });
}

/** `usage` in SGLang's order, the reasoning tokens beside the other counts. */
export function usageOf({ prompt, total, completion, reasoning }: Usage) {
  return {
    prompt_tokens: prompt,
    total_tokens: total,
    completion_tokens: completion,
    prompt_tokens_details: null,
    reasoning_tokens: reasoning,
  };
}

/** The ids of a request, as its abort call compares them. */
export function ridsOf(body: JsonObject): string[] {
  const { rid } = body;
  return typeof rid === "string" ? [rid] : listOf(rid).flatMap((each) => textOf(each) ?? []);
}
