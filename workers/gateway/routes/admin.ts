import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { modelAction } from "./admin-actions.ts";
import * as engines from "./admin-engines.ts";
import * as models from "./admin-models.ts";
import { adminEvents, adminObject } from "./admin-objects.ts";
import { getRequest } from "./admin-requests.ts";

type Route = readonly [
  method: "get" | "post" | "patch" | "delete",
  path: string,
  handler: (c: Context<AppEnv>) => Promise<Response>,
];

const ACTIONS = ["pull", "load", "unload", "sleep", "wake"] as const;

/** The operators' routes. What each accepts and gives is in `openapi-admin.ts`. */
export const ADMIN_ROUTES: readonly Route[] = [
  ["get", "/admin/engines", engines.listEngines],
  ["post", "/admin/engines", engines.createEngine],
  ["get", "/admin/engines/:id", engines.getEngine],
  ["patch", "/admin/engines/:id", engines.patchEngine],
  ["delete", "/admin/engines/:id", engines.deleteEngine],
  ["post", "/admin/engines/:id/drain", engines.drain],
  ["post", "/admin/engines/:id/resume", engines.resume],
  ["get", "/admin/models", models.listModels],
  ["post", "/admin/models", models.createModel],
  ["get", "/admin/models/:id", models.getModel],
  ["patch", "/admin/models/:id", models.patchModel],
  ["delete", "/admin/models/:id", models.deleteModel],
  ["get", "/admin/requests/:id", getRequest],
  ["get", "/admin/events", adminEvents],
  ["get", "/admin/objects/:class/:name", adminObject],
  ["get", "/admin/objects/:class/:name/:rest{.+}", adminObject],
  ["post", "/admin/objects/:class/:name/:rest{.+}", adminObject],
  ...ACTIONS.map((action): Route => ["post", `/admin/models/:id/${action}`, modelAction(action)]),
];
