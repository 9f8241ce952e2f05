import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import { tensorrtLlmChat } from "./tensorrt-llm-chat.ts";
import { tensorrtLlmCompletions } from "./tensorrt-llm-completions.ts";
import { tensorrtLlmEmbeddings } from "./tensorrt-llm-embeddings.ts";
import { fail, json, validation } from "./tensorrt-llm-http.ts";
import { iterationStats, tensorrtLlmMetrics } from "./tensorrt-llm-metrics.ts";

/**
 * TensorRT-LLM's `trtllm-serve`, as of 1.3: started with a tool parser, a reasoning parser and `return_perf_metrics`. A
 * real one makes either text or embeddings, this one both. It has no keys.
 */
export const tensorrtLlm: EngineKind = {
  id: "tensorrt-llm",
  port: 8000,
  // It looks whether its client is there once a second; here that would make tests slow.
  defaults: { slots: 64, continuesPrefill: false, disconnectPollMs: 100 },
  headers: { server: "uvicorn" },
  headersLeave: "accepted",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(tensorrtLlmChat),
    "POST /v1/completions": generates(tensorrtLlmCompletions),
    "POST /v1/embeddings": generates(tensorrtLlmEmbeddings),
    "GET /v1/models": tells(models),
    "GET /health": tells(empty),
    "GET /health_generate": tells(empty),
    "GET /version": tells(() => json(200, { version: "1.3.0rc14" })),
    "GET /metrics": tells(iterationStats),
    "GET /prometheus/metrics": tells((context) =>
      context.settings.lacks.includes("metrics")
        ? json(404, { detail: "Not Found" })
        : text(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            tensorrtLlmMetrics(context.settings.models[0] ?? "", context.load),
          ),
    ),
  },
  admit: ({ call }, route) =>
    route && call.method === "POST" && call.body === undefined
      ? validation(["body", 1], "json_invalid", "JSON decode error")
      : undefined,
  notFound: () => json(404, { detail: "Not Found" }),
  wrongMethod: () => json(405, { detail: "Method Not Allowed" }),
  error: (status) => fail(status),
  // No bound and no word: whoever comes waits, a stream with its headers sent.
  overload: ({ call }) =>
    (call.body as { stream?: unknown } | undefined)?.stream === true
      ? { type: "silence", headers: { "content-type": "text/event-stream; charset=utf-8" } }
      : { type: "silence" },
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
};

function empty() {
  return { type: "whole", status: 200, headers: {}, body: "", tokens: 0 } as const;
}

function models({ settings, nowMs }: Context) {
  const created = Math.floor(nowMs / 1000);
  const [id = ""] = settings.models;
  return json(200, { object: "list", data: [{ id, object: "model", created, owned_by: "tensorrt_llm" }] });
}
