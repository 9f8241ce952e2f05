import type { LimitName } from "../limits/check.ts";

/** Why an engine did not serve one attempt; kept for the log and, in short, for the caller. */
export type AttemptReport = { readonly engine: string; readonly reason: string };

/**
 * Everything that can go wrong with a request, as data. It becomes an HTTP answer, or an event inside a stream that
 * has already begun, in `contracts/error.ts` and nowhere else.
 */
export type Failure =
  /** The request is malformed. `param` names the field, as a path (`messages[0].role`). */
  | {
      readonly kind: "invalid_request";
      readonly message: string;
      readonly param?: string;
      readonly code?: string;
    }
  /** The request is well formed, but the engine that serves the model cannot do what `param` asks for. */
  | {
      readonly kind: "unsupported";
      readonly param: string;
      readonly engine: string;
      readonly message: string;
    }
  | { readonly kind: "missing_key" }
  | { readonly kind: "invalid_key" }
  /** An access token or a refresh token that is none, or not any more. */
  | { readonly kind: "invalid_token" }
  /** An e-mail address and a password that do not go together: it is never said which of them is wrong. */
  | { readonly kind: "invalid_credentials" }
  /** Something that is open to everybody was tried too often: by one address, or on one account. */
  | { readonly kind: "throttled"; readonly retryAfterMs: number }
  | { readonly kind: "forbidden"; readonly message: string }
  | { readonly kind: "model_not_found"; readonly model: string; readonly similar: readonly string[] }
  /** Something that operators manage is not there: `resource` is what it is, in a word; `hint` a sentence on what to do. */
  | { readonly kind: "not_found"; readonly resource: string; readonly id: string; readonly hint?: string }
  /** The request is right, but not for the state that things are in. */
  | { readonly kind: "conflict"; readonly message: string; readonly param?: string }
  /** What the caller meant to change has been changed since: `current` is its version now. */
  | { readonly kind: "precondition_failed"; readonly resource: string; readonly current: number }
  | { readonly kind: "route_not_found"; readonly method: string; readonly path: string }
  | { readonly kind: "method_not_allowed"; readonly method: string; readonly allow: readonly string[] }
  | { readonly kind: "body_too_large"; readonly limitBytes: number }
  | { readonly kind: "unsupported_media_type"; readonly contentType: string }
  /** The engine answered 4xx: the caller's mistake, in the engine's own words. */
  | {
      readonly kind: "engine_rejected";
      readonly status: number;
      readonly message: string;
      readonly type?: string | undefined;
      readonly param?: string | undefined;
      readonly code?: string | undefined;
    }
  /**
   * A limit of the key, or of its workspace, has no room for the request. `max` and `remaining` are in the limit's units;
   * without `retryAfterMs` it asks for more than the limit ever has.
   */
  | {
      readonly kind: "rate_limited";
      readonly scope: "key" | "workspace";
      readonly limit: LimitName;
      readonly max: number;
      readonly remaining: number;
      readonly retryAfterMs: number | null;
    }
  /** Every engine of the model is busy. */
  | { readonly kind: "engines_overloaded"; readonly retryAfterMs: number }
  /** The model is being loaded by its engine. */
  | { readonly kind: "model_loading"; readonly model: string; readonly retryAfterMs: number }
  /** No engine of the model could be reached, or all of them failed. */
  | {
      readonly kind: "engines_unavailable";
      readonly model: string;
      readonly attempts: readonly AttemptReport[];
      readonly retryAfterMs: number;
    }
  /** The engine broke off, or answered something that is no answer. */
  | { readonly kind: "engine_failed"; readonly engine: string; readonly message: string }
  /** The engine said nothing for `timeoutMs`. */
  | {
      readonly kind: "engine_timeout";
      readonly engine: string;
      readonly phase: "first byte" | "next chunk" | "answer";
      readonly timeoutMs: number;
    }
  /** The client left before its answer was there. Nobody hears it; the log says it. */
  | { readonly kind: "client_gone" }
  /** What was asked for is done, but does not hold everywhere before that many seconds have passed. */
  | { readonly kind: "change_pending"; readonly resource: string; readonly withinS: number }
  /** One of our own stores is out of reach: a fault of ours, never the caller's 401. */
  | { readonly kind: "store_unavailable" }
  /** A bug of ours. The details are in the log, under the request id. */
  | { readonly kind: "internal" };
