import { err, ok } from "../kernel/result.ts";
import type { EngineAdapter, EngineCall, StreamFormat } from "./engine.ts";
import {
  type Edits,
  edited,
  joinEdits,
  mendChunkLogprobs,
  openaiDialect,
  openaiEdits,
  openaiRules,
  refuseForAll,
  unsupported,
} from "./openai-dialect.ts";
import { asList, asObject } from "./openai-answer.ts";
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

/** Removed from vLLM in 0.12: sent as they are they would be ignored, and the text unconstrained. */
const GUIDED = {
  guided_json: "json",
  guided_regex: "regex",
  guided_choice: "choice",
  guided_grammar: "grammar",
} as const;

function guided(body: Record<string, unknown>): Edits {
  const given = Object.entries(GUIDED).filter(([old]) => body[old] !== undefined && body[old] !== null);
  if (given.length === 0) return {};
  const structured = Object.fromEntries(given.map(([old, name]) => [name, body[old]]));
  return {
    set: { structured_outputs: { ...asObject(body.structured_outputs), ...structured } },
    remove: Object.keys(GUIDED),
  };
}

function refuse(call: EngineCall<Record<string, unknown>>) {
  const field = OPERATORS_ONLY.find((name) => call.body[name] !== undefined);
  return field === undefined ? undefined : unsupported(call.engine, field, "is not accepted from callers");
}

/** Newer builds call the reasoning text `reasoning`; everyone else, and our API, `reasoning_content`. */
function mend(chunk: Record<string, unknown>): void {
  mendChunkLogprobs(chunk);
  for (const each of asList(chunk.choices)) {
    const delta = asObject(asObject(each)?.delta);
    if (!delta || !("reasoning" in delta)) continue;
    if (delta.reasoning !== null && delta.reasoning_content === undefined)
      delta.reasoning_content = delta.reasoning;
    delete delta.reasoning;
  }
}

/**
 * It says [DONE] after an error, and ends what it aborts at shutdown with finish_reason "abort" and [DONE]: nothing of
 * it can be believed unseen, so its events are looked at. An operator who drains before a restart may set `native`.
 */
const stream: StreamFormat = {
  format: "openai",
  relay: () => "exact",
  rules: {
    ...openaiRules,
    mark: /"error"|"usage":\s*\{|"finish_reason":\s*"|\[DONE\]|"reasoning":|"tool_calls":\s*\[|"logprobs":\s*\{/,
    mend,
  },
};

export const vllm: EngineAdapter = {
  ...openaiDialect,
  label: "vLLM",
  chat: {
    ...openaiDialect.chat,
    encode(call) {
      const refused = refuseForAll(call);
      if (refused) return err(refused);
      return (
        refuse(call) ??
        ok(
          withRequestId(
            edited("/v1/chat/completions", call, joinEdits(openaiEdits(call.body), guided(call.body))),
            call.requestId,
          ),
        )
      );
    },
    stream,
  },
  completion: {
    ...openaiDialect.completion,
    encode: (call) =>
      refuse(call) ??
      ok(
        withRequestId(
          edited("/v1/completions", call, joinEdits(openaiEdits(call.body), guided(call.body))),
          call.requestId,
        ),
      ),
    stream,
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

/** vLLM makes the answer's id of this header, so that its log and ours speak of the same request. */
const withRequestId = <R extends object>(request: R, requestId: string) => ({
  ...request,
  headers: { "x-request-id": requestId },
});
