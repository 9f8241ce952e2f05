import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { RerankRequest } from "../contracts/rerank.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { continuedChat, continuedCompletion } from "./continued.ts";
import type { EngineCall, EngineRequest, Written } from "./engine.ts";
import { nameOnWire, servedAdapter } from "./sglang-models.ts";
import {
  type Edits,
  allowedTools,
  edited,
  joinEdits,
  openaiEdits,
  refuseForAll,
  rerankEdits,
  unsupported,
} from "./openai-dialect.ts";

// SGLang's own fields: https://docs.sglang.ai/basic_usage/openai_api_completions.html

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

/** Reach into the engine's scheduling, caches, adapters or tokens: not for callers, and never dropped in silence. */
const OPERATORS_ONLY = [
  "rid",
  "priority",
  "cache_salt",
  "extra_key",
  "session_id",
  "session_params",
  "input_ids",
  "routed_dp_rank",
  "disagg_prefill_dp_rank",
  "data_parallel_rank",
  "bootstrap_host",
  "bootstrap_port",
  "bootstrap_room",
  "lora_path",
  "custom_logit_processor",
  "custom_params",
  "custom_labels",
  "ngram_corpus_id",
  "embed_overrides",
  "embed_override_token_id",
  "return_hidden_states",
  "return_routed_experts",
];

/** Of vLLM, llama.cpp and LMDeploy: SGLang drops unknown fields without a word, and with them what they ask for. */
const IGNORED = [
  "structured_outputs",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "guided_whitespace_pattern",
  "grammar",
  "chat_template",
  "repeat_penalty",
  "n_predict",
  "min_new_tokens",
  "include_stop_str_in_output",
  "bad_words",
  "allowed_token_ids",
  "use_beam_search",
  "length_penalty",
  "prompt_logprobs",
];

/** Fields that have a default there, and no null: it would be a 400, and stands for what is absent. */
const NEVER_NULL = [
  "stream",
  "n",
  "logprobs",
  "presence_penalty",
  "frequency_penalty",
  "parallel_tool_calls",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "max_tokens",
  "min_tokens",
  "echo",
  "repetition_penalty",
  "ignore_eos",
  "no_stop_trim",
  "skip_special_tokens",
  "continue_final_message",
  "separate_reasoning",
  "stream_reasoning",
  "encoding_format",
];

function refuse({ body, engine }: EngineCall<Json>): Refusal | undefined {
  const own = OPERATORS_ONLY.find((name) => body[name] != null);
  if (own !== undefined) return unsupported(engine, own, "is not accepted from callers");
  const ignored = IGNORED.find((name) => body[name] != null);
  if (ignored !== undefined) return unsupported(engine, ignored, "is not supported by SGLang");
  // Choices beyond the first run under ids of their own making there, which no abort call reaches.
  if (typeof body.n === "number" && body.n > 1)
    return unsupported(engine, "n", "above 1 is not asked of SGLang");
  return undefined;
}

/** The request with what every operation needs. `rid` is the name by which the engine's abort call knows it. */
function prepared(path: string, call: EngineCall<Json>, rid: unknown, ...edits: Edits[]): EngineRequest {
  const { body, model } = call;
  const nulls = [...OPERATORS_ONLY, ...NEVER_NULL].filter((name) => name !== "rid" && body[name] === null);
  const adapter = servedAdapter(model);
  const own: Edits = {
    set: { rid, ...(adapter !== undefined && { lora_path: adapter }) },
    remove: adapter === undefined ? nulls : nulls.filter((name) => name !== "lora_path"),
  };
  const named = { ...call, model: { ...model, names: [nameOnWire(model)] } };
  return edited(path, named, joinEdits(...edits, own));
}

const forcesTool = ({ tool_choice: choice }: ChatRequest): boolean =>
  choice === "required" ||
  (typeof choice === "object" &&
    choice !== null &&
    (choice.type !== "allowed_tools" || choice.allowed_tools.mode === "required"));

