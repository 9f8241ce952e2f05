import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { ChatCompletion, ChatCompletionChunk, ChatRequest } from "../../shared/contracts/chat.ts";
import { Completion, CompletionRequest } from "../../shared/contracts/completions.ts";
import { EmbeddingList, EmbeddingRequest } from "../../shared/contracts/embeddings.ts";
import { Model, ModelList } from "../../shared/contracts/models.ts";
import { Reranking, RerankRequest } from "../../shared/contracts/rerank.ts";
import { ACCOUNT_OPERATIONS } from "./openapi-accounts.ts";
import { ADMIN_OPERATIONS } from "./openapi-admin.ts";
import { SHORT_OPERATIONS, underAi } from "./openapi-ai.ts";
import { failure, failures, json, keyed, post } from "./openapi-inference.ts";
import { USAGE_OPERATIONS } from "./openapi-usage.ts";
import { KEY_OPERATIONS } from "./openapi-keys.ts";
import { PLATFORM_OPERATIONS } from "./openapi-platforms.ts";

const TOO_OFTEN = failure("Keys that nobody has were sent too often from this address; see Retry-After.");

const get = (
  path: string,
  tag: string,
  summary: string,
  responses: Parameters<typeof createRoute>[0]["responses"],
  more: object = {},
) => createRoute({ method: "get", path, summary, tags: [tag], responses, ...more });

const text = (description: string, type = "text/plain") => ({
  200: { description, content: { [type]: { schema: z.string() } } },
});

/** OpenAI's API. */
const OPENAI = [
  post(
    "/v1/chat/completions",
    "Answer a conversation",
    "OpenAI's chat completions. Fields that are not named here go to the engine as they are.",
    ChatRequest,
    ChatCompletion,
    ChatCompletionChunk,
  ),
  post(
    "/v1/completions",
    "Continue a text",
    "OpenAI's legacy completions.",
    CompletionRequest,
    Completion,
    Completion,
  ),
  post(
    "/v1/embeddings",
    "Embed texts",
    "Vectors that are near to each other where the texts mean the same.",
    EmbeddingRequest,
    EmbeddingList,
  ),
  post(
    "/v1/rerank",
    "Rank documents",
    "How well each document fits a query, best first, in the form of Cohere's and Jina's rerank.",
    RerankRequest,
    Reranking,
  ),
  get(
    "/v1/models",
    "OpenAI API",
    "List the models",
    {
      200: { description: "The models that are served.", content: json(ModelList) },
      401: failures[401],
      403: failures[403],
      429: TOO_OFTEN,
      503: failures[503],
    },
    {
      security: keyed,
      description:
        "A request names its model by its id, its source, an alias, or what an engine calls it. `capability:chat` (or another capability of its registration) is the first model that can do that and is served, and `default` the first of all. The beginning of a name is none: the answer names those that begin so.",
    },
  ),
  get(
    "/v1/models/{id}",
    "OpenAI API",
    "Show a model",
    {
      200: { description: "The model.", content: json(Model) },
      401: failures[401],
      403: failures[403],
      404: failures[404],
      429: TOO_OFTEN,
      503: failures[503],
    },
    {
      security: keyed,
      request: {
        params: z.object({
          id: z.string().openapi({ description: "The model's id; slashes may stand as they are." }),
        }),
      },
    },
  ),
];

const ROUTES = [
  ...OPENAI,
  ...SHORT_OPERATIONS,
  ...OPENAI.map(underAi),
  ...USAGE_OPERATIONS,
  ...KEY_OPERATIONS,
  ...PLATFORM_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...ADMIN_OPERATIONS,
  get("/health", "Operation", "Whether the platform runs", {
    200: {
      description: "It runs. `degraded`: not all engines are there.",
      content: json(
        z.object({
          status: z.enum(["ok", "degraded"]),
          engines: z.object({ ready: z.int(), total: z.int() }),
        }),
      ),
    },
  }),
  get("/ready", "Operation", "Whether a request can be served now", {
    200: { description: "Yes.", content: json(Readiness()) },
    503: { description: "No; `checks` says why.", content: json(Readiness()) },
  }),
  get(
    "/metrics",
    "Operation",
    "Metrics as Prometheus text",
    {
      ...text("All isolates' numbers."),
      401: failures[401],
      403: failure("The key is not an operator's."),
      429: TOO_OFTEN,
    },
    { security: keyed },
  ),
  get("/openapi.json", "Operation", "This description", {
    200: { description: "OpenAPI 3.1.", content: json(z.object({})) },
  }),
  get("/docs", "Operation", "This description, to read", text("A page.", "text/html")),
];

function Readiness() {
  return z.object({ ready: z.boolean(), checks: z.object({ database: z.string(), engines: z.string() }) });
}

/** The OpenAPI 3.1 document, made from the same schemas that check the requests. */
export function createOpenApi(serverUrl: string) {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "`sk-eco-…`",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "People sign in by `POST /auth/login`, and send the `accessToken` that they get in the place of a key.",
  });
  for (const route of ROUTES) app.openAPIRegistry.registerPath(route);
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "eco-base",
      version: "0.1.0",
      description: "Your own OpenAI at the edge, on GPUs you own.",
    },
    servers: [{ url: serverUrl }],
  });
}
