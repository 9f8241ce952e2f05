import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";
import { failureResponse } from "./http/failure-response.ts";
import { withAdmin } from "./middleware/with-admin.ts";
import { withKey } from "./middleware/with-key.ts";
import type { Defer, Ports } from "./ports.ts";
import { ADMIN_ROUTES } from "./routes/admin.ts";
import * as inference from "./routes/inference.ts";
import * as models from "./routes/models.ts";
import * as reference from "./routes/reference.ts";
import * as status from "./routes/status.ts";
import { Run } from "./run.ts";

type Handler = (c: Context<AppEnv>) => Promise<Response>;

type Method = "get" | "post" | "patch" | "delete";

/**
 * Method, path, handler. What each accepts and gives is in `openapi.ts`. A route has one handler and no middleware:
 * Hono then calls it without composing a chain, which would cost more than the rest of routing.
 */
export const ROUTES: readonly (readonly [Method, string, Handler])[] = [
  ["post", "/v1/chat/completions", withKey(inference.chatCompletions)],
  ["post", "/v1/completions", withKey(inference.completions)],
  ["post", "/v1/embeddings", withKey(inference.embeddings)],
  ["post", "/v1/rerank", withKey(inference.rerank)],
  ["get", "/v1/models", withKey(models.listModels)],
  ["get", "/v1/models/:id{.+}", withKey(models.getModel)],
  ...ADMIN_ROUTES.map(([method, path, handler]) => [method, path, withAdmin(handler)] as const),
  ["get", "/health", status.health],
  ["get", "/ready", status.ready],
  ["get", "/metrics", status.metrics],
  ["get", "/openapi.json", reference.openapiJson],
  ["get", "/docs", reference.docs],
];

/** Answers one request; work that goes on behind the answer is handed to `defer`. */
export type App = (request: Request, defer: Defer) => Promise<Response>;

/** The HTTP app: routes, the run around each request, and nothing else. */
export function createApp(ports: Ports): App {
  const app = new OpenAPIHono<AppEnv>();
  for (const [method, path, handler] of ROUTES) app[method](path, handler);
  // Without a key the API tells nobody what it has and what it has not.
  const lost: Handler = async (c) => failureResponse(c.env.run, wrongAddress(c));
  const lostInApi = withKey(lost);
  const lostInAdmin = withAdmin(lost);
  app.notFound((c) => {
    if (c.req.path.startsWith("/v1/")) return lostInApi(c);
    return c.req.path.startsWith("/admin/") ? lostInAdmin(c) : lost(c);
  });
  app.onError((error, c) => {
    c.env.run.fail(error);
    return failureResponse(c.env.run, { kind: "internal" });
  });
  // An address that is none (`OPTIONS *`) fails before there is a route to fail.
  const answerTo = async (request: Request, run: Run): Promise<Response> => {
    try {
      return await app.fetch(request, { run });
    } catch (error) {
      run.fail(error);
      return failureResponse(run, { kind: "internal" });
    }
  };
  return async (request, defer) => {
    const run = new Run(ports, defer, request);
    const response = await answerTo(request, run);
    // A stream's run ends with its last byte.
    if (!run.isStreaming) run.finish(response.status);
    return response;
  };
}

const PATTERNS = ROUTES.map(([method, path]) => ({
  method: method.toUpperCase(),
  pattern: new RegExp(
    `^${path.replaceAll(/:\w+(?:\{(.+?)\})?|\./g, (part, inner?: string) => inner ?? (part === "." ? "\\." : "[^/]+"))}$`,
  ),
}));

/** A known path with another method is 405 with what is allowed; all else is 404. */
function wrongAddress(c: Context<AppEnv>) {
  const { method, path } = c.req;
  const allow = PATTERNS.filter(({ pattern }) => pattern.test(path)).map((route) => route.method);
  if (allow.length === 0) return { kind: "route_not_found", method, path } as const;
  return {
    kind: "method_not_allowed",
    method,
    allow: allow.includes("GET") ? [...allow, "HEAD"] : allow,
  } as const;
}
