import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";
import { failureResponse } from "./http/failure-response.ts";
import { requireKey } from "./middleware/require-key.ts";
import { openRun } from "./middleware/open-run.ts";
import type { Ports } from "./ports.ts";
import * as inference from "./routes/inference.ts";
import * as models from "./routes/models.ts";
import * as reference from "./routes/reference.ts";
import * as status from "./routes/status.ts";

type Handler = (c: Context<AppEnv>) => Promise<Response>;
/** One route: method, path, handler. What the public ones accept and give is in `openapi.ts`. */
type Route = readonly ["get" | "post", string, Handler];

const OPEN: readonly Route[] = [
  ["get", "/health", status.health],
  ["get", "/ready", status.ready],
  ["get", "/metrics", status.metrics],
  ["get", "/openapi.json", reference.openapiJson],
  ["get", "/docs", reference.docs],
];

const KEYED: readonly Route[] = [
  ["post", "/v1/chat/completions", inference.chatCompletions],
  ["post", "/v1/completions", inference.completions],
  ["post", "/v1/embeddings", inference.embeddings],
  ["get", "/v1/models", models.listModels],
  ["get", "/v1/models/:id{.+}", models.getModel],
];

/** The HTTP app: the order of middleware and routes, and nothing else. */
export function createApp(ports: Ports): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>();
  app.use(openRun(ports));
  app.use("/v1/*", requireKey);
  for (const [method, path, handler] of [...OPEN, ...KEYED]) app[method](path, handler);
  app.notFound((c) => failureResponse(c.var.run, wrongAddress(c)));
  app.onError((error, c) => {
    ports.log({ level: "error", request: c.var.run.id, message: error.message, stack: error.stack });
    return failureResponse(c.var.run, { kind: "internal" });
  });
  return app;
}

const PATTERNS = [...OPEN, ...KEYED].map(([method, path]) => ({
  method,
  pattern: new RegExp(`^${path.replace(/:\w+\{(.+?)\}/, "$1")}$`),
}));

/** A known path with another method is 405 with what is allowed; all else is 404. */
function wrongAddress(c: Context<AppEnv>) {
  const { method, path } = c.req;
  const allow = PATTERNS.filter(({ pattern }) => pattern.test(path)).map((route) =>
    route.method.toUpperCase(),
  );
  if (allow.length === 0) return { kind: "route_not_found", method, path } as const;
  return {
    kind: "method_not_allowed",
    method,
    allow: allow.includes("GET") ? [...allow, "HEAD"] : allow,
  } as const;
}
