import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { llamaChat, llamaChatTokens, llamaTemplate } from "./llama-cpp-chat.ts";
import { llamaNative, llamaText } from "./llama-cpp-completions.ts";
import {
  llamaDetokenize,
  llamaEmbeddings,
  llamaNativeEmbeddings,
  llamaTokenize,
} from "./llama-cpp-embeddings.ts";
import { BUILD, fail, failure, json } from "./llama-cpp-http.ts";
import { llamaRerank } from "./llama-cpp-rerank.ts";
import { text } from "./reply.ts";
import type { Reply } from "./reply.ts";

const OPEN = /^\/(v1\/)?(health|models)$|^\/$/;

/** llama.cpp's llama-server in single-model mode, started with `--metrics --embeddings --reranking`, without a key unless told. */
export const llamaCpp: EngineKind = {
  id: "llama-cpp",
  port: 8080,
  defaults: { slots: 4, disconnectPollMs: 10 },
  headers: { server: "llama.cpp" },
  headersLeave: "accepted",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 100,
  routes: {
    "GET /health": tells(() => json(200, { status: "ok" })),
    "GET /v1/health": tells(() => json(200, { status: "ok" })),
    "GET /models": tells(models),
    "GET /v1/models": tells(models),
    "GET /props": tells(props),
    "GET /slots": tells(slots),
    "GET /metrics": tells(metrics),
    "GET /lora-adapters": tells(() => json(200, [])),
    "POST /chat/completions": generates(llamaChat),
    "POST /v1/chat/completions": generates(llamaChat),
    "POST /v1/chat/completions/input_tokens": tells(llamaChatTokens),
    "POST /v1/completions": generates(llamaText),
    "POST /completion": generates(llamaNative),
    "POST /completions": generates(llamaNative),
    "POST /v1/embeddings": generates(llamaEmbeddings),
    "POST /embedding": generates(llamaNativeEmbeddings),
    "POST /embeddings": generates(llamaNativeEmbeddings),
    "POST /rerank": generates(llamaRerank),
    "POST /reranking": generates(llamaRerank),
    "POST /v1/rerank": generates(llamaRerank),
    "POST /v1/reranking": generates(llamaRerank),
    "POST /apply-template": tells(llamaTemplate),
    "POST /tokenize": tells(llamaTokenize),
    "POST /detokenize": tells(llamaDetokenize),
    "DELETE /v1/stream": tells(stopStream),
  },
  admit({ call, settings }, route) {
    const key = call.headers["x-api-key"] ?? call.headers["authorization"]?.replace(/^Bearer /, "");
    if (settings.apiKey !== null && !OPEN.test(call.path) && key !== settings.apiKey)
      return fail(failure(401));
    if (!route || call.method !== "POST" || call.body !== undefined) return undefined;
    // Chat parsing is outside the handler that answers 400, so malformed JSON looks like the server's fault.
    const message =
      "[json.exception.parse_error.101] parse error at line 1, column 1: attempting to parse an empty input; check that your input string or stream contains the expected JSON";
    return fail(failure(500, message));
  },
  notFound: () => fail(failure(404)),
  // The HTTP library knows handlers by method and path, so a wrong method is an unknown path.
  wrongMethod: () => fail(failure(404)),
  error: (status) => fail(failure(status)),
  // Requests over the slot count wait without bound, their headers already sent.
  overload: () => ({ type: "silence", headers: STREAM_HEADERS }),
  loading: () => fail(failure(503, "Loading model")),
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
  survivesDisconnect: (call) => call.headers["x-conversation-id"] !== undefined,
};

const STREAM_HEADERS = { "content-type": "text/event-stream", "x-accel-buffering": "no" };

