import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";
import { tritonGenerate, tritonGenerateStream } from "./triton-generate.ts";
import { fail, json, repository } from "./triton-http.ts";
import { tritonMetrics } from "./triton-metrics.ts";

const EXTENSIONS = ["model_repository", "model_configuration", "statistics", "generate", "parameters"];

/**
 * Triton with the TensorRT-LLM backend, as of 26.09: a classic repository where a model's name ends with `ensemble` or
 * `bls`, else one of the LLM API. It has no chat, no embeddings and no keys.
 */
export const triton: EngineKind = {
  id: "triton",
  port: 8000,
  defaults: { slots: 64, disconnectPollMs: 100 },
  headers: {},
  // The status is the first answer's.
  headersLeave: "first-token",
  keepAliveMs: 60_000,
  requestsPerConnectionMax: 0,
  routes: {
    "GET /v2": tells(() => json(200, { name: "triton", version: "2.73.0", extensions: EXTENSIONS })),
    "GET /v2/health/live": tells(() => empty(200)),
    "GET /v2/health/ready": tells(({ settings }) => empty(settings.loading ? 400 : 200)),
    "GET /v2/models/stats": tells((context) => stats(context, repository(context.settings))),
    "GET /v2/models/:model/stats": tells((context) => forModel(context, (model) => stats(context, [model]))),
    "GET /v2/models/:model/ready": tells(({ call, settings }) =>
      empty(repository(settings).includes(call.params["model"] ?? "") ? 200 : 400),
    ),
    "GET /v2/models/:model": tells((context) => forModel(context, metadata)),
    "POST /v2/models/:model/generate": generates(tritonGenerate),
    "POST /v2/models/:model/versions/:version/generate": generates(tritonGenerate),
    "POST /v2/models/:model/generate_stream": generates(tritonGenerateStream),
    "POST /v2/models/:model/versions/:version/generate_stream": generates(tritonGenerateStream),
    "POST /v2/repository/index": tells(({ settings }) =>
      json(
        200,
        repository(settings).map((name) => ({ name, version: "1", state: "READY" })),
      ),
    ),
    "POST /v2/repository/models/:model/load": tells(() => empty(200)),
    "POST /v2/repository/models/:model/unload": tells(() => empty(200)),
    "GET /metrics": tells(({ load }) => text(200, "text/plain; charset=utf-8", tritonMetrics(load))),
  },
  admit: ({ call }, route) =>
    route?.generates && call.body === undefined
      ? fail(400, "failed to parse the request JSON buffer: Invalid value. at 0")
      : undefined,
  notFound: () => empty(404),
  wrongMethod: () => fail(405, "Method Not Allowed"),
  error: (status) => fail(status),
  // With `default_queue_policy.max_queue_size`; without it the queue has no end.
  overload: () => fail(503, "Exceeds maximum queue size"),
  loading: ({ call }) =>
    fail(400, `Request for unknown model: '${call.params["model"] ?? ""}' has no available versions`),
  loadingBlocks: "generating",
  saysAbort: false,
  mayUseCrlf: false,
};

function empty(status: number): Whole {
  return { type: "whole", status, headers: {}, body: "", tokens: 0 };
}

function forModel({ call, settings }: Context, tell: (model: string) => Whole): Whole {
  const model = call.params["model"] ?? "";
  return repository(settings).includes(model)
    ? tell(model)
    : fail(404, `Request for unknown model: '${model}' is not found`);
}

const metadata = (name: string): Whole =>
  json(200, { name, versions: ["1"], platform: "python", inputs: [], outputs: [] });

function stats({ nowMs, load }: Context, models: string[]): Whole {
  const duration = { count: load.finished, ns: 0 };
  return json(200, {
    model_stats: models.map((name) => ({
      name,
      version: "1",
      last_inference: load.finished > 0 ? nowMs : 0,
      inference_count: load.finished,
      execution_count: load.finished,
      inference_stats: { success: duration, fail: { count: 0, ns: 0 }, queue: duration },
      batch_stats: [],
    })),
  });
}
