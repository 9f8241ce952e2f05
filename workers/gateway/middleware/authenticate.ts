import {
  type Pepper,
  bearerOf,
  hashApiKey,
  importPepper,
  isApiKeyForm,
} from "../../../shared/auth/api-key.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { KeyStore, Lookup } from "../store/keys.ts";

/** How long an isolate trusts what it knows of a key, in milliseconds. */
const TRUST_MS = 30_000;
const KEYS_MAX = 10_000;

/** Finds out whom a request is from; `fresh` goes past what this isolate and KV remember. */
export type Authenticator = (
  authorization: string | null,
  store: KeyStore,
  nowMs: number,
  lookup?: Lookup,
) => Promise<Result<Principal, Failure>>;

/**
 * Isolate memory in front of the stores: the usual request costs one look-up in a Map. A key of the wrong form (a typo,
 * another platform's key) never reaches a store.
 */
export function createAuthenticator(pepper: string): Authenticator {
  const known = new Map<string, { principal: Principal; untilMs: number }>();
  let imported: Promise<Pepper> | undefined;
  return async (authorization, store, nowMs, lookup) => {
    const key = bearerOf(authorization);
    if (key === undefined) return err({ kind: "missing_key" });
    const cached = lookup?.fresh ? undefined : known.get(key);
    if (cached && cached.untilMs > nowMs) return accept(cached.principal, nowMs);
    if (!isApiKeyForm(key)) return err({ kind: "invalid_key" });
    imported ??= importPepper(pepper);
    let principal: Principal | undefined;
    try {
      principal = await store.find(await hashApiKey(await imported, key), lookup);
    } catch {
      return err({ kind: "store_unavailable" });
    }
    if (!principal) {
      known.delete(key);
      return err({ kind: "invalid_key" });
    }
    // The oldest goes: a Map keeps the order of insertion.
    if (known.size >= KEYS_MAX) known.delete(known.keys().next().value ?? "");
    known.set(key, { principal, untilMs: nowMs + TRUST_MS });
    return accept(principal, nowMs);
  };
}

const accept = (principal: Principal, nowMs: number): Result<Principal, Failure> =>
  principal.expiresAtMs !== null && principal.expiresAtMs <= nowMs
    ? err({ kind: "invalid_key" })
    : ok(principal);
