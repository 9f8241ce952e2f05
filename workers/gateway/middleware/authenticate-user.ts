import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { AccessTokens } from "../auth/access-token.ts";
import type { Lookup } from "../store/keys.ts";
import type { SessionStore } from "../store/sessions.ts";

/** How long requests to models may rest on what an isolate knows of a token, in milliseconds; as with keys. */
const TRUST_MS = 30_000;
const TOKENS_MAX = 10_000;

/** A person who has signed in, and in which session. */
export type SignedIn = { readonly principal: Principal; readonly sessionId: string };

/** Finds out which person a request is from, by an access token; `fresh` goes past what this isolate remembers. */
export type UserAuthenticator = (
  token: string,
  nowMs: number,
  lookup?: Lookup,
) => Promise<Result<SignedIn, Failure>>;

/**
 * A token says who somebody is, and never what they may: whether the session goes on, the person may sign in, and what
 * they are in the workspace is asked of the store, so that an end, a removal or another role counts at once.
 */
export function createUserAuthenticator(
  tokens: AccessTokens,
  sessions: Pick<SessionStore, "principal">,
): UserAuthenticator {
  const known = new Map<string, { signedIn: SignedIn; untilMs: number }>();
  return async (token, nowMs, lookup) => {
    const cached = lookup?.fresh ? undefined : known.get(token);
    if (cached && cached.untilMs > nowMs) return ok(cached.signedIn);
    const claims = await tokens.read(token, nowMs);
    if (!claims) return err({ kind: "invalid_token" });
    let principal: Principal | undefined;
    try {
      principal = await sessions.principal(claims, nowMs);
    } catch {
      return err({ kind: "store_unavailable" });
    }
    known.delete(token);
    if (!principal) return err({ kind: "invalid_token" });
    const signedIn = { principal, sessionId: claims.sid };
    // The oldest goes: a Map keeps the order of insertion.
    if (known.size >= TOKENS_MAX) known.delete(known.keys().next().value ?? "");
    known.set(token, { signedIn, untilMs: Math.min(nowMs + TRUST_MS, claims.exp * 1000) });
    return ok(signedIn);
  };
}

/** The access token of an `Authorization` header; undefined where there is a key, or nothing. All begin as JSON does. */
export const accessTokenOf = (header: string | null): string | undefined =>
  header === null ? undefined : /^bearer +(eyJ\S*) *$/i.exec(header)?.[1];
