import { z } from "zod";
import type { Failure } from "../kernel/failure.ts";
import { unreachable } from "../kernel/unreachable.ts";
import { limitHeaders, sayLimit } from "../limits/say.ts";

/** OpenAI's error object: https://platform.openai.com/docs/guides/error-codes */
export const ApiError = z
  .object({
    error: z.object({
      message: z.string().meta({ description: "What went wrong and what to do about it." }),
      type: z.string().meta({
        description: "The class of the error, as OpenAI names them.",
        example: "invalid_request_error",
      }),
      param: z.string().nullable().meta({ description: "The field at fault.", example: "messages" }),
      code: z
        .string()
        .nullable()
        .meta({ description: "A stable name for programs.", example: "model_not_found" }),
    }),
  })
  .meta({ id: "Error" });
export type ApiError = z.infer<typeof ApiError>;

/** A failure as the outside sees it: the status, the body, and the headers that say when or how to try again. */
export type FailureReport = {
  readonly status: number;
  readonly body: ApiError;
  readonly headers: Readonly<Record<string, string>>;
};

const report = (
  status: number,
  type: string,
  code: string | null,
  message: string,
  param: string | null = null,
  headers: Record<string, string> = {},
): FailureReport => ({ status, headers, body: { error: { message, type, param, code } } });

const retryAfter = (ms: number) => ({ "retry-after": String(Math.max(1, Math.ceil(ms / 1000))) });

/** Budgets have OpenAI's code for them; programs that know it do not try again. */
function reportLimit(failure: Extract<Failure, { kind: "rate_limited" }>): FailureReport {
  const { limit, retryAfterMs } = failure;
  const code = /day|month/.test(limit) ? "insufficient_quota" : "rate_limit_exceeded";
  return report(429, "rate_limit_error", code, sayLimit(failure), null, {
    ...limitHeaders(failure),
    ...(retryAfterMs === null ? { "x-should-retry": "false" } : retryAfter(retryAfterMs)),
  });
}

