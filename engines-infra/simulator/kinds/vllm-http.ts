import type { Json, JsonObject } from "../model/json.ts";
import { isObject, textOf } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";

/** vLLM's error envelope, before it is wrapped. `code` is the status as an integer. */
export type VllmError = { message: string; type: string; param: string | null; code: number };

const TYPES: Record<number, [type: string, message: string]> = {
  400: ["BadRequestError", "The request is invalid."],
  404: ["NotFoundError", "Not found."],
  422: ["UnprocessableEntityError", "Failed to load the image."],
  429: ["TooManyRequestsError", "Too many requests."],
  500: [
    "InternalServerError",
    "EngineCore encountered an issue. See stack trace (above) for the root cause.",
  ],
  501: ["NotImplementedError", "Not implemented."],
  503: ["ServiceUnavailableError", "The service is unavailable."],
};

export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

/** The error that vLLM gives with a status. */
export function failure(status: number, message?: string, param: string | null = null): VllmError {
  const [type, usual] = TYPES[status] ?? ["InternalServerError", "Internal server error"];
  return { message: message ?? usual, type, param, code: status };
}

export function fail(error: VllmError): Whole {
  return error.code === 401 ? unauthorized() : json(error.code, { error });
}

/** The one error that is a string. */
export function unauthorized(): Whole {
  return json(401, { error: "Unauthorized" });
}

/** What pydantic's refusals become: note the space in the type. `param` is dotted, for example `body.temperature`. */
export function validation(param: string, type: string, message: string, input?: Json): Whole {
  const place = param.split(".").map((part) => `'${part}'`);
  const at = place.length === 1 ? `(${place[0]},)` : `(${place.join(", ")})`;
  const given = input === undefined ? "{}" : repr(input);
  const detail = `{'type': '${type}', 'loc': ${at}, 'msg': '${message.replaceAll("'", "\\'")}', 'input': ${given}}`;
  return json(400, {
    error: { message: `1 validation error:\n  ${detail}`, type: "Bad Request", param, code: 400 },
  });
}

/** A refusal for a model that is not served, or undefined. No name at all means the base model. */
export function unknownModel({ settings }: Context, body: JsonObject): Whole | undefined {
  const model = textOf(body["model"]) ?? "";
  if (model === "" || settings.models.includes(model)) return undefined;
  return fail(failure(404, `The model \`${model}\` does not exist.`, "model"));
}

/** A refusal for a prompt that, with its output, does not fit the context, or undefined. */
export function tooLong({ settings }: Context, promptTokens: number, tokensMax = 0): Whole | undefined {
  const most = settings.contextTokens;
  if (promptTokens + tokensMax <= most) return undefined;
  const message =
    `This model's maximum context length is ${most} tokens. However, you requested ${tokensMax} output tokens and your ` +
    `prompt contains ${promptTokens} input tokens, for a total of ${promptTokens + tokensMax} tokens. Please reduce the ` +
    `length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${promptTokens})`;
  return fail(failure(400, message, "input_tokens"));
}

type Check = [ok: (value: Json) => boolean, type: string, message: string];

const NUMBER: Check = [
  (value) => typeof value === "number",
  "float_parsing",
  "Input should be a valid number, unable to parse string as a number",
];
const INTEGER: Check = [
  Number.isInteger,
  "int_parsing",
  "Input should be a valid integer, unable to parse string as an integer",
];
const BOOLEAN: Check = [
  (value) => typeof value === "boolean",
  "bool_parsing",
  "Input should be a valid boolean, unable to interpret input",
];

const FIELDS: Record<string, Check> = {
  temperature: NUMBER,
  top_p: NUMBER,
  frequency_penalty: NUMBER,
  presence_penalty: NUMBER,
  max_tokens: INTEGER,
  max_completion_tokens: INTEGER,
  n: INTEGER,
  seed: INTEGER,
  stream: BOOLEAN,
};

/** What both generating routes refuse; the rest of the unknown is ignored. */
export function refusal(body: JsonObject): Whole | undefined {
  for (const [name, [ok, type, message]] of Object.entries(FIELDS)) {
    const value = body[name];
    if (value !== undefined && value !== null && !ok(value))
      return validation(`body.${name}`, type, message, value);
  }
  const stop = body["stop"];
  if (Array.isArray(stop) && stop.length > 4) {
    return fail(failure(400, `stop must contain at most 4 strings, got ${stop.length}.`, "stop"));
  }
  if (isObject(body["stream_options"]) && body["stream"] !== true) {
    return valueError("Stream options can only be defined when `stream=True`.");
  }
  if (body["stream"] === true && typeof body["prompt_logprobs"] === "number") {
    return valueError("`prompt_logprobs` are not available when `stream=True`.");
  }
  const temperature = body["temperature"];
  if (typeof temperature === "number" && temperature < 0) {
    return fail(failure(400, `temperature must be non-negative, got ${temperature}.`, "temperature"));
  }
  return undefined;
}

/** A refusal raised by one of vLLM's own checks on the whole body. */
export function valueError(message: string): Whole {
  return validation("body", "value_error", `Value error, ${message}`);
}

function repr(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return `'${value.replaceAll("'", "\\'")}'`;
  return JSON.stringify(value);
}
