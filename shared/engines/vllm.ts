import { err, ok } from "../kernel/result.ts";
import type { EngineAdapter, EngineCall, EngineRequest, StreamFormat } from "./engine.ts";
import {
  type Edits,
  allowedTools,
  edited,
  joinEdits,
  openaiDialect,
  openaiEdits,
  openaiRules,
  refuseForAll,
  unsupported,
} from "./openai-dialect.ts";
import { asObject } from "./openai-answer.ts";
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

export const vllm: EngineAdapter = {
  ...openaiDialect,
  label: "vLLM",
  chat: {
    ...openaiDialect.chat,
    encode(call) {
      const refused = refuseForAll(call, { structuralTag: true });
      if (refused) return err(refused);
      const allowed = allowedTools(call.body);
      if (!allowed) return unsupported(call.engine, "tool_choice", "names a tool that is not among `tools`");
      return (
        refuse(call) ??
        ok(prepared("/v1/chat/completions", call, openaiEdits(call.body), guided(call.body), allowed))
      );
    },
    stream,
  },
  completion: {
    ...openaiDialect.completion,
    encode(call) {
      if ((call.body.best_of ?? 1) > 1)
        return unsupported(call.engine, "best_of", "is not supported by vLLM");
      return refuse(call) ?? ok(prepared("/v1/completions", call, openaiEdits(call.body), guided(call.body)));
    },
    stream,
  },
  embedding: {
    ...openaiDialect.embedding,
    encode: (call) => refuse(call) ?? ok(prepared("/v1/embeddings", call)),
  },
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  load: {
    path: "/metrics",
    read: (text) => ({
      running: gauge(text, "vllm:num_requests_running"),
      waiting: gauge(text, "vllm:num_requests_waiting"),
      kvUse: gauge(text, "vllm:kv_cache_usage_perc"),
    }),
  },
};
