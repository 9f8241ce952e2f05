import { alphanumeric } from "../model/hash.ts";
import { objectOf } from "../model/json.ts";
import type { Settings } from "../settings.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind, Handler, Route } from "./kind.ts";
import { lmdeployChat } from "./lmdeploy-chat.ts";
import { lmdeployCompletions } from "./lmdeploy-completions.ts";
import { STREAM_HEADERS, fail, failure, json, refused } from "./lmdeploy-http.ts";
import { lmdeployMetrics } from "./lmdeploy-metrics.ts";
import { text } from "./reply.ts";
import type { Reply } from "./reply.ts";

const OPEN = /^\/(health|docs|redoc|nodes)/;

/** The servers that have been put to sleep, by their settings. */
const asleep = new WeakSet<Settings>();

/** LMDeploy's `api_server` as of v0.16, with parsers for tools and reasoning and with a mode for log probabilities. */
export const lmdeploy: EngineKind = {
  id: "lmdeploy",
  port: 23_333,
  defaults: { slots: 128, lacks: ["embeddings", "rerank"] },
  headers: { server: "uvicorn" },
  headersLeave: "accepted",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": awake(lmdeployChat),
    "POST /v1/completions": awake(lmdeployCompletions),
    "POST /v1/embeddings": tells(() => refused("Unsupported by turbomind.")),
    "GET /v1/models": tells(models),
    "GET /health": tells(health),
    "GET /metrics": tells(metrics),
    "POST /sleep": tells(sleep),
    "POST /wakeup": tells(wake),
    "GET /is_sleeping": tells(({ settings }) => json(200, { is_sleeping: asleep.has(settings) })),
    "POST /abort_request": tells(() =>
      text(
        501,
        "text/plain; charset=utf-8",
        "This server does not support abort requests. Enable with --enable-abort-handling flag.",
      ),
    ),
    "GET /terminate": tells(() =>
      refused(
        "The server can not be terminated. Please add --allow-terminate-by-client when start the server.",
      ),
    ),
  },
  admit({ call, settings }, route) {
    const [scheme = "", key] = (call.headers["authorization"] ?? "").split(" ");
    const isKnown = scheme.toLowerCase() === "bearer" && key === settings.apiKey;
    if (settings.apiKey !== null && !OPEN.test(call.path) && !isKnown) return fail(failure(401));
    if (!route || call.method !== "POST") return undefined;
    if ((call.headers["content-type"] ?? "").toLowerCase().split(";")[0] !== "application/json")
      return refused("Unsupported Media Type: Only 'application/json' is allowed");
    // Sleep and wake-up need no body.
    return call.body === undefined && route.generates ? refused("0: JSON decode error") : undefined;
  },
  notFound: () => json(404, { detail: "Not Found" }),
  wrongMethod: () => json(405, { detail: "Method Not Allowed" }),
  error: (status) => fail(failure(status)),
  // What does not fit waits without a word, a stream with its headers sent.
  overload: ({ call }) =>
    objectOf(call.body)["stream"] === true
      ? { type: "silence", headers: STREAM_HEADERS }
      : { type: "silence" },
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: true,
  mayUseCrlf: false,
};

/** A route that a sleeping server refuses. */
function awake(handle: Handler): Route {
  return generates((context) => (asleep.has(context.settings) ? sleeping() : handle(context)));
}

const sleeping = (): Reply =>
  fail(
    failure(503, "Engine is sleeping; call POST /wakeup before inference (e.g. tags=weights&tags=kv_cache)."),
  );

/** A server that sleeps is well, by its status. */
function health({ settings }: Context): Reply {
  return asleep.has(settings)
    ? json(200, { status: "sleeping", message: "Engine is sleeping." })
    : json(200, { status: "healthy", message: "Engine is healthy." });
}

function sleep({ call, settings, cancel }: Context): Reply {
  const level = call.query.get("level") ?? "1";
  if (level !== "1" && level !== "2") return refused('The "level" query parameter must be 1 or 2.');
  asleep.add(settings);
  cancel(({ path }) => path.startsWith("/v1/"));
  return text(200, "", "");
}

function wake({ settings }: Context): Reply {
  asleep.delete(settings);
  return text(200, "", "");
}

function metrics({ settings, load }: Context): Reply {
  const body = lmdeployMetrics(settings.models[0] ?? "", load);
  return text(200, "text/plain; version=0.0.4; charset=utf-8", body);
}

/** The model and its adapters, alike. */
function models({ settings, nowMs, serial }: Context): Reply {
  const created = Math.floor(nowMs / 1000);
  const data = settings.models.map((id, at) => ({
    id,
    object: "model",
    created,
    owned_by: "lmdeploy",
    root: id,
    parent: null,
    permission: [permission(serial * 31 + at, created)],
  }));
  return json(200, { object: "list", data });
}

const permission = (serial: number, created: number) => ({
  id: `modelperm-${alphanumeric(serial, 22)}`,
  object: "model_permission",
  created,
  allow_create_engine: false,
  allow_sampling: true,
  allow_logprobs: true,
  allow_search_indices: true,
  allow_view: true,
  allow_fine_tuning: false,
  organization: "*",
  group: null,
  is_blocking: false,
});
