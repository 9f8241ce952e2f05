import { textOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";

/** OpenAI's error, before it is wrapped. */
export type OpenAiError = {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
  status: number;
};

const USUAL: Record<number, [message: string, type: string, code: string | null]> = {
  400: ["The request is invalid.", "invalid_request_error", null],
  401: ["Incorrect API key provided.", "invalid_request_error", "invalid_api_key"],
  403: ["You are not allowed to do this.", "invalid_request_error", null],
  404: ["Not found.", "invalid_request_error", null],
  405: ["Method not allowed.", "invalid_request_error", "method_not_supported"],
  429: ["Rate limit reached for requests. Please try again in 1s.", "requests", "rate_limit_exceeded"],
  503: ["The engine is currently overloaded, please try again later", "server_error", null],
};

const ANY: [string, string, string | null] = [
  "The server had an error while processing your request. Sorry about that!",
  "server_error",
  null,
];

/** The error that usually comes with a status. */
export function usual(status: number): OpenAiError {
  const [message, type, code] = USUAL[status] ?? ANY;
  return { message, type, param: null, code, status };
}

/** Whole bodies of api.openai.com are indented by two and end in a line feed. */
export function pretty(status: number, body: unknown, headers: Record<string, string> = {}): Whole {
  return text(status, "application/json", `${JSON.stringify(body, null, 2)}\n`, headers);
}

export function fail({ status, ...error }: OpenAiError, headers: Record<string, string> = {}): Whole {
  return pretty(status, { error }, headers);
}

export function invalid(message: string, param: string | null, code: string | null): Whole {
  return fail({ message, type: "invalid_request_error", param, code, status: 400 });
}

const STOPS_MAX = 4;

/** What every generating route refuses. */
export function refusal({ settings }: Context, body: JsonObject): Whole | undefined {
  const model = textOf(body["model"]);
  if (!model) return invalid("you must provide a model parameter", null, null);
  if (!settings.models.includes(model)) {
    const message = `The model \`${model}\` does not exist or you do not have access to it.`;
    return fail({ ...usual(404), message, code: "model_not_found" });
  }
  const stop = body["stop"];
  if (Array.isArray(stop) && stop.length > STOPS_MAX) {
    const message = `Invalid 'stop': array too long. Expected an array with maximum length ${STOPS_MAX}, but got an array with length ${stop.length} instead.`;
    return invalid(message, "stop", "array_above_max_length");
  }
  if (body["stream_options"] && body["stream"] !== true) {
    return invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
      null,
    );
  }
  return outOfRange(body, "temperature", 2) ?? outOfRange(body, "top_p", 1);
}

function outOfRange(body: JsonObject, name: string, most: number): Whole | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") {
    const kind = Array.isArray(value) ? "an array" : `a ${typeof value}`;
    const message = `Invalid type for '${name}': expected a decimal, but got ${kind} instead.`;
    return invalid(message, name, "invalid_type");
  }
  if (value > most) {
    const message = `Invalid '${name}': decimal above maximum value. Expected a value <= ${most}, but got ${value} instead.`;
    return invalid(message, name, "decimal_above_max_value");
  }
  if (value >= 0) return undefined;
  const message = `Invalid '${name}': decimal below minimum value. Expected a value >= 0, but got ${value} instead.`;
  return invalid(message, name, "decimal_below_min_value");
}

/** A refusal for a prompt that does not fit the context, or undefined. */
export function tooLong({ settings }: Context, promptTokens: number, param: string): Whole | undefined {
  if (promptTokens <= settings.contextTokens) return undefined;
  const message = `This model's maximum context length is ${settings.contextTokens} tokens. However, your messages resulted in ${promptTokens} tokens. Please reduce the length of the messages.`;
  return invalid(message, param, "context_length_exceeded");
}
