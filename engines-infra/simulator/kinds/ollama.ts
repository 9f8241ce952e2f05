import { EMBEDDING_DIMENSIONS } from "../model/embedding.ts";
import { hash32, hexDigits } from "../model/hash.ts";
import { objectOf, textOf } from "../model/json.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { ollamaChat, ollamaGenerate } from "./ollama-native.ts";
import { ollamaEmbed, ollamaEmbeddings, ollamaOpenAiEmbeddings } from "./ollama-embeddings.ts";
import { canonical, fail, goJson, json, knownModel, stamp } from "./ollama-http.ts";
import { hostAllowed, originAllowed } from "./ollama-hosts.ts";
import { ollamaOpenAiChat } from "./ollama-openai.ts";
import { ollamaOpenAiCompletions } from "./ollama-openai-completions.ts";
import { text } from "./reply.ts";
import type { Reply } from "./reply.ts";

const VERSION = "0.33.0-rc2";

/** Ollama on loopback: the native `/api` and the OpenAI layer under `/v1`. It has no keys: Authorization is ignored. */
export const ollama: EngineKind = {
  id: "ollama",
  port: 11_434,
  defaults: { slots: 1 },
  headers: {},
  headersLeave: "first-token",
  keepAliveMs: 0,
  requestsPerConnectionMax: 0,
  routes: {
    "GET|HEAD /": tells(() => text(200, "text/plain; charset=utf-8", "Ollama is running")),
    "GET|HEAD /api/version": tells(() => json(200, { version: VERSION })),
    "GET|HEAD /api/tags": tells(tags),
    "GET /api/ps": tells(ps),
    "POST /api/show": tells(show),
    "POST /api/chat": generates(ollamaChat),
    "POST /api/generate": generates(ollamaGenerate),
    "POST /api/embed": generates(ollamaEmbed),
    "POST /api/embeddings": generates(ollamaEmbeddings),
    "POST /v1/chat/completions": generates(ollamaOpenAiChat),
    "POST /v1/completions": generates(ollamaOpenAiCompletions),
    "POST /v1/embeddings": generates(ollamaOpenAiEmbeddings),
    "GET /v1/models": tells(models),
    "GET /v1/models/:model*": tells(model),
  },
  admit(context, route) {
    const { call } = context;
    const { host = "", origin } = call.headers;
    const empty = { type: "whole", status: 403, headers: {}, body: "", tokens: 0 } as const;
    if (!hostAllowed(host)) return empty;
    if (origin !== undefined && !originAllowed(origin, host)) return empty;
    if (!route || call.method !== "POST" || call.body !== undefined) return undefined;
    return fail(context, 400, "invalid character 'o' in literal null (expecting 'u')");
  },
  notFound: () => text(404, "text/plain", "404 page not found"),
  wrongMethod: () => text(405, "text/plain", "405 method not allowed"),
  error: (status, context) =>
    fail(context, status, USUAL[status] ?? "llama runner process has terminated: exit status 2"),
  overload: (context) =>
    fail(context, 503, "server busy, please try again.  maximum pending requests exceeded"),
  // The request that finds its model not loaded waits for it without a byte.
  loading: ({ directives }) => ({
    type: "later",
    ms: typeof directives.loading === "number" ? directives.loading : undefined,
  }),
  loadingBlocks: "generating",
  saysAbort: false,
  mayUseCrlf: false,
  takesZstd: true,
};

const USUAL: Record<number, string> = {
  400: "model is required",
  401: "unauthorized",
  404: "model 'unknown' not found",
  429: "you've reached your hourly usage limit, please upgrade to continue",
  499: "request canceled",
  502: 'Post "https://ollama.com:443/api/chat": EOF',
  503: "server busy, please try again.  maximum pending requests exceeded",
};

const DETAILS = {
  parent_model: "",
  format: "gguf",
  family: "llama",
  families: ["llama"],
  parameter_size: "134.52M",
  quantization_level: "Q4_K_M",
};
const SIZE_BYTES = 98_300_000;

function card(name: string, { settings }: Context) {
  const full = canonical(name);
  return {
    name: full,
    model: full,
    size: SIZE_BYTES,
    digest: hexDigits(hash32(settings.weights + full), 64),
    details: DETAILS,
  };
}

function capabilities({ settings }: Context): string[] {
  const { lacks } = settings;
  const has = (name: string, feature: (typeof lacks)[number]) => (lacks.includes(feature) ? [] : [name]);
  return [
    ...has("completion", "chat"),
    ...has("tools", "tools"),
    ...has("vision", "vision"),
    ...has("thinking", "thinking"),
  ];
}

function tags(context: Context): Reply {
  const list = context.settings.models.map((name) => {
    const { name: full, model: same, ...rest } = card(name, context);
    return {
      name: full,
      model: same,
      modified_at: stamp(context.nowMs),
      ...rest,
      capabilities: capabilities(context),
    };
  });
  return json(200, { models: list });
}

function ps(context: Context): Reply {
  const loaded = context.settings.loading ? [] : context.settings.models;
  const list = loaded.map((name) => ({
    ...card(name, context),
    expires_at: stamp(context.nowMs + 300_000),
    size_vram: SIZE_BYTES,
    context_length: context.settings.contextTokens,
  }));
  return json(200, { models: list });
}

function show(context: Context): Reply {
  const body = objectOf(context.call.body);
  const name = textOf(body["model"]) ?? textOf(body["name"]) ?? "";
  if (name === "") return fail(context, 400, "model is required");
  if (!knownModel(context, name)) return fail(context, 404, `model '${name}' not found`);
  return json(200, {
    license: "Apache-2.0",
    modelfile: `FROM ${canonical(name)}`,
    parameters: "",
    template: "{{ .Prompt }}",
    details: DETAILS,
    model_info: {
      "general.architecture": "llama",
      "llama.context_length": context.settings.contextTokens,
      "llama.embedding_length": EMBEDDING_DIMENSIONS,
    },
    capabilities: capabilities(context),
    modified_at: stamp(context.nowMs),
  });
}

function modelCard(name: string, { nowMs }: Context) {
  return { id: name, object: "model", created: Math.floor(nowMs / 1000), owned_by: "library" };
}

function models(context: Context): Reply {
  const data = context.settings.models.map((name) => modelCard(canonical(name), context));
  return text(200, "application/json", goJson({ object: "list", data }));
}

function model(context: Context): Reply {
  const name = context.call.params["model"] ?? "";
  if (!knownModel(context, name)) return fail(context, 404, `model '${name}' not found`);
  return text(200, "application/json", goJson(modelCard(name, context)));
}
