import { and, eq, inArray, isNull } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { Principal } from "../../../shared/auth/principal.ts";
import type { Defer } from "../defer.ts";
import { apiKeys, keySecrets, workspaces } from "./schema.ts";

/** How a key is looked up. */
export type Lookup = {
  /** Past every cache, for what is known may be old. */
  readonly fresh?: boolean;
  /** What the key was stored as with the pepper of before, where there is one. */
  readonly previousHash?: string | undefined;
};

/** Where keys are looked up. It throws when the store is out of reach, which must never look like an unknown key. */
export type KeyStore = { find(hash: string, lookup?: Lookup): Promise<Principal | undefined> };

/** Whom a secret is of, if its key has not been revoked. */
export const findSecret = (db: DrizzleD1Database, hashes: readonly string[]) =>
  db
    .select({
      hash: keySecrets.hash,
      id: apiKeys.id,
      workspaceId: apiKeys.workspaceId,
      operator: workspaces.operator,
      role: apiKeys.role,
      scopes: apiKeys.scopes,
      models: apiKeys.models,
      origins: apiKeys.origins,
      ips: apiKeys.ips,
      limits: apiKeys.limits,
      workspaceLimits: workspaces.limits,
      priority: apiKeys.priority,
      version: apiKeys.version,
      keyExpiresAtMs: apiKeys.expiresAtMs,
      secretExpiresAtMs: keySecrets.expiresAtMs,
    })
    .from(keySecrets)
    .innerJoin(apiKeys, eq(apiKeys.id, keySecrets.keyId))
    .innerJoin(workspaces, eq(workspaces.id, apiKeys.workspaceId))
    .where(and(inArray(keySecrets.hash, [...hashes]), isNull(apiKeys.revokedAtMs)));

/** How secrets that the pepper of before has hashed come under the present one. */
export type Rehash = { readonly pepperVersion: number; readonly defer: Defer };

/** D1, the truth about keys. */
export function d1KeyStore(database: D1Database, rehash?: Rehash): KeyStore {
  return {
    async find(hash, { previousHash } = {}) {
      // Made here and not outside: it costs more than everything else that authenticates a known key.
      const db = drizzle(database);
      // Both in one query: between two, another isolate could move the row from the one hash to the other.
      const row = await findSecret(db, previousHash === undefined ? [hash] : [hash, previousHash]).get();
      if (!row) return undefined;
      const { hash: storedHash, keyExpiresAtMs, secretExpiresAtMs, ...rest } = row;
      if (storedHash !== hash && rehash)
        rehash.defer(
          db
            .update(keySecrets)
            .set({ hash, pepperVersion: rehash.pepperVersion })
            .where(eq(keySecrets.hash, storedHash))
            // The next use of the key tries again.
            .catch(() => undefined),
        );
      return Principal.parse({
        ...rest,
        kind: "key",
        expiresAtMs: earlier(keyExpiresAtMs, secretExpiresAtMs),
      });
    },
  };
}

/** The earlier of two ends; null is none. */
const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** Seconds that KV may serve a key without asking D1; KV's shortest is 60. */
export const KV_TTL_S = 60;

/**
 * KV in front of a slower store. Only found keys are written: a key that does not exist yet must work the moment it
 * does. KV itself failing costs time, not the answer.
 */
export function kvKeyStore(cache: KVNamespace, store: KeyStore, defer: Defer): KeyStore {
  return {
    async find(hash, lookup) {
      const cached = lookup?.fresh
        ? undefined
        : Principal.safeParse(await cache.get(`key:${hash}`, "json").catch(() => null));
      if (cached?.success) return cached.data;
      const found = await store.find(hash, lookup);
      if (found)
        defer(
          cache.put(`key:${hash}`, JSON.stringify(found), { expirationTtl: KV_TTL_S }).catch(() => undefined),
        );
      return found;
    },
  };
}
