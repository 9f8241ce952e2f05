import { vllmChat } from "./vllm-chat.ts";
import { vllmCompletions } from "./vllm-completions.ts";
import { vllmEmbeddings, vllmTokenize, vllmDetokenize } from "./vllm-embeddings.ts";
import { fail, failure, json, unauthorized, validation } from "./vllm-http.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import { vllmMetrics } from "./vllm-metrics.ts";
import { vllmRerank } from "./vllm-rerank.ts";

const GUARDED = /^\/(v1|v2|inference|cohere)/;

/** vLLM's `vllm serve`, as of v0.28: the OpenAI routes and the unguarded ones beside them. */
export const vllm: EngineKind = {
  id: "vllm",
  port: 8000,
  defaults: { slots: 256, lacks: ["dimensions"], continuesPrefill: false },
  headers: { server: "uvicorn" },
  headersLeave: "accepted",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(vllmChat),
    "POST /v1/completions": generates(vllmCompletions),
    "POST /v1/embeddings": generates(vllmEmbeddings),
    "POST /v1/rerank": generates(vllmRerank),
    "POST /v2/rerank": generates(vllmRerank),
    "POST /rerank": generates(vllmRerank),
    "POST /tokenize": tells(vllmTokenize),
    "POST /detokenize": tells(vllmDetokenize),
    "GET /v1/models": tells(models),
    "GET /health": tells(empty),
    "GET|POST /ping": tells(empty),
    "GET /version": tells(() => json(200, { version: "0.28.0" })),
    // Without --enable-server-load-tracking it never moves.
    "GET /load": tells(() => json(200, { server_load: 0 })),
    "GET /metrics": tells((context) =>
      text(
        200,
        "text/plain; version=1.0.0; charset=utf-8",
        vllmMetrics(context.settings.models[0] ?? "", context.load),
      ),
    ),
  },
  admit(context, route) {
    const { call, settings } = context;
    const key = call.headers["authorization"];
    if (settings.apiKey !== null && GUARDED.test(call.path) && key !== `Bearer ${settings.apiKey}`)
      return unauthorized();
    if (!route || call.method !== "POST" || call.path === "/ping") return undefined;
    if (!/^application\/json\b/i.test(call.headers["content-type"] ?? "")) {
      return validation(
        "body",
        "value_error",
        "Value error, Unsupported Media Type: Only 'application/json' is allowed",
      );
    }
    return call.body === undefined ? validation("body", "json_invalid", "JSON decode error") : undefined;
  },
  notFound: () => json(404, { detail: "Not Found" }),
  wrongMethod: () => json(405, { detail: "Method Not Allowed" }),
  error: (status) => fail(failure(status)),
  // From v0.29 with --max-num-queued-reqs; until then vLLM queues without a word. The literal text is unconfirmed.
  overload: () =>
    fail({ ...failure(503), message: "The server is overloaded: too many requests are queued." }),
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: true,
  mayUseCrlf: false,
};

function empty() {
  return { type: "whole", status: 200, headers: {}, body: "", tokens: 0 } as const;
}

function models({ settings, nowMs, serial }: Context) {
  const created = Math.floor(nowMs / 1000);
  const permission = {
    id: `modelperm-${serial.toString(16).padStart(16, "0")}`,
    object: "model_permission",
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: "*",
    group: null,
    is_blocking: false,
  };
  const data = settings.models.map((id) => ({
    id,
    object: "model",
    created,
    owned_by: "vllm",
    root: settings.models[0] ?? id,
    parent: null,
    max_model_len: settings.contextTokens,
    permission: [permission],
  }));
  return json(200, { object: "list", data });
}
