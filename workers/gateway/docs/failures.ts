import { type ApiError, reportFailure } from "../../../shared/contracts/error.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";

/** The name that the error object has among the document's schemas. */
export const ERROR_SCHEMA = "Error";

/** One of each kind of failure. A new kind does not compile until it stands here, and so in the table of errors. */
const FAILURES: { readonly [Kind in Failure["kind"]]: Extract<Failure, { kind: Kind }> } = {
  invalid_request: {
    kind: "invalid_request",
    param: "messages[0].role",
    message: "What is wrong with the request; `param` names the field at fault.",
  },
  unsupported: {
    kind: "unsupported",
    param: "logit_bias",
    engine: "ollama",
    message: "The engine that serves the model cannot do what `param` asks for.",
  },
  engine_rejected: {
    kind: "engine_rejected",
    status: 400,
    message: "The engine found fault with the request and says so in its own words.",
  },
  missing_key: { kind: "missing_key" },
  invalid_key: { kind: "invalid_key" },
  invalid_token: { kind: "invalid_token" },
  invalid_credentials: { kind: "invalid_credentials" },
  throttled: { kind: "throttled", retryAfterMs: 60_000 },
  forbidden: { kind: "forbidden", message: "The key is right, but may not do this." },
  model_not_found: { kind: "model_not_found", model: "smollm2", similar: ["smollm2-135m-instruct"] },
  not_found: { kind: "not_found", resource: "engine", id: "gpu-1" },
  conflict: {
    kind: "conflict",
    message: "The request is right, but not for the state that things are in; the message says why.",
  },
  precondition_failed: { kind: "precondition_failed", resource: "engine", current: 3 },
  route_not_found: { kind: "route_not_found", method: "GET", path: "/v1/chat" },
  method_not_allowed: { kind: "method_not_allowed", method: "GET", allow: ["POST"] },
  body_too_large: { kind: "body_too_large", limitBytes: 16 * 1024 * 1024 },
  unsupported_media_type: { kind: "unsupported_media_type", contentType: "text/plain" },
  client_gone: { kind: "client_gone" },
  rate_limited: {
    kind: "rate_limited",
    scope: "key",
    limit: "requests_per_minute",
    max: 100,
    remaining: 0,
    retryAfterMs: 2_000,
  },
  engines_overloaded: { kind: "engines_overloaded", retryAfterMs: 2_000 },
  internal: { kind: "internal" },
  engine_failed: { kind: "engine_failed", engine: "gpu-1", message: "the stream broke off before its end" },
  engines_unavailable: {
    kind: "engines_unavailable",
    model: "smollm2-135m-instruct",
    attempts: [{ engine: "gpu-1", reason: "could not be reached" }],
    retryAfterMs: 5_000,
  },
  model_loading: { kind: "model_loading", model: "smollm2-135m-instruct", retryAfterMs: 5_000 },
  change_pending: { kind: "change_pending", resource: "key", withinS: 90 },
  store_unavailable: { kind: "store_unavailable" },
  engine_timeout: { kind: "engine_timeout", engine: "gpu-1", phase: "first byte", timeoutMs: 120_000 },
};

/** A kind of error as the table shows it: what a caller gets, with a message for instance. */
export type ErrorRow = {
  /** `4xx` where the engine decides. */
  readonly status: string;
  readonly type: string;
  /** Null where the error has none; undefined where the engine decides. */
  readonly code: string | null | undefined;
  readonly message: string;
  /** Whether `Retry-After` says when to try again. */
  readonly retryAfter: boolean;
};

/** Every kind of error, by status: made by the function that makes the real ones. */
export function errorRows(): ErrorRow[] {
  return Object.values(FAILURES)
    .map((failure) => {
      const { status, body, headers } = reportFailure(failure);
      const { type, code, message } = body.error;
      const row = { status: String(status), type, code, message, retryAfter: "retry-after" in headers };
      return failure.kind === "engine_rejected" ? { ...row, status: "4xx", code: undefined } : row;
    })
    .toSorted((a, b) => (a.status < b.status ? -1 : a.status > b.status ? 1 : 0));
}

/** The body of an error of this kind. */
export const errorBody = (kind: Failure["kind"]): ApiError => reportFailure(FAILURES[kind]).body;
