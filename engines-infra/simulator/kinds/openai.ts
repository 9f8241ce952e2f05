import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiCompletions } from "./openai-completions.ts";
import { openaiEmbeddings } from "./openai-embeddings.ts";
import { fail, invalid, pretty, usual } from "./openai-http.ts";
import { openaiRerank } from "./openai-rerank.ts";
import type { Reply } from "./reply.ts";

/**
 * Any server that follows OpenAI's reference, as api.openai.com itself, LM Studio and hosted services do: whole bodies
 * are pretty-printed, errors name a `code` in words. It continues a closing assistant message as most self-hosted
 * servers do; `continuesPrefill: false` makes it start a new turn as api.openai.com does.
 */
export const openai: EngineKind = {
  id: "openai",
  port: 1234,
  defaults: {},
  headers: {},
  headersLeave: "accepted",
  keepAliveMs: 5_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /v1/chat/completions": generates(openaiChat),
    "POST /v1/completions": generates(openaiCompletions),
    "POST /v1/embeddings": generates(openaiEmbeddings),
    "POST /v1/rerank": generates(openaiRerank),
    "GET /v1/models": tells((context) =>
      pretty(200, { object: "list", data: context.settings.models.map(card(context)) }),
    ),
    "GET /v1/models/:model*": tells(model),
  },
  admit({ call, settings }, route) {
    const key = call.headers["authorization"];
    if (settings.apiKey !== null && key !== `Bearer ${settings.apiKey}`) {
      if (key === undefined) return fail({ ...usual(401), message: NO_KEY, code: null });
      return fail({
        ...usual(401),
        message: `Incorrect API key provided: ${masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
      });
    }
    if (!route || call.method !== "POST" || call.body !== undefined) return undefined;
    return invalid(
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
      null,
      null,
    );
  },
  notFound: ({ call }) =>
    fail({ ...usual(404), message: `Invalid URL (${call.method} ${call.path})`, code: null }),
  wrongMethod: ({ call }) =>
    fail({ ...usual(405), message: `Not allowed to ${call.method} on ${call.path}.` }),
  error: (status) => fail(usual(status)),
  overload: () => fail(usual(429), { "retry-after": "1" }),
  loading: () =>
    fail({
      ...usual(503),
      message: "The model is currently loading, please try again later.",
      code: "model_loading",
    }),
  loadingBlocks: "generating",
  saysAbort: false,
  mayUseCrlf: true,
};

const NO_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";

function masked(authorization: string): string {
  const key = authorization.replace(/^Bearer /, "");
  return key.length > 12 ? `${key.slice(0, 8)}${"*".repeat(key.length - 12)}${key.slice(-4)}` : key;
}

function card({ nowMs }: Context) {
  return (id: string) => ({
    id,
    object: "model",
    created: Math.floor(nowMs / 1000),
    owned_by: "organization_owner",
  });
}

function model(context: Context): Reply {
  const id = context.call.params["model"] ?? "";
  if (context.settings.models.includes(id)) return pretty(200, card(context)(id));
  return fail({
    ...usual(404),
    message: `The model '${id}' does not exist`,
    param: "model",
    code: "model_not_found",
  });
}
