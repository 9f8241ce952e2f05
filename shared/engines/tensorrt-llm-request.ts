import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineModel, EngineRequest } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { type Edits, countPrompts, edited, joinEdits, refuseForAll, unsupported } from "./openai-dialect.ts";
import {
  CHAT_FIELDS,
  COMPLETION_FIELDS,
  EMBEDDING_FIELDS,
  type Fields,
  refuseFields,
} from "./tensorrt-llm-fields.ts";
import { toolEdits } from "./tensorrt-llm-tools.ts";

// trtllm-serve's requests: https://github.com/NVIDIA/TensorRT-LLM/blob/main/tensorrt_llm/serve/openai_protocol.py

type Json = Record<string, unknown>;

/** Most tokens of a chat's answer where nobody says: more than nearly any answer, reasoning included, has. */
const CHAT_TOKENS_MAX = 8192;

/** OpenAI's own limit of a legacy completion where nobody says. */
const COMPLETION_TOKENS_MAX = 16;

/**
 * The limit, always: without one the scheduler sets memory aside for the longest answer that could be, and requests run
 * nearly one after the other. Under one name, for a field that comes under both of its names is refused.
 */
function limit(body: Json, model: EngineModel, tokensMax: number): Edits {
  if (body.max_completion_tokens == null && body.max_tokens != null) return {};
  const most = Math.min(tokensMax, model.contextLength ?? tokensMax);
  return { set: { max_tokens: body.max_completion_tokens ?? most } };
}

/** Usage is always asked for. Of the options that it does not know, each would be a 400. */
function streamOptions({ stream, stream_options: asked }: ChatRequest | CompletionRequest): Edits {
  if (!stream) return {};
  if (asked && Object.keys(asked).length === 1 && asked.include_usage === true) return {};
  const continuous = asked?.continuous_usage_stats === true && { continuous_usage_stats: true };
  return { set: { stream_options: { include_usage: true, ...continuous } } };
}

/** OpenAI's wrapper around a schema was taken for the schema itself by older releases; all of them take it bare. */
function format(value: unknown): Edits {
  const asked = asObject(value);
  const wrapper = asObject(asked?.json_schema);
  if (asked?.type !== "json_schema" || !wrapper) return {};
  const schema = asObject(wrapper.schema);
  const bare = schema ? { type: "json_schema", json_schema: schema } : { type: "json_object" };
  return { set: { response_format: bare } };
}

/** vLLM's word for all tokens is -1, which ends the process there; its own is 0. */
const topK = ({ top_k }: Json): Edits => (top_k === -1 ? { set: { top_k: 0 } } : {});

/** vLLM's name for an answer that goes on with the closing message; the template's renderer knows it here. */
function goesOn({ continue_final_message: asked, chat_template_kwargs: given }: ChatRequest): Edits {
  if (asked == null) return {};
  return { set: { chat_template_kwargs: { ...asObject(given), continue_final_message: asked } } };
}

/** Values by which a request ends the whole process, or does at its second coming. */
function refuseDeadly({ body, engine }: EngineCall<Json>) {
  if (typeof body.top_k === "number" && body.top_k < -1)
    return unsupported(engine, "top_k", "must be 0 or more with TensorRT-LLM");
  if (body.max_tokens === 0) return unsupported(engine, "max_tokens", "must be 1 or more with TensorRT-LLM");
  return undefined;
}

/** What an operation's fields come to, without those that stand for nothing: nulls, and names that are unknown there. */
function prepared(path: string, call: EngineCall<Json>, fields: Fields, ...edits: Edits[]): EngineRequest {
  const joined = joinEdits(...edits);
  const stale = Object.keys(call.body).filter((name) => call.body[name] === null || !fields.taken.has(name));
  const remove = [...stale, ...(joined.remove ?? [])].filter((name) => !(name in (joined.set ?? {})));
  return edited(path, call, { set: joined.set ?? {}, remove });
}

/** `POST /v1/chat/completions`. Fails by name for what it does not know, or only seems to do. */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const { body, engine, model } = call;
  const refusedForAll = refuseForAll(call, { structuralTag: true });
  if (refusedForAll) return err(refusedForAll);
  const refused = refuseFields(call, CHAT_FIELDS) ?? refuseDeadly(call);
  if (refused) return refused;
  const tools = toolEdits(body);
  if (!tools.ok) return unsupported(engine, tools.error.param, tools.error.what);
  const edits = [
    limit(body, model, CHAT_TOKENS_MAX),
    streamOptions(body),
    format(body.response_format),
    topK(body),
    goesOn(body),
    // Last: a forced call has a format of its own.
    tools.value,
  ];
  return ok(prepared("/v1/chat/completions", call, CHAT_FIELDS, ...edits));
}

/** What a completion says of its prompt that cannot be done. */
function refusePrompt({ body, engine }: EngineCall<CompletionRequest>) {
  if (body.prompt === null) return unsupported(engine, "prompt", "must be given with TensorRT-LLM");
  // Each prompt of a stream has an id of its own there, and tells a usage of its own.
  if (body.stream && countPrompts(body) > 1)
    return unsupported(engine, "prompt", "must be a single one in a stream of TensorRT-LLM");
  if (body.suffix) return unsupported(engine, "suffix", "is not supported by TensorRT-LLM");
  const isText = typeof body.prompt === "string" || typeof body.prompt[0] === "string";
  if (body.echo && !isText)
    return unsupported(engine, "echo", "of token ids is not supported by TensorRT-LLM");
  if (body.echo && body.logprobs != null)
    return unsupported(engine, "echo", "together with `logprobs` is not supported by TensorRT-LLM");
  return undefined;
}

/** `POST /v1/completions`. Fails by name likewise. */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, model } = call;
  const refused = refuseFields(call, COMPLETION_FIELDS) ?? refuseDeadly(call) ?? refusePrompt(call);
  if (refused) return refused;
  const edits = [
    limit(body, model, COMPLETION_TOKENS_MAX),
    streamOptions(body),
    format(body.response_format),
    topK(body),
    // 0 asks for the chosen tokens' own; there it is the same as nothing.
    body.logprobs === 0 ? { set: { logprobs: 1 } } : {},
  ];
  return ok(prepared("/v1/completions", call, COMPLETION_FIELDS, ...edits));
}

/** `POST /v1/embeddings`, which only a server that was started for it has. */
export function encodeEmbedding(call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> {
  if (call.body.dimensions != null)
    return unsupported(call.engine, "dimensions", "is not supported by TensorRT-LLM");
  return refuseFields(call, EMBEDDING_FIELDS) ?? ok(prepared("/v1/embeddings", call, EMBEDDING_FIELDS));
}
