import type { Route } from "../app.ts";
import { modelAction } from "./admin-actions.ts";
import * as audit from "./admin-audit.ts";
import * as engines from "./admin-engines.ts";
import * as models from "./admin-models.ts";
import { adminEvents, adminObject } from "./admin-objects.ts";
import { getRequest } from "./admin-requests.ts";

const ACTIONS = ["pull", "load", "unload", "sleep", "wake"] as const;

/** The operators' routes. What each accepts and gives is in `openapi-admin.ts`. */
export const ADMIN_ROUTES: readonly Route[] = [
  ["get", "/admin/engines", "engines:manage", engines.listEngines],
  ["post", "/admin/engines", "engines:manage", engines.createEngine],
  ["get", "/admin/engines/:id", "engines:manage", engines.getEngine],
  ["patch", "/admin/engines/:id", "engines:manage", engines.patchEngine],
  ["delete", "/admin/engines/:id", "engines:manage", engines.deleteEngine],
  ["post", "/admin/engines/:id/drain", "engines:manage", engines.drain],
  ["post", "/admin/engines/:id/resume", "engines:manage", engines.resume],
  ["get", "/admin/models", "engines:manage", models.listModels],
  ["post", "/admin/models", "engines:manage", models.createModel],
  ["get", "/admin/models/:id", "engines:manage", models.getModel],
  ["patch", "/admin/models/:id", "engines:manage", models.patchModel],
  ["delete", "/admin/models/:id", "engines:manage", models.deleteModel],
  ["get", "/admin/audit", "audit:read", audit.listAudit],
  ["get", "/admin/audit/export", "audit:read", audit.exportAudit],
  ["get", "/admin/audit/verify", "audit:read", audit.verifyAudit],
  ["get", "/admin/requests/:id", "engines:manage", getRequest],
  ["get", "/admin/events", "engines:manage", adminEvents],
  ["get", "/admin/objects/:class/:name", "engines:manage", adminObject],
  ["get", "/admin/objects/:class/:name/:rest{.+}", "engines:manage", adminObject],
  ["post", "/admin/objects/:class/:name/:rest{.+}", "engines:manage", adminObject],
  ...ACTIONS.map((action): Route => [
    "post",
    `/admin/models/:id/${action}`,
    "engines:manage",
    modelAction(action),
  ]),
];