function models({ settings, nowMs }: Context): Reply {
  const id = settings.models[0] ?? "";
  const meta = {
    vocab_type: 2,
    n_vocab: 131_072,
    n_ctx: settings.contextTokens,
    n_ctx_train: 131_072,
    n_embd: 64,
    n_params: 134_515_008,
    size: 98_300_000,
  };
  const ollamaLike = {
    name: id,
    model: id,
    modified_at: "",
    size: "",
    digest: "",
    type: "model",
    description: "",
    tags: [""],
    capabilities: ["completion"],
    parameters: "",
    details: {
      parent_model: "",
      format: "gguf",
      family: "",
      families: [""],
      parameter_size: "",
      quantization_level: "",
    },
  };
  const card = { id, object: "model", created: Math.floor(nowMs / 1000), owned_by: "llamacpp", meta };
  return json(200, { models: [ollamaLike], object: "list", data: [card] });
}

function props({ settings }: Context): Reply {
  return json(200, {
    default_generation_settings: { params: {}, n_ctx: settings.contextTokens },
    total_slots: slotCount(settings.slots),
    model_alias: settings.models[0] ?? "",
    model_path: `/models/${settings.models[0] ?? ""}.gguf`,
    modalities: { vision: !settings.lacks.includes("vision"), audio: false },
    endpoint_slots: true,
    endpoint_props: false,
    endpoint_metrics: !settings.lacks.includes("metrics"),
    webui: true,
    chat_template: "{% for message in messages %}{{ message.content }}{% endfor %}",
    chat_template_caps: {
      supports_tools: !settings.lacks.includes("tools"),
      supports_tool_calls: !settings.lacks.includes("tools"),
    },
    bos_token: "<s>",
    eos_token: "</s>",
    build_info: BUILD,
    is_sleeping: false,
  });
}

function slots({ call, settings, load }: Context): Reply {
  const total = slotCount(settings.slots);
  if (call.query.get("fail_on_no_slot") && load.running >= total)
    return fail(failure(503, "no slot available"));
  const list = Array.from({ length: total }, (_, id) => ({
    id,
    n_ctx: settings.contextTokens,
    speculative: false,
    is_processing: id < load.running,
  }));
  return json(200, list);
}

function slotCount(slots: number): number {
  return Number.isFinite(slots) ? slots : 64;
}

function metrics({ settings, load }: Context): Reply {
  if (settings.lacks.includes("metrics")) {
    return fail(failure(501, "This server does not support metrics endpoint. Start it with `--metrics`"));
  }
  const counters: [name: string, help: string, value: number][] = [
    ["prompt_tokens_total", "Number of prompt tokens processed.", load.promptTokens],
    ["prompt_seconds_total", "Prompt process time", load.promptTokens / 500],
    ["tokens_predicted_total", "Number of generation tokens processed.", load.tokens],
    ["tokens_predicted_seconds_total", "Predict process time", load.tokens / 100],
    ["n_decode_total", "Total number of llama_decode() calls", load.tokens],
  ];
  const gauges: [name: string, help: string, value: number][] = [
    ["prompt_tokens_seconds", "Average prompt throughput in tokens/s.", load.promptTokens === 0 ? 0 : 500],
    ["predicted_tokens_seconds", "Average generation throughput in tokens/s.", load.tokens === 0 ? 0 : 100],
    ["requests_processing", "Number of requests processing.", load.running],
    ["requests_deferred", "Number of requests deferred.", load.waiting],
  ];
  const lines = [...counters.map(metric("counter")), ...gauges.map(metric("gauge"))];
  return text(200, "text/plain; version=0.0.4", lines.join(""), { "process-start-time-unix": "1754560800" });
}

function metric(type: string) {
  return ([name, help, value]: [string, string, number]) =>
    `# HELP llamacpp:${name} ${help}\n# TYPE llamacpp:${name} ${type}\nllamacpp:${name} ${value}\n`;
}

/** DELETE /v1/stream?conv_id= ends the generation that outlived its client. */
function stopStream({ call, cancel }: Context): Reply {
  const id = call.query.get("conv_id");
  const stopped = cancel((other) => id !== null && other.headers["x-conversation-id"] === id);
  return stopped > 0 ? json(200, { success: true }) : fail(failure(404, "stream not found"));
}
