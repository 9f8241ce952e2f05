import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { throttleNameOf, throttled } from "./accounts/throttled.ts";
import type { AppEnv } from "./app-env.ts";
import { failureResponse } from "./http/failure-response.ts";
import { preflightResponse } from "./http/preflight.ts";
import { type Access, type Handler, guard } from "./middleware/guard.ts";
import type { Defer, Ports } from "./ports.ts";
import { ACCOUNT_ROUTES } from "./routes/accounts.ts";
import { ADMIN_ROUTES } from "./routes/admin.ts";
import { AI_ROUTES } from "./routes/ai.ts";
import { KEY_ROUTES } from "./routes/keys-routes.ts";
import * as inference from "./routes/inference.ts";
import * as models from "./routes/models.ts";
import { PLATFORM_ROUTES } from "./routes/platforms.ts";
import * as reference from "./routes/reference.ts";
import * as status from "./routes/status.ts";
import * as usage from "./routes/usage.ts";
import { Run } from "./run.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** Method, path, what it asks of its caller, and what answers it. */
export type Route = readonly [method: Method, path: string, access: Access, handler: Handler];

/**
 * Every route there is. What each accepts and gives is in `openapi.ts`. A route has one handler and no middleware: Hono
 * then calls it without composing a chain, which would cost more than the rest of routing.
 */
export const ROUTES: readonly Route[] = [
  ["post", "/v1/chat/completions", "inference", inference.chatCompletions],
  ["post", "/v1/completions", "inference", inference.completions],
  ["post", "/v1/embeddings", "inference", inference.embeddings],
  ["post", "/v1/rerank", "inference", inference.rerank],
  ["get", "/v1/models", "models:read", models.listModels],
  ["get", "/v1/models/:id{.+}", "models:read", models.getModel],
  ...AI_ROUTES,
  ["get", "/api/v1/usage", "usage:read", usage.ownUsage],
  ["get", "/admin/usage", "usage:any", usage.allUsage],
  ...KEY_ROUTES,
  ...PLATFORM_ROUTES,
  ...ACCOUNT_ROUTES,
  ...ADMIN_ROUTES,
  ["get", "/health", "public", status.health],
  ["get", "/ready", "public", status.ready],
  ["get", "/metrics", "metrics:read", status.metrics],
  ["get", "/openapi.json", "public", reference.openapiJson],
  ["get", "/docs", "public", reference.docs],
];

/** Answers one request; work that goes on behind the answer is handed to `defer`. */
export type App = (request: Request, defer: Defer) => Promise<Response>;

/** The HTTP app: routes, the run around each request, and nothing else. */
export function createApp(ports: Ports): App {
  const app = new OpenAPIHono<AppEnv>();
  for (const route of ROUTES) app[route[0]](route[1], guarded(route));
  // Without a key the API tells nobody what it has and what it has not.
  const lost: Handler = async (c) => failureResponse(c.env.run, wrongAddress(c));
  const lostInApi = guard("models:read", lost);
  const lostInAdmin = guard("engines:manage", lost);
  app.notFound((c) => {
    const preflight = preflightResponse(c.env.run, methodsOf(c.req.path));
    if (preflight) return preflight;
    if (/^\/(api\/)?v1\//.test(c.req.path)) return lostInApi(c);
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
    if (!run.isStreaming) {
      if (run.admission) await run.settle();
      run.finish(response.status);
    }
    return response;
  };
}

/** What anybody may send something to is throttled by address, and all else is for those who may. */
function guarded([method, path, access, handler]: Route): Handler {
  if (access === "public" && method !== "get") return throttled(throttleNameOf(path), handler);
  return guard(access, handler);
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
  const allow = methodsOf(path);
  if (allow.length === 0) return { kind: "route_not_found", method, path } as const;
  return { kind: "method_not_allowed", method, allow } as const;
}

/** The methods that a path has; none where there is no such path. */
function methodsOf(path: string): readonly string[] {
  const methods = PATTERNS.filter(({ pattern }) => pattern.test(path)).map((route) => route.method);
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}
