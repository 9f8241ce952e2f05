import {
  type Pepper,
  bearerOf,
  hashApiKey,
  importPepper,
  isApiKeyForm,
  keyMadeAtMs,
} from "../../../shared/auth/api-key.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { ThrottleRule } from "../../../shared/limits/throttle.ts";
import type { KeyStore, Lookup } from "../store/keys.ts";
import { createFailedKeys } from "./failed-keys.ts";

/** How long an isolate trusts what it knows of a key, in milliseconds. */
export const TRUST_MS = 30_000;
/** How long it remembers that there is no such key. */
const UNKNOWN_MS = 10_000;
/**
 * Age from which on an unknown key is remembered. A key says when it was made, so that one which is asked for before it is
 * stored is always younger, however wrong the clocks are: a new key works the moment it is there.
 */
const UNKNOWN_AGE_MS = 10 * 60_000;
const KEYS_MAX = 10_000;

/**
 * Finds out whom a request is from; `fresh` goes past what this isolate and KV remember. `from` is the address that is
 * answerable for keys that nobody has; none is where it is absent.
 */
export type Authenticator = (
  authorization: string | null,
  store: KeyStore,
  nowMs: number,
  lookup?: Pick<Lookup, "fresh"> & { readonly from?: () => string | undefined },
) => Promise<Result<Principal, Failure>>;

/** Besides the pepper: the one before it, and how many unknown keys an address may try. */
export type AuthenticatorOptions = {
  readonly previousPepper?: string | undefined;
  readonly unknownKeys?: ThrottleRule | undefined;
};

/**
 * Isolate memory in front of the stores: the usual request costs one look-up in a Map. A key of the wrong form (a typo,
 * another platform's key) never reaches a store. Keys are known by the pepper, or by the one of before.
 *
 * Requests that look for the same key at the same time ask the store each for itself: a Worker must not wait for the I/O
 * of another request, whose end would leave it hanging.
 */
export function createAuthenticator(
  pepper: string,
  { previousPepper, unknownKeys }: AuthenticatorOptions = {},
): Authenticator {
  const failed = unknownKeys && createFailedKeys(unknownKeys);
  const known = new Map<string, { principal: Principal; untilMs: number }>();
  const unknown = new Map<string, number>();
  const hash = createHasher(pepper);
  const previousHash = previousPepper === undefined ? undefined : createHasher(previousPepper);

  const find = async (key: string, store: KeyStore, nowMs: number, lookup: Lookup) => {
    const hashed = await hash(key);
    const both = { ...lookup, previousHash: await previousHash?.(key) };
    const found = await store.find(hashed, both);
    // An end can have been put off since KV heard of it.
    return found && !lookup.fresh && hasEnded(found, nowMs)
      ? store.find(hashed, { ...both, fresh: true })
      : found;
  };

  return async (authorization, store, nowMs, lookup = {}) => {
    const key = bearerOf(authorization);
    if (key === undefined) return err({ kind: "missing_key" });
    const cached = lookup.fresh ? undefined : known.get(key);
    if (cached && cached.untilMs > nowMs && !hasEnded(cached.principal, nowMs)) return ok(cached.principal);
    if (!isApiKeyForm(key) || (unknown.get(key) ?? 0) > nowMs) return err({ kind: "invalid_key" });
    const waitMs = failed?.waitMs(lookup.from?.(), nowMs) ?? 0;
    if (waitMs > 0) return err({ kind: "throttled", retryAfterMs: waitMs });
    let principal: Principal | undefined;
    try {
      principal = await find(key, store, nowMs, lookup);
    } catch {
      return err({ kind: "store_unavailable" });
    }
    if (!principal || hasEnded(principal, nowMs)) {
      known.delete(key);
      if (!principal && nowMs - keyMadeAtMs(key) > UNKNOWN_AGE_MS) put(unknown, key, nowMs + UNKNOWN_MS);
      failed?.count(lookup.from?.(), nowMs);
      return err({ kind: "invalid_key" });
    }
    put(known, key, { principal, untilMs: nowMs + TRUST_MS });
    return ok(principal);
  };
}

/** Hashes keys with a pepper, which is imported once. */
function createHasher(pepper: string): (key: string) => Promise<string> {
  let imported: Pepper | undefined;
  return async (key) => hashApiKey((imported ??= await importPepper(pepper)), key);
}

/** The oldest goes where there is no room: a Map keeps the order of insertion. */
function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  if (map.size >= KEYS_MAX) map.delete(map.keys().next().value ?? "");
  map.set(key, value);
}

const hasEnded = ({ expiresAtMs }: Principal, nowMs: number): boolean =>
  expiresAtMs !== null && expiresAtMs <= nowMs;
