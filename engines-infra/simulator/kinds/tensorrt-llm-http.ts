import { isObject } from "../model/json.ts";
import type { Json } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";

/** A whole answer of JSON. */
export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

const TYPES: Record<number, [type: string, message: string]> = {
  400: ["BadRequestError", "The request is invalid."],
  404: ["NotFoundError", "Not found."],
  422: ["UnprocessableEntityError", "The request cannot be processed."],
  429: ["TooManyRequestsError", "Too many requests."],
  500: ["InternalServerError", "Internal server error"],
  501: ["NotImplementedError", "Not implemented."],
  503: ["ServiceUnavailableError", "LLM is unavailable. Please check the server logs for more details."],
};

/** The flat error that its handlers answer with, whatever went wrong. */
export function fail(status: number, message?: string): Whole {
  const [type, usual] = TYPES[status] ?? ["InternalServerError", "Internal server error"];
  return json(status, { object: "error", message: message ?? usual, type, param: null, code: status });
}

/** What pydantic's refusals become: a list of dictionaries as Python writes it, inside a string. */
export function validation(
  place: readonly (string | number)[],
  type: string,
  message: string,
  input?: Json,
): Whole {
  const at = place.map((part) => (typeof part === "number" ? String(part) : `'${part}'`));
  const loc = at.length === 1 ? `(${at[0]},)` : `(${at.join(", ")})`;
  const given = input === undefined ? "{}" : repr(input);
  return json(400, {
    error: `[{'type': '${type}', 'loc': ${loc}, 'msg': ${repr(message)}, 'input': ${given}}]`,
  });
}

/** A refusal raised by one of its own checks on the whole body. */
export function valueError(message: string): Whole {
  return validation(["body"], "value_error", `Value error, ${message}`);
}

/** A refusal for a prompt that does not fit, or undefined. A limit that is too high is lowered without a word. */
export function tooLong({ settings }: Context, promptTokens: number): Whole | undefined {
  const most = settings.contextTokens;
  if (promptTokens <= most) return undefined;
  return fail(
    400,
    `The sum of prompt length (${promptTokens}.0), query length (0) should not exceed max_num_tokens (${most})`,
  );
}

/** A value as Python writes it. */
function repr(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return value.includes("'") ? `"${value}"` : `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (!isObject(value)) return String(value);
  return `{${Object.entries(value)
    .map(([name, each]) => `'${name}': ${repr(each)}`)
    .join(", ")}}`;
}
