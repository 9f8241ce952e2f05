import type { EngineCall } from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";

/** What becomes of an operation's fields. */
export type Fields = {
  /** What the server knows; any other field would be a 400 of its own. */
  readonly taken: ReadonlySet<string>;
  /** What changes nothing that is answered, or comes under another name: it is not sent. */
  readonly unsent: ReadonlySet<string>;
};

/** What all releases take of any generation. */
const SAMPLING = [
  "model",
  "max_tokens",
  "temperature",
  "top_p",
  "n",
  "seed",
  "stop",
  "stream",
  "stream_options",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
  "logprobs",
  "response_format",
  "user",
  "top_k",
  "top_p_min",
  "min_p",
  "repetition_penalty",
  "length_penalty",
  "min_tokens",
  "best_of",
  "use_beam_search",
  "early_stopping",
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
];

/** OpenAI's fields that ask for nothing of the answer. */
const LABELS = ["metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"];

/** Of a chat. */
export const CHAT_FIELDS: Fields = {
  taken: new Set([
    ...SAMPLING,
    "messages",
    "top_logprobs",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "thinking",
    "add_generation_prompt",
    "documents",
    "chat_template_kwargs",
  ]),
  unsent: new Set([
    ...LABELS,
    "prediction",
    "verbosity",
    "modalities",
    "parallel_tool_calls",
    "max_completion_tokens",
    "continue_final_message",
  ]),
};

/** Of a legacy completion. */
export const COMPLETION_FIELDS: Fields = {
  taken: new Set([...SAMPLING, "prompt"]),
  unsent: new Set([...LABELS, "suffix"]),
};

/** Of embeddings. */
export const EMBEDDING_FIELDS: Fields = {
  taken: new Set(["model", "input", "encoding_format", "add_special_tokens"]),
  unsent: new Set([...LABELS, "user", "dimensions"]),
};

/** Reach into the engine's scheduling, caches, adapters, files or tokens. */
const OPERATORS_ONLY: ReadonlySet<string> = new Set([
  "priority",
  "cache_salt",
  "chat_template",
  "lora_request",
  "disaggregated_params",
  "conversation_params",
  "media_io_kwargs",
  "mm_processor_kwargs",
  "agent_hierarchy",
  "injected_chat_template_kwargs",
  "prompt_token_ids",
  "prompt_token_ids_b64",
  "return_context_logits",
  "detokenize",
]);

/** Refuses by name what is the operator's, and what the server would refuse in words of Python's. Nulls are absent. */
export function refuseFields(
  { body, engine }: EngineCall<Record<string, unknown>>,
  { taken, unsent }: Fields,
) {
  const field = Object.keys(body).find((name) => body[name] != null && !taken.has(name) && !unsent.has(name));
  if (field === undefined) return undefined;
  const what = OPERATORS_ONLY.has(field) ? "is not accepted from callers" : "is no field of TensorRT-LLM's";
  return unsupported(engine, field, what);
}
