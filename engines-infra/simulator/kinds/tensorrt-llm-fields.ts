import { isObject } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Reply, Whole } from "./reply.ts";
import { validation, valueError } from "./tensorrt-llm-http.ts";

type Check = [ok: (value: Json) => boolean, type: string, message: string];

const isNumber = (value: Json) => typeof value === "number";
const orNull =
  (ok: (value: Json) => boolean) =>
  (value: Json): boolean =>
    value === null || ok(value);
const NUMBER = "Input should be a valid number";
const INTEGER = "Input should be a valid integer";

const FIELDS: Record<string, Check> = {
  temperature: [orNull(isNumber), "float_type", NUMBER],
  top_p: [orNull(isNumber), "float_type", NUMBER],
  min_p: [isNumber, "float_type", NUMBER],
  repetition_penalty: [isNumber, "float_type", NUMBER],
  frequency_penalty: [orNull(isNumber), "float_type", NUMBER],
  presence_penalty: [orNull(isNumber), "float_type", NUMBER],
  n: [Number.isInteger, "int_type", INTEGER],
  top_k: [Number.isInteger, "int_type", INTEGER],
  min_tokens: [Number.isInteger, "int_type", INTEGER],
  max_tokens: [orNull(Number.isInteger), "int_type", INTEGER],
  seed: [orNull(Number.isInteger), "int_type", INTEGER],
  stream: [orNull((value) => typeof value === "boolean"), "bool_type", "Input should be a valid boolean"],
};

const SAMPLING = [
  "model",
  ...Object.keys(FIELDS),
  "stop",
  "stream_options",
  "logit_bias",
  "logprobs",
  "response_format",
  "user",
  "best_of",
  "use_beam_search",
  "early_stopping",
  "length_penalty",
  "top_p_min",
  "ignore_eos",
  "stop_token_ids",
  "include_stop_str_in_output",
  "skip_special_tokens",
  "spaces_between_special_tokens",
  "truncate_prompt_tokens",
  "prompt_ignore_length",
  "thinking_token_budget",
  "add_special_tokens",
  "echo",
  "lora_request",
  "disaggregated_params",
  "conversation_params",
  "priority",
];

/** All that a chat may say. */
export const CHAT_FIELDS = new Set([
  ...SAMPLING,
  "messages",
  "prompt_token_ids",
  "top_logprobs",
  "max_completion_tokens",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning_effort",
  "thinking",
  "add_generation_prompt",
  "documents",
  "chat_template",
  "chat_template_kwargs",
  "media_io_kwargs",
  "mm_processor_kwargs",
  "cache_salt",
  "agent_hierarchy",
]);

/** All that a completion may say. */
export const COMPLETION_FIELDS = new Set([
  ...SAMPLING,
  "prompt",
  "suffix",
  "return_context_logits",
  "detokenize",
]);

const STREAM_OPTIONS = new Set(["include_usage", "continuous_usage_stats"]);

const unknownIn = (object: JsonObject, known: ReadonlySet<string>): string | undefined =>
  Object.keys(object).find((name) => !known.has(name));

const extra = (place: string[], input: Json | undefined): Whole =>
  validation(place, "extra_forbidden", "Extra inputs are not permitted", input);

/** What both generating routes answer before they look at the prompt: a refusal, or the end of the process. */
export function refusal(body: JsonObject, known: ReadonlySet<string>): Reply | undefined {
  const unknown = unknownIn(body, known);
  if (unknown !== undefined) return extra(["body", unknown], body[unknown]);
  const both = body["max_tokens"] !== undefined && body["max_completion_tokens"] !== undefined;
  if (both) return extra(["body", "max_completion_tokens"], body["max_completion_tokens"]);
  for (const [name, [ok, type, message]] of Object.entries(FIELDS)) {
    const value = body[name];
    if (value !== undefined && !ok(value)) return validation(["body", name], type, message, value);
  }
  const options = body["stream_options"];
  if (options !== undefined && options !== null && body["stream"] !== true)
    return valueError("stream_options can only be set if stream is true");
  if (isObject(options)) {
    const option = unknownIn(options, STREAM_OPTIONS);
    if (option !== undefined) return extra(["body", "stream_options", option], options[option]);
  }
  if (body["suffix"]) return valueError("suffix is not supported");
  // The executor does not live through these.
  const topK = body["top_k"];
  return body["max_tokens"] === 0 || (typeof topK === "number" && topK < 0) ? { type: "reset" } : undefined;
}
