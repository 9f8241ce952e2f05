import type { EngineFault } from "./engine.ts";

/**
 * Statuses by which an engine speaks of the caller's request. 401 and 403 are not among them, for the key is ours; nor
 * 405 and 415, for so are method, path and type.
 */
const CLIENT_STATUSES: ReadonlySet<number> = new Set([400, 404, 413, 422, 501]);

/** Texts by which engines say that prompt and answer do not fit the context, each in its own words. */
const CONTEXT_OVERFLOW =
  /maximum context length|exceeds? the (available )?context (size|length)|context length (currently )?(available|exceeded)|exceed_context_size/i;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Shortens what an engine says to something that fits a log line and an error message. */
const short = (message: string): string =>
  message.length > 2000 ? `${message.slice(0, 2000)} ...` : message;

/** The fault in an error object inside an answer or stream of status 200; its own code, if it has one, is the status. */
export function faultOfErrorObject(error: unknown, statusIfUntold: number): EngineFault {
  const code =
    typeof error === "object" && error !== null ? (error as Record<string, unknown>).code : undefined;
  return read(
    error,
    typeof code === "number" && code >= 400 && code < 600 ? code : statusIfUntold,
    undefined,
  );
}

/** Reads an error as engines write it: an object, a string, or a flat object. */
function read(error: unknown, status: number, retryAfterMs: number | undefined): EngineFault {
  const object = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
  const message = short(
    text(error) ??
      text(object.message) ??
      text(object.detail) ??
      validationOf(object.detail) ??
      "it gave no reason",
  );
  return faultOf({
    status,
    message,
    type: text(object.type),
    param: text(object.param),
    code: text(object.code),
    retryAfterMs,
  });
}

/** FastAPI's list of what is wrong with a body: https://fastapi.tiangolo.com/tutorial/handling-errors/ */
function validationOf(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined;
  const lines = detail.flatMap((each: unknown) => {
    if (typeof each !== "object" || each === null) return [];
    const { loc, msg } = each as Record<string, unknown>;
    if (typeof msg !== "string") return [];
    return [Array.isArray(loc) && loc.length > 0 ? `${loc.join(".")}: ${msg}` : msg];
  });
  return lines.length > 0 ? lines.join("; ") : undefined;
}

type Said = {
  status: number;
  message: string;
  type: string | undefined;
  param: string | undefined;
  code: string | undefined;
  retryAfterMs: number | undefined;
};

/** Which class a status and its text are of. */
function faultOf({ status, message, type, param, code, retryAfterMs }: Said): EngineFault {
  const fault = {
    status,
    message,
    ...(type !== undefined && { type }),
    ...(param !== undefined && { param }),
    ...(code !== undefined && { code }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  if (CONTEXT_OVERFLOW.test(message) || type === "exceed_context_size_error") {
    // Which field holds the text depends on the operation: whoever knows it adds `param`.
    const { param: _, ...said } = fault;
    return {
      ...said,
      class: "client_fault",
      status: 400,
      type: "invalid_request_error",
      code: "context_length_exceeded",
    };
  }
  if (status === 503 && /loading/i.test(message)) return { ...fault, class: "loading" };
  if (status === 429 || status === 503) return { ...fault, class: "overload" };
  if (CLIENT_STATUSES.has(status))
    return { ...fault, class: "client_fault", status: status === 501 ? 400 : status };
  return { ...fault, class: "failure" };
}

/**
 * Reads an answer whose status is not 2xx, in all the shapes that OpenAI-compatible servers, and the proxies in front
 * of them, give it: `{"error":{…}}`, `{"error":"…"}`, a flat `{"object":"error","message"}`, `{"detail"}`, HTML, nothing.
 */
export function classifyOpenai(status: number, body: string, retryAfterMs: number | undefined): EngineFault {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    json = undefined;
  }
  if (typeof json !== "object" || json === null) {
    // A proxy's page, a router's plain text or nothing: what it says is about the way to the engine, not about the request.
    const page = /<html|<!doctype/i.test(body) || body.trim() === "";
    const message = page ? `HTTP ${status} without an API error` : short(body.trim());
    if (status === 429 || status === 503)
      return { class: "overload", status, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    if (!page && (status === 400 || status === 413 || status === 422))
      return { class: "client_fault", status, message };
    return { class: "failure", status, message };
  }
  const object = json as Record<string, unknown>;
  const fault = read(object.error ?? object, status, retryAfterMs);
  // A route that is not mounted, as FastAPI and as OpenAI say it: the engine's model cannot do this.
  if (status === 404 && (object.detail === "Not Found" || fault.message.startsWith("Invalid URL ("))) {
    return {
      class: "client_fault",
      status: 400,
      type: "invalid_request_error",
      code: "unsupported_operation",
      message: "the engine does not offer this operation for its model",
    };
  }
  return fault;
}
