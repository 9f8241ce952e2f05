/** What can go wrong with a request, and how llama-server would say it: `{"error":{"code","message","type"}}`. */

export type Failure =
  | { kind: "invalid_request"; message: string }
  | { kind: "context_exceeded"; promptTokens: number; contextTokens: number }
  | { kind: "unknown_model"; model: string }
  | { kind: "not_supported"; message: string }
  | { kind: "not_found" }
  | { kind: "method_not_allowed"; allow: string }
  | { kind: "body_too_large"; sizeBytesMax: number }
  | { kind: "loading" }
  | { kind: "load_failed"; message: string }
  | { kind: "queue_full"; waiting: number }
  | { kind: "no_slot" }
  | { kind: "internal"; message: string };

export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
export const fail = (failure: Failure): { ok: false; failure: Failure } => ({ ok: false, failure });
export const invalid = (message: string): { ok: false; failure: Failure } =>
  fail({ kind: "invalid_request", message });

/** The object under `error`; code, message and type come first, as llama-server writes them. */
export type ErrorBody = {
  code: number;
  message: string;
  type: string;
  n_prompt_tokens?: number;
  n_ctx?: number;
};

export function errorBody(failure: Failure): ErrorBody {
  switch (failure.kind) {
    case "invalid_request":
      return { code: 400, message: failure.message, type: "invalid_request_error" };
    case "context_exceeded":
      return {
        code: 400,
        message:
          `request (${failure.promptTokens} tokens) exceeds the available context size ` +
          `(${failure.contextTokens} tokens), try increasing it`,
        type: "exceed_context_size_error",
        n_prompt_tokens: failure.promptTokens,
        n_ctx: failure.contextTokens,
      };
    case "unknown_model":
      return { code: 404, message: `model '${failure.model}' not found`, type: "not_found_error" };
    case "not_supported":
      return { code: 501, message: failure.message, type: "not_supported_error" };
    case "not_found":
      return { code: 404, message: "File Not Found", type: "not_found_error" };
    case "method_not_allowed":
      return {
        code: 405,
        message: `Method not allowed, use ${failure.allow}`,
        type: "invalid_request_error",
      };
    case "body_too_large":
      return {
        code: 413,
        message: `the request body is larger than ${failure.sizeBytesMax} bytes`,
        type: "invalid_request_error",
      };
    case "loading":
      return { code: 503, message: "Loading model", type: "unavailable_error" };
    case "load_failed":
      return { code: 503, message: failure.message, type: "unavailable_error" };
    case "queue_full":
      return {
        code: 503,
        message: `too busy: ${failure.waiting} requests are waiting for a slot`,
        type: "unavailable_error",
      };
    case "no_slot":
      return { code: 503, message: "no slot available", type: "unavailable_error" };
    case "internal":
      return { code: 500, message: failure.message, type: "server_error" };
    default:
      return unreachable(failure);
  }
}

/** Refuses to compile until every kind of failure has its answer. */
function unreachable(value: never): never {
  throw new Error(`not a failure: ${JSON.stringify(value)}`);
}