/** What SGLang would only write a warning about in its log, or not even that. */
function refuseTools({ body, engine }: EngineCall<ChatRequest>): Refusal | undefined {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel, response_format: format } = body;
  if (typeof choice === "object" && choice?.type === "function") {
    const { name } = choice.function;
    if (!tools?.some((tool) => tool.type === "function" && tool.function.name === name))
      return unsupported(engine, "tool_choice", "names a tool that is not among `tools`");
  }
  if (!tools || tools.length === 0) return undefined;
  if (forcesTool(body) && format && format.type !== "text")
    return unsupported(engine, "tool_choice", "cannot be forced together with a `response_format`");
  // Only a forced call is held to one; of others the model makes as many as it likes.
  if (parallel === false && choice !== "none" && !forcesTool(body))
    return unsupported(engine, "parallel_tool_calls", "is only obeyed for a forced `tool_choice`");
  return undefined;
}

/** The request without `strict` of tools where it is null: it has no null there. */
function withoutNullStrict(body: ChatRequest): ChatRequest {
  if (!body.tools?.some((tool) => tool.type === "function" && tool.function.strict === null)) return body;
  const tools = body.tools.map((tool) => {
    if (tool.type !== "function" || tool.function.strict !== null) return tool;
    const { strict: _, ...described } = tool.function;
    return { ...tool, function: described };
  });
  return { ...body, tools };
}

/** `POST /v1/chat/completions`. */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const refused = refuseForAll(call, { structuralTag: true });
  if (refused) return err(refused);
  const { engine } = call;
  const body = withoutNullStrict(call.body);
  const allowed = allowedTools(body);
  if (!allowed) return unsupported(engine, "tool_choice", "names a tool that is not among `tools`");
  // llama.cpp's, in a chat; SGLang's own field of this name is of completions.
  if (body.json_schema != null)
    return unsupported(engine, "json_schema", "is no field of a chat: send `response_format`");
  const strict = body === call.body ? {} : { set: { tools: body.tools } };
  return (
    refuse(call) ??
    refuseTools(call) ??
    ok(prepared("/v1/chat/completions", call, call.requestId, strict, openaiEdits(body), allowed))
  );
}

/** `POST /v1/completions`. */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by SGLang");
  // Read only where the operator has set a template for code completion.
  if (body.suffix) return unsupported(engine, "suffix", "is not supported by SGLang");
  return refuse(call) ?? ok(prepared("/v1/completions", call, call.requestId, openaiEdits(body)));
}

/** `POST /v1/embeddings`. Ids of several inputs come as a list: a single one is an assertion that fails there. */
export function encodeEmbedding(call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> {
  const { input } = call.body;
  const several = typeof input !== "string" && typeof input[0] !== "number";
  const rid = several ? input.map((_, at) => `${call.requestId}_${at}`) : call.requestId;
  return refuse(call) ?? ok(prepared("/v1/embeddings", call, rid));
}

/** `POST /v1/rerank`, whose documents are texts. All of them are ranked, and sent back by us. */
export function encodeRerank(call: EngineCall<RerankRequest>): Result<EngineRequest, Failure> {
  const edits = rerankEdits(call);
  if (!edits.ok) return edits;
  const set = { ...edits.value.set, return_documents: false };
  return refuse(call) ?? ok(edited("/v1/rerank", call, { set, remove: ["top_n"] }));
}

/** Constraints of the whole text, which the rest of it alone would be held to anew. */
const CONSTRAINTS = ["regex", "ebnf", "json_schema"];

function refuseConstrained({ body, engine }: EngineCall<Json>): Refusal | undefined {
  const field = CONSTRAINTS.find((name) => body[name] != null);
  return field === undefined
    ? undefined
    : unsupported(engine, field, "cannot be kept to by an answer that another engine began");
}

/** A chat that goes on: without `continue_final_message` the closing message would be taken for the user's. */
export const continueChat = (
  call: EngineCall<ChatRequest>,
  written: Written,
): Result<EngineRequest, Failure> =>
  refuseConstrained(call) ??
  encodeChat(
    continuedChat(call, written, {
      merges: call.body.continue_final_message === true,
      extra: { continue_final_message: true },
    }),
  );

/** A legacy completion that goes on. */
export const continueCompletion = (
  call: EngineCall<CompletionRequest>,
  written: Written,
): Result<EngineRequest, Failure> =>
  refuseConstrained(call) ?? continuedCompletion(call, written, encodeCompletion);