/** The one table from failure to status and OpenAI error. Nothing internal leaks: engines are named by id only. */
export function reportFailure(failure: Failure): FailureReport {
  switch (failure.kind) {
    case "invalid_request":
      return report(
        400,
        "invalid_request_error",
        failure.code ?? null,
        failure.message,
        failure.param ?? null,
      );
    case "unsupported":
      return report(400, "invalid_request_error", "unsupported_parameter", failure.message, failure.param);
    case "missing_key":
      return report(
        401,
        "invalid_request_error",
        "missing_api_key",
        "No API key was given. Send it in the header `Authorization: Bearer sk-eco-...`.",
      );
    case "invalid_key":
      return report(
        401,
        "invalid_request_error",
        "invalid_api_key",
        "This API key is not known here, or it has expired or been revoked. Check that you copied all of it.",
      );
    case "invalid_token":
      return report(
        401,
        "invalid_request_error",
        "invalid_token",
        "This token is not good here, or no longer: it has expired, was used before, or its session has ended. Sign in again.",
      );
    case "invalid_credentials":
      return report(
        401,
        "invalid_request_error",
        "invalid_credentials",
        "The e-mail address and the password do not go together.",
      );
    case "throttled":
      return report(
        429,
        "rate_limit_error",
        "too_many_attempts",
        "This was tried too often. Try again after the time in Retry-After.",
        null,
        retryAfter(failure.retryAfterMs),
      );
    case "forbidden":
      return report(403, "invalid_request_error", "insufficient_permissions", failure.message);
    case "model_not_found": {
      const hint = failure.similar.length
        ? ` Did you mean ${failure.similar.map((name) => `\`${name}\``).join(" or ")}?`
        : " See GET /v1/models for the models that are served.";
      return report(
        404,
        "invalid_request_error",
        "model_not_found",
        `The model \`${failure.model}\` does not exist here.${hint}`,
        "model",
      );
    }
    case "not_found":
      return report(
        404,
        "invalid_request_error",
        "not_found",
        `There is no ${failure.resource} \`${failure.id}\`.${failure.hint ? ` ${failure.hint}` : ""}`,
      );
    case "conflict":
      return report(409, "invalid_request_error", "conflict", failure.message, failure.param ?? null);
    case "precondition_failed":
      return report(
        412,
        "invalid_request_error",
        "precondition_failed",
        `The ${failure.resource} has been changed since: it is at version ${failure.current}. Read it again, and send that version in If-Match.`,
        null,
        { etag: `"${failure.current}"` },
      );
    case "route_not_found":
      return report(
        404,
        "invalid_request_error",
        "unknown_url",
        `There is nothing at ${failure.method} ${failure.path}. See /docs.`,
      );
    case "method_not_allowed":
      return report(
        405,
        "invalid_request_error",
        "method_not_supported",
        `${failure.method} is not allowed here; use ${failure.allow.join(" or ")}.`,
        null,
        { allow: failure.allow.join(", ") },
      );
    case "body_too_large":
      return report(
        413,
        "invalid_request_error",
        "request_too_large",
        `The request's body is over the limit of ${failure.limitBytes} bytes. Send less, for instance fewer messages or smaller images.`,
      );
    case "unsupported_media_type":
      return report(
        415,
        "invalid_request_error",
        "unsupported_media_type",
        `The body must be JSON with the header \`Content-Type: application/json\`, not \`${failure.contentType}\`.`,
      );
    case "engine_rejected":
      return report(
        failure.status,
        failure.type ?? "invalid_request_error",
        failure.code ?? null,
        failure.message,
        failure.param ?? null,
      );
    case "rate_limited":
      return reportLimit(failure);
    case "engines_overloaded":
      return report(
        429,
        "rate_limit_error",
        "engines_overloaded",
        "Every engine of this model is busy. Try again after the time in Retry-After.",
        null,
        retryAfter(failure.retryAfterMs),
      );
    case "model_loading":
      return report(
        503,
        "service_unavailable_error",
        "model_loading",
        `The model \`${failure.model}\` is being loaded. Try again after the time in Retry-After.`,
        null,
        retryAfter(failure.retryAfterMs),
      );
    case "engines_unavailable":
      return report(
        503,
        "service_unavailable_error",
        "engines_unavailable",
        `No engine can serve \`${failure.model}\` right now${failure.attempts.length ? ` (${failure.attempts.map((a) => `${a.engine}: ${a.reason}`).join("; ")})` : ""}. Try again after the time in Retry-After.`,
        null,
        retryAfter(failure.retryAfterMs),
      );
    case "engine_failed":
      return report(
        502,
        "api_error",
        "engine_failed",
        `The engine \`${failure.engine}\` failed: ${failure.message}`,
      );
    case "engine_timeout":
      return report(
        504,
        "api_error",
        "engine_timeout",
        `The engine \`${failure.engine}\` sent no ${failure.phase} within ${failure.timeoutMs / 1000} s.`,
      );
    case "client_gone":
      // nginx's status for it: no other says that it was neither side's fault.
      return report(
        499,
        "invalid_request_error",
        "client_closed_request",
        "The connection was closed before the answer was there; its generation was stopped.",
      );
    case "change_pending":
      return report(
        503,
        "service_unavailable_error",
        "change_pending",
        `The ${failure.resource} is changed, and that holds everywhere within ${failure.withinS} s: the part of this platform that makes it hold at once is out of reach. Doing it again tries that again.`,
        null,
        retryAfter(1000),
      );
    case "store_unavailable":
      return report(
        503,
        "service_unavailable_error",
        "store_unavailable",
        "A store of this platform is out of reach. Your request was not wrong; try again.",
        null,
        retryAfter(1000),
      );
    case "internal":
      return report(
        500,
        "api_error",
        "internal_error",
        "Something went wrong on our side. Tell the operator the x-request-id of this answer.",
      );
    default:
      return unreachable(failure);
  }
}
