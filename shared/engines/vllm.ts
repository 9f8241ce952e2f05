import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { err, ok } from "../kernel/result.ts";
import { vllmControl } from "./control.ts";
import { continuedChat, continuedCompletion } from "./continued.ts";
import type { EmbeddingAdapter, EngineCall, EngineRequest, StreamFormat } from "./engine.ts";
import {
  type Edits,
  allowedTools,
  edited,
  joinEdits,
  openaiDialect,
  openaiEdits,
  openaiRules,
  refuseForAll,
  rerankEdits,
  unsupported,
} from "./openai-dialect.ts";
import { asObject } from "../kernel/json.ts";
import { gauge } from "./prometheus-text.ts";

// vLLM: https://docs.vllm.ai/en/latest/serving/openai_compatible_server/

/** Reach into the engine's scheduling, caches or templates: not for callers, and never dropped in silence. */
const OPERATORS_ONLY = [
  "priority",
  "kv_transfer_params",
  "ec_transfer_params",
  "vllm_xargs",
  "cache_salt",
  "chat_template",
  "request_id",
];

/**
 * Removed from vLLM in 0.12, with `guided_decoding_backend`, which is the operator's choice now: sent as they are they
 * would be ignored, and the text unconstrained.
 */
const GUIDED = {
  guided_json: "json",
  guided_regex: "regex",
  guided_choice: "choice",
  guided_grammar: "grammar",
  guided_whitespace_pattern: "whitespace_pattern",
} as const;

function guided(body: Record<string, unknown>): Edits {
  const remove = [...Object.keys(GUIDED), "guided_decoding_backend"];
  const given = Object.entries(GUIDED).filter(([old]) => body[old] != null);
  if (given.length === 0) return { remove };
  const structured = Object.fromEntries(given.map(([old, name]) => [name, body[old]]));
  return {
    set: { structured_outputs: { ...asObject(body.structured_outputs), ...structured } },
    remove,
  };
}

function refuse(call: EngineCall<Record<string, unknown>>) {
  const field = OPERATORS_ONLY.find((name) => call.body[name] != null);
  return field === undefined ? undefined : unsupported(call.engine, field, "is not accepted from callers");
}

/**
 * It says [DONE] after an error, and ends what it aborts at shutdown with finish_reason "abort" and [DONE]: nothing of
 * it can be believed unseen, so its events are looked at. An operator who drains before a restart may set `native`.
 */
const stream: StreamFormat = { format: "openai", relay: () => "exact", rules: openaiRules };

/** The request with the edits that vLLM needs. Operators' fields that are null go: nulls stand for what is absent, also where vLLM has no null. */
const prepared = (
  path: string,
  call: EngineCall<Record<string, unknown>>,
  ...edits: Edits[]
): EngineRequest => ({
  ...edited(path, call, joinEdits(...edits, { remove: OPERATORS_ONLY })),
  // vLLM makes the answer's id of it, so that its log and ours speak of the same request.
  headers: { "x-request-id": call.requestId },
});

function encodeChat(call: EngineCall<ChatRequest>) {
  const refused = refuseForAll(call, { structuralTag: true });
  if (refused) return err(refused);
  const allowed = allowedTools(call.body);
  if (!allowed) return unsupported(call.engine, "tool_choice", "names a tool that is not among `tools`");
  return (
    refuse(call) ??
    ok(prepared("/v1/chat/completions", call, openaiEdits(call.body), guided(call.body), allowed))
  );
}

function encodeCompletion(call: EngineCall<CompletionRequest>) {
  if ((call.body.best_of ?? 1) > 1) return unsupported(call.engine, "best_of", "is not supported by vLLM");
  return refuse(call) ?? ok(prepared("/v1/completions", call, openaiEdits(call.body), guided(call.body)));
}

/** By these it takes a closing assistant message for the beginning of the answer, and not for a turn of its own. */
const CONTINUE = { continue_final_message: true, add_generation_prompt: false };

export const vllm: EmbeddingAdapter = {
  ...openaiDialect,
  label: "vLLM",
  chat: {
    ...openaiDialect.chat,
    encode: encodeChat,
    stream,
    continue: (call, written) =>
      encodeChat(
        continuedChat(call, written, { merges: call.body.continue_final_message === true, extra: CONTINUE }),
      ),
  },
  completion: {
    ...openaiDialect.completion,
    encode: encodeCompletion,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  embedding: {
    ...openaiDialect.embedding,
    encode: (call) => refuse(call) ?? ok(prepared("/v1/embeddings", call)),
  },
  rerank: {
    ...openaiDialect.rerank,
    encode(call) {
      const edits = rerankEdits(call);
      return edits.ok ? (refuse(call) ?? ok(prepared("/v1/rerank", call, edits.value))) : edits;
    },
  },
  abilities: {
    chat: "engine",
    completion: "engine",
    embedding: "engine",
    rerank: "engine",
    images: "engine",
    tools: "engine",
    tool_choice: "engine",
    json_object: "engine",
    json_schema: "engine",
    reasoning: "engine",
    logprobs: "engine",
    several_choices: "engine",
    stop: "engine",
    seed: "engine",
    logit_bias: "engine",
    penalties: "engine",
    usage_in_streams: "engine",
    continuation: "engine",
  },
  defaults: { concurrencyMax: 256 },
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  load: {
    path: "/metrics",
    read: (text) => ({
      running: gauge(text, "vllm:num_requests_running"),
      waiting: gauge(text, "vllm:num_requests_waiting"),
      kvUse: gauge(text, "vllm:kv_cache_usage_perc"),
    }),
  },
  control: vllmControl,
};
