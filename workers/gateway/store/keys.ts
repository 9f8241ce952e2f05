import { and, eq, isNull } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { Principal } from "../../../shared/auth/principal.ts";
import { apiKeys } from "./schema.ts";

/** Where keys are looked up. It throws when the store is out of reach, which must never look like an unknown key. */
export type KeyStore = { find(hash: string): Promise<Principal | undefined> };

/** D1, the truth about keys. */
export function d1KeyStore(database: D1Database): KeyStore {
  return {
    async find(hash) {
      // Made here and not outside: it costs more than everything else that authenticates a known key.
      const row = await drizzle(database)
        .select({
          keyId: apiKeys.id,
          workspaceId: apiKeys.workspaceId,
          role: apiKeys.role,
          expiresAtMs: apiKeys.expiresAtMs,
        })
        .from(apiKeys)
        .where(and(eq(apiKeys.hash, hash), isNull(apiKeys.revokedAtMs)))
        .get();
      return row && Principal.parse(row);
    },
  };
}

/** Seconds that KV may serve a key without asking D1; KV's shortest is 60. */
const KV_TTL_S = 60;

/**
 * KV in front of a slower store. Only found keys are written: a key that does not exist yet must work the moment it
 * does. KV itself failing costs time, not the answer.
 */
export function kvKeyStore(
  cache: KVNamespace,
  store: KeyStore,
  defer: (work: Promise<unknown>) => void,
): KeyStore {
  return {
    async find(hash) {
      const cached = Principal.safeParse(await cache.get(`key:${hash}`, "json").catch(() => null));
      if (cached.success) return cached.data;
      const found = await store.find(hash);
      if (found)
        defer(
          cache.put(`key:${hash}`, JSON.stringify(found), { expirationTtl: KV_TTL_S }).catch(() => undefined),
        );
      return found;
    },
  };
}
