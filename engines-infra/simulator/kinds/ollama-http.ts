import type { JsonObject } from "../model/json.ts";
import { textOf } from "../model/json.ts";
import type { Feature } from "../settings.ts";
import type { Context } from "./kind.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";

/** JSON as Go's encoder writes it: markup and two line separators are escaped. */
export function goStringify(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same with the line feed that Go's stream encoder adds. */
export function goJson(value: unknown): string {
  return `${goStringify(value)}\n`;
}

/** A native body. */
export function json(status: number, body: unknown): Whole {
  return text(status, "application/json; charset=utf-8", goStringify(body));
}

/** An error in the words of the layer that was asked: `{"error":"..."}`, or OpenAI's object under `/v1`. */
export function fail(context: Context, status: number, message: string): Whole {
  if (!context.call.path.startsWith("/v1/")) return json(status, { error: message });
  const type = status === 400 ? "invalid_request_error" : status === 404 ? "not_found_error" : "api_error";
  return text(status, "application/json", goJson({ error: { message, type, param: null, code: null } }));
}

/** A model name in full: without the default registry and namespace, with a tag, in lower case. */
export function canonical(name: string): string {
  const short = name.toLowerCase().replace(/^(registry\.ollama\.ai\/)?(library\/)?/, "");
  return short.includes(":") ? short : `${short}:latest`;
}

export function knownModel({ settings }: Context, name: string): boolean {
  return settings.models.some((model) => canonical(model) === canonical(name));
}

/** A refusal for a missing or unknown model, or for one that cannot do what is asked; or undefined. */
export function modelRefusal(context: Context, body: JsonObject, needs: Feature[]): Whole | undefined {
  const name = textOf(body["model"]) ?? "";
  if (name === "") return fail(context, 400, "model is required");
  if (!knownModel(context, name)) return fail(context, 404, `model '${name}' not found`);
  const missing = needs.find((feature) => context.settings.lacks.includes(feature));
  if (missing === undefined) return undefined;
  // Chat and thinking name the model as given, in quotes; the others by its full name, without.
  const who =
    missing === "chat" || missing === "thinking"
      ? `"${name}"`
      : `registry.ollama.ai/library/${canonical(name)}`;
  return fail(context, 400, `${who} does not support ${missing}`);
}

/** A refusal for options and fields of the wrong type, which Go's decoder does not take; or undefined. */
export function nativeRefusal(context: Context, body: JsonObject): Whole | undefined {
  const keepAlive = body["keep_alive"];
  if (typeof keepAlive === "string" && /^-?\d+$/.test(keepAlive)) {
    return fail(context, 400, `time: missing unit in duration "${keepAlive}"`);
  }
  const top = body["top_logprobs"];
  if (typeof top === "number" && (top < 0 || top > 20))
    return fail(context, 400, "top_logprobs must be between 0 and 20");
  const format = body["format"];
  if (typeof format === "string" && format !== "" && format !== "json") {
    return fail(context, 400, `invalid format: "${format}"; expected "json" or a valid JSON Schema object`);
  }
  return undefined;
}

const NUMBERS = [
  "num_ctx",
  "num_predict",
  "seed",
  "temperature",
  "top_k",
  "top_p",
  "min_p",
  "repeat_penalty",
];

/**
 * A refusal for a known option of the wrong type, or undefined: a 500, though the mistake is the caller's. Unknown
 * options are only logged.
 */
export function optionRefusal(context: Context, options: JsonObject): Whole | undefined {
  const wrong = NUMBERS.find((name) => options[name] !== undefined && typeof options[name] !== "number");
  if (wrong === undefined) return undefined;
  const type = /^(temperature|top_p|min_p|repeat_penalty)$/.test(wrong) ? "float32" : "integer";
  return fail(context, 500, `option "${wrong}" must be of type ${type}`);
}

/**
 * A refusal for a prompt that does not fit, or undefined: the error of its llama-server, as text within its own. Without
 * `truncate: false` the oldest of the prompt is cut off instead.
 */
export function tooLong({ settings }: Context, body: JsonObject, promptTokens: number): Whole | undefined {
  const most = settings.contextTokens;
  if (body["truncate"] !== false || promptTokens < most) return undefined;
  const error = {
    code: 400,
    message: `request (${promptTokens} tokens) exceeds the available context size (${most} tokens), try increasing it`,
    type: "exceed_context_size_error",
    n_prompt_tokens: promptTokens,
    n_ctx: most,
  };
  return json(400, { error: JSON.stringify({ error }) });
}

const LOAD_NS = 2_154_458;
const PROMPT_TOKEN_NS = 14_761_884;
const TOKEN_NS = 16_107_113;

/** When a token was said, at the nominal speed: lines of a stream carry rising times. */
export function saidMs(nowMs: number, tokens: number): number {
  return nowMs + (tokens * TOKEN_NS) / 1e6;
}

/** Counts and durations of a finished generation, in nanoseconds at nominal speeds; zeros are left out. */
export function metrics(promptTokens: number, tokens: number): JsonObject {
  const promptNs = promptTokens * PROMPT_TOKEN_NS;
  const evalNs = tokens * TOKEN_NS;
  const all = {
    total_duration: LOAD_NS + promptNs + evalNs,
    load_duration: LOAD_NS,
    prompt_eval_count: promptTokens,
    prompt_eval_duration: promptNs,
    eval_count: tokens,
    eval_duration: evalNs,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0));
}

/** RFC 3339 with nanoseconds, as Go writes a time. */
export function stamp(ms: number): string {
  const nanoseconds = String(Math.floor((ms % 1000) * 1e6)).padStart(9, "0");
  const seconds = new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19);
  const fraction = nanoseconds.replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}
