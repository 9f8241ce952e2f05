import type { Route } from "../app.ts";
import * as keys from "./keys.ts";

/**
 * The routes of keys. What each accepts and gives is in `openapi-keys.ts`. Where a caller only has to be known, a key can
 * deal with itself, whatever it may else.
 */
export const KEY_ROUTES: readonly Route[] = [
  ["get", "/api/v1/keys", "keys:own", keys.listKeys],
  ["post", "/api/v1/keys", "keys:own", keys.createKey],
  ["get", "/api/v1/keys/:id", "known", keys.getKey],
  ["patch", "/api/v1/keys/:id", "keys:own", keys.updateKey],
  ["delete", "/api/v1/keys/:id", "known", keys.revokeKey],
  ["post", "/api/v1/keys/:id/rotate", "known", keys.rotateKey],
  ["post", "/api/v1/keys/:id/revoke", "known", keys.revokeKey],
];
