import { isObject, listOf, numberOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { invalid, plain } from "./tgi-http.ts";
import type { TgiError } from "./tgi-http.ts";
import type { Whole } from "./reply.ts";

const STOPS_MAX = 4;
const TOP_TOKENS_MAX = 5;
const BEST_OF_MAX = 2;

/** What serde says where a body does not fit its type. */
export function misfit(body: Json | undefined, what: string): Whole {
  const at = `at line 1 column ${JSON.stringify(body ?? null).length}`;
  return plain(422, `Failed to deserialize the JSON body into the target type: ${what} ${at}`);
}

type Type = [expected: string, fits: (value: Json) => boolean];

const FLOAT: Type = ["f32", (value) => value === null || typeof value === "number"];
const UNSIGNED: Type = ["u32", (value) => value === null || (Number.isInteger(value) && Number(value) >= 0)];
const BOOLEAN: Type = ["a boolean", (value) => typeof value === "boolean"];
const OPTIONAL_BOOLEAN: Type = ["a boolean", (value) => value === null || typeof value === "boolean"];
const SEQUENCE: Type = ["a sequence", (value) => value === null || Array.isArray(value)];

/** Fields of several routes; each route reads only those that it knows. */
export const TYPES: Record<string, Type> = {
  temperature: FLOAT,
  top_p: FLOAT,
  frequency_penalty: FLOAT,
  presence_penalty: FLOAT,
  repetition_penalty: FLOAT,
  typical_p: FLOAT,
  max_tokens: UNSIGNED,
  max_completion_tokens: UNSIGNED,
  max_new_tokens: UNSIGNED,
  n: UNSIGNED,
  seed: ["u64", UNSIGNED[1]],
  top_k: UNSIGNED,
  best_of: UNSIGNED,
  top_logprobs: UNSIGNED,
  top_n_tokens: UNSIGNED,
  logprobs: OPTIONAL_BOOLEAN,
  // Neither may be null, nor may a list of stop texts be one text, nor the biases of tokens an object.
  stream: BOOLEAN,
  stream_options: ["struct StreamOptions", isObject],
  stop: SEQUENCE,
  logit_bias: SEQUENCE,
  tools: SEQUENCE,
};

/** The plain refusal of the first field whose type is wrong, or undefined. */
export function mistyped(body: JsonObject, fields: readonly string[]): Whole | undefined {
  for (const field of fields) {
    const value = body[field];
    const type = TYPES[field];
    if (value === undefined || !type || type[1](value)) continue;
    return misfit(body, `${field}: invalid type: ${nameOf(value)}, expected ${type[0]}`);
  }
  return undefined;
}

export function nameOf(value: Json): string {
  if (value === null) return "null";
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "number")
    return `${Number.isInteger(value) ? "integer" : "floating point"} \`${value}\``;
  if (typeof value === "boolean") return `boolean \`${value}\``;
  return Array.isArray(value) ? "sequence" : "map";
}

/** The first parameter that is out of its range, by the native names, or undefined. */
export function outOfRange(parameters: JsonObject): TgiError | undefined {
  const given = (name: string) => numberOf(parameters[name]);
  const share = (name: string) => {
    const value = given(name);
    return value !== undefined && (value <= 0 || value >= 1);
  };
  const bestOf = given("best_of") ?? 1;
  if (bestOf > BEST_OF_MAX) return invalid(`\`best_of\` must be > 0 and <= ${BEST_OF_MAX}. Given: ${bestOf}`);
  if (bestOf > 1 && parameters["do_sample"] !== true && parameters["temperature"] === undefined)
    return invalid("you must use sampling when `best_of` is > 1");
  if ((given("temperature") ?? 1) <= 0) return invalid("`temperature` must be strictly positive");
  if ((given("repetition_penalty") ?? 1) <= 0)
    return invalid("`repetition_penalty` must be strictly positive");
  if (Math.abs(given("frequency_penalty") ?? 0) > 2)
    return invalid("`frequency_penalty` must be >= -2.0 and <= 2.0");
  if (share("top_p")) return invalid("`top_p` must be > 0.0 and < 1.0");
  if (share("typical_p")) return invalid("`typical_p` must be > 0.0 and < 1.0");
  if (given("top_k") === 0) return invalid("`top_k` must be strictly positive");
  if (given("max_new_tokens") === 0) return invalid("`max_new_tokens` must be strictly positive");
  const stops = listOf(parameters["stop"]).length;
  if (stops > STOPS_MAX)
    return invalid(`\`stop\` supports up to ${STOPS_MAX} stop sequences. Given: ${stops}`);
  if (bestOf > 1 && given("seed") !== undefined) return invalid("`seed` must not be set when `best_of` > 1");
  const top = given("top_n_tokens") ?? 0;
  if (top > TOP_TOKENS_MAX)
    return invalid(`\`top_n_tokens\` must be >= 0 and <= ${TOP_TOKENS_MAX}. Given: ${top}`);
  return badGrammar(parameters["grammar"]);
}

function badGrammar(grammar: Json | undefined): TgiError | undefined {
  const schema = schemaOf(grammar);
  if (schema === undefined || isObject(schema["properties"])) return undefined;
  return invalid("grammar is not valid: Grammar must have a 'properties' field");
}

/** The schema of a grammar; undefined for a regular expression, and for none. */
export function schemaOf(grammar: Json | undefined): JsonObject | undefined {
  if (!isObject(grammar)) return undefined;
  const { type, value } = grammar;
  const schema = type === "json_schema" && isObject(value) ? value["schema"] : value;
  return textOf(type) === "regex" || !isObject(schema) ? undefined : schema;
}
