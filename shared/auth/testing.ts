import { Principal } from "./principal.ts";

/** A principal for tests: a developer's key, unless told. */
export const testPrincipal = (more: Readonly<Record<string, unknown>> = {}): Principal =>
  Principal.parse({
    kind: "key",
    id: `key_${"a".repeat(20)}`,
    workspaceId: `ws_${"a".repeat(20)}`,
    operator: false,
    role: "developer",
    scopes: null,
    models: null,
    origins: null,
    ips: null,
    limits: null,
    workspaceLimits: null,
    priority: null,
    version: 1,
    expiresAtMs: null,
    ...more,
  });
