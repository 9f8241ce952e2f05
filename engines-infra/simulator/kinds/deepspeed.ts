import { alphanumeric } from "../model/hash.ts";
import { deepspeedChat } from "./deepspeed-chat.ts";
import { deepspeedCompletions } from "./deepspeed-completions.ts";
import { NOT_JSON, SILENCE, json, plain } from "./deepspeed-http.ts";
import { invalid } from "./deepspeed-openai.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import type { Reply } from "./reply.ts";

/** DeepSpeed-MII's OpenAI-style server, `python -m mii.entrypoints.openai_api_server`, as of 0.3.3. */
export const deepspeed: EngineKind = {
  id: "deepspeed",
  port: 8000,
  defaults: { continuesPrefill: false },
  headers: { server: "uvicorn" },
  headersLeave: "accepted",
  keepAliveMs: 300_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(deepspeedChat),
    "POST /v1/completions": generates(deepspeedCompletions),
    "GET /v1/models": tells(models),
    // It answers for as long as the process lives, whatever has become of the replicas.
    "GET /health": tells(() => json(200, { status: "ok" })),
  },
  admit({ call, settings }, route) {
    if (route?.generates && call.body === undefined) return invalid([NOT_JSON]);
    if (settings.apiKey === null || !call.path.startsWith("/v1/") || !route) return undefined;
    const [scheme = "", key] = (call.headers["authorization"] ?? "").split(" ");
    if (scheme.toLowerCase() === "bearer" && key === settings.apiKey) return undefined;
    const error = { message: "", type: "invalid_request_error", param: null, code: "invalid_api_key" };
    return json(401, { detail: { error } });
  },
  notFound: () => plain(404),
  wrongMethod: () => plain(405),
  error: (status) => (status === 400 ? invalid([]) : plain(status)),
  overload: () => SILENCE,
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
  // Nothing tells the replica that its client has left.
  survivesDisconnect: () => true,
};

function models({ settings, nowMs, serial }: Context): Reply {
  const created = Math.floor(nowMs / 1000);
  const permission = {
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
  };
  const id = settings.models[0] ?? "";
  const card = {
    id,
    object: "model",
    created,
    owned_by: "deepspeed-mii",
    root: id,
    parent: null,
    permission: [permission],
  };
  return json(200, { object: "list", data: [card] });
}
