import { objectOf, textOf } from "../model/json.ts";
import { generates, tells } from "./kind.ts";
import type { Call, Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { sglangChat } from "./sglang-chat.ts";
import { sglangCompletions } from "./sglang-completions.ts";
import { sglangEmbeddings, sglangRerank } from "./sglang-embeddings.ts";
import { fail, failure, json, overload, ridsOf, validation } from "./sglang-http.ts";
import { sglangInfo, sglangLoads, sglangMetrics } from "./sglang-metrics.ts";

const OPEN = /^\/(health|metrics)/;

/** How often a request that is not streamed looks whether its client is still there. */
const POLL_MS = 4_000;

/**
 * SGLang's `launch_server` as of v0.5.18, with `--enable-lora` and parsers for tools and reasoning. It also embeds and
 * ranks, as a real one does only with `--is-embedding`; `metrics` is lacking unless told.
 */
export const sglang: EngineKind = {
  id: "sglang",
  port: 30_000,
  defaults: {
    slots: 256,
    lacks: ["dimensions", "metrics"],
    continuesPrefill: false,
    disconnectPollMs: POLL_MS,
  },
  headers: { server: "uvicorn" },
  headersLeave: "first-token",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(sglangChat),
    "POST /v1/completions": generates(sglangCompletions),
    "POST /v1/embeddings": generates(sglangEmbeddings),
    "POST /v1/rerank": generates(sglangRerank),
    "GET /v1/models": tells(models),
    "GET /v1/models/:model*": tells(model),
    // A token is generated for each look at it.
    "GET /health": generates(() => ({ ...empty(), tokens: 1 })),
    "GET /health_generate": generates(() => ({ ...empty(), tokens: 1 })),
    "GET /ping": tells(empty),
    "GET /metrics": tells(metrics),
    "GET /v1/loads": tells((context) => json(200, sglangLoads(context))),
    "GET /server_info": tells((context) => json(200, sglangInfo(context))),
    "POST /abort_request": tells(abort),
    "POST /load_lora_adapter": tells(loadAdapter),
    "POST /unload_lora_adapter": tells(unloadAdapter),
    "POST /release_memory_occupation": tells(empty),
    "POST /resume_memory_occupation": tells(empty),
  },
  admit({ call, settings }, route) {
    const key = call.headers["authorization"];
    if (settings.apiKey !== null && !OPEN.test(call.path) && key !== `Bearer ${settings.apiKey}`)
      return fail(failure(401));
    if (!route || call.method !== "POST") return undefined;
    if (!/^application\/json\b/i.test(call.headers["content-type"] ?? "")) {
      const message = "Value error, Unsupported Media Type: Only 'application/json' is allowed";
      return validation("", "value_error", message);
    }
    return call.body === undefined ? validation("", "json_invalid", "JSON decode error") : undefined;
  },
  notFound: () => json(404, { detail: "Not Found" }),
  wrongMethod: () => json(405, { detail: "Method Not Allowed" }),
  error: (status) => fail(failure(status)),
  overload,
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: true,
  mayUseCrlf: false,
  // The task that would notice often does not run: a stream goes on to its end.
  survivesDisconnect: ({ body }) => objectOf(body)["stream"] === true,
};

function empty() {
  return { type: "whole", status: 200, headers: {}, body: "", tokens: 0 } as const;
}

function metrics(context: Context): Reply {
  if (context.settings.lacks.includes("metrics")) return json(404, { detail: "Not Found" });
  return text(200, "text/plain; version=0.0.4; charset=utf-8", sglangMetrics(context));
}

/** The first model is the one that is served; those beside it are its adapters. */
function cardOf({ settings, nowMs }: Context, id: string) {
  const [base = ""] = settings.models;
  const isBase = id === base;
  return {
    id,
    object: "model",
    created: Math.floor(nowMs / 1000),
    owned_by: "sglang",
    root: isBase ? id : `/adapters/${id}`,
    parent: isBase ? null : base,
    max_model_len: isBase ? settings.contextTokens : null,
  };
}

function models(context: Context): Reply {
  const data = context.settings.models.map((id) => cardOf(context, id));
  return json(200, { object: "list", data });
}

function model(context: Context): Reply {
  const id = context.call.params["model"] ?? "";
  if (id === context.settings.models[0]) return json(200, cardOf(context, id));
  const message = `The model '${id}' does not exist`;
  return json(404, {
    error: { message, type: "invalid_request_error", param: "model", code: "model_not_found" },
  });
}

/**
 * Ends the requests whose id begins with the one given. Nothing is known any longer of a request whose client has left:
 * the call says 200 and does nothing.
 */
function abort({ call, cancel }: Context): Reply {
  const { rid, abort_all: all } = objectOf(call.body);
  const prefix = textOf(rid);
  const isMeant = (body: Call["body"]): boolean =>
    all === true || ridsOf(objectOf(body)).some((each) => prefix !== undefined && each.startsWith(prefix));
  cancel(({ path, body, clientLeft }) => path !== call.path && !clientLeft && isMeant(body));
  return empty();
}

function loadAdapter({ call, settings }: Context): Reply {
  const { lora_name: name, lora_path: path } = objectOf(call.body);
  if (typeof name !== "string" || typeof path !== "string")
    return validation("lora_name", "missing", "Field required");
  settings.models = [...settings.models, name];
  return json(200, { success: true, error_message: "", loaded_adapters: { [name]: path } });
}

function unloadAdapter({ call, settings }: Context): Reply {
  const name = textOf(objectOf(call.body)["lora_name"]);
  const [base = "", ...adapters] = settings.models;
  if (name === undefined || !adapters.includes(name))
    return json(400, {
      success: false,
      error_message: `LoRA adapter ${name} is not loaded`,
      loaded_adapters: {},
    });
  settings.models = [base, ...adapters.filter((each) => each !== name)];
  return json(200, { success: true, error_message: "", loaded_adapters: {} });
}
