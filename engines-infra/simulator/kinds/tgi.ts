import { readConversation } from "../model/conversation.ts";
import { objectOf } from "../model/json.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import { tgiChat } from "./tgi-chat.ts";
import { tgiCompletions } from "./tgi-completions.ts";
import { tgiCompat, tgiGenerate, tgiGenerateStream, tgiTokenize } from "./tgi-generate.ts";
import { VERSION, empty, fail, failed, json, plain, usual } from "./tgi-http.ts";
import { tgiMetrics } from "./tgi-metrics.ts";

const SLOTS = 128;

/** Hugging Face's Text Generation Inference, as of v3.3.7: its native routes, and the OpenAI-style ones beside them. */
export const tgi: EngineKind = {
  id: "tgi",
  port: 80,
  defaults: { slots: SLOTS },
  headers: {
    "access-control-allow-origin": "*",
    vary: "origin, access-control-request-method, access-control-request-headers",
  },
  headersLeave: "accepted",
  keepAliveMs: 0,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(tgiChat),
    "POST /v1/completions": generates(tgiCompletions),
    "POST /generate": generates(tgiGenerate),
    "POST /generate_stream": generates(tgiGenerateStream),
    "POST /": generates(tgiCompat),
    "POST /tokenize": tells(tgiTokenize),
    "POST /chat_tokenize": tells(chatTokenize),
    "GET /": tells(() => empty(200)),
    "GET /health": tells(() => empty(200)),
    "GET /ping": tells(() => empty(200)),
    "GET /info": tells(info),
    "GET /v1/models": tells(models),
    "GET /metrics": tells(({ load }) => text(200, "text/plain; charset=utf-8", tgiMetrics(load))),
  },
  admit({ call, settings }, route) {
    if (!route || call.method !== "POST") return undefined;
    const key = call.headers["authorization"]?.toLowerCase();
    const guarded = settings.apiKey !== null && call.path !== "/chat_tokenize";
    if (guarded && key !== `bearer ${settings.apiKey}`.toLowerCase()) return empty(401);
    if (!/^application\/([\w.-]+\+)?json\b/i.test(call.headers["content-type"] ?? ""))
      return plain(415, "Expected request with `Content-Type: application/json`");
    return call.body === undefined
      ? plain(400, "Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1")
      : undefined;
  },
  notFound: () => empty(404),
  wrongMethod: () => empty(405),
  error(status) {
    if (status === 401 || status === 404 || status === 405) return empty(status);
    if (status === 400 || status === 413 || status === 415)
      return plain(
        status,
        "Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1",
      );
    return fail({ ...usual(status), status });
  },
  overload({ call }) {
    const native = call.path === "/generate_stream";
    const streamed = native || objectOf(call.body)["stream"] === true;
    return failed(usual(429), native || call.path === "/" ? "native" : "openai", streamed);
  },
  // The router binds its port only when the shards have loaded.
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
};

function info({ settings }: Context) {
  return json(200, {
    model_id: settings.models[0] ?? "",
    model_sha: "e985a63cdc139290c5f700ff1929f0b5942cced2",
    model_pipeline_tag: "text-generation",
    max_concurrent_requests: SLOTS,
    max_best_of: 2,
    max_stop_sequences: 4,
    max_input_tokens: settings.contextTokens - 1,
    max_total_tokens: settings.contextTokens,
    validation_workers: 2,
    max_client_batch_size: 4,
    router: "text-generation-router",
    version: VERSION,
    sha: "db931fcf",
    docker_label: null,
  });
}

/** The one model, without a time; its LoRA adapters are not listed. */
function models({ settings }: Context) {
  const id = settings.models[0] ?? "";
  return json(200, { object: "list", data: [{ id, object: "model", created: 0, owned_by: id }] });
}

/** POST /chat_tokenize, for which no key is needed. */
function chatTokenize({ call }: Context) {
  const { lastUserText } = readConversation(objectOf(call.body)["messages"]);
  const tokenize_response = [{ id: 0, text: lastUserText, start: 0, stop: lastUserText.length }];
  return json(200, { tokenize_response, templated_text: lastUserText });
}
