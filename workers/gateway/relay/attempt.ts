import type { EngineFault, EngineRequest } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import type { Busy } from "../fleet/slots.ts";

/** Longest error body that is read of an engine. */
const ERROR_BYTES_MAX = 64 * 1024;

/** Why an attempt gave no answer: the engine's own word, or its silence. */
export type AttemptFault = EngineFault & {
  readonly timeout?: Extract<Failure, { kind: "engine_timeout" }>["phase"];
  readonly timeoutMs?: number;
  /** Nobody was there: that is about the fleet, not about one engine's failure. */
  readonly unreachable?: true;
  /** The connection ended: the engine itself said nothing wrong. */
  readonly lost?: true;
};

/** The connection could not be made, or ended before an answer. */
export const unreachable = (): AttemptFault => ({
  class: "failure",
  status: 502,
  message: "could not be reached",
  unreachable: true,
  lost: true,
});

/** The connection ended in the middle of an answer. */
export const lostConnection = (): AttemptFault => ({
  class: "failure",
  status: 502,
  message: "the connection to it was lost",
  lost: true,
});

/** Silence, after which the connection to the engine was closed. */
export const timedOut = (phase: NonNullable<AttemptFault["timeout"]>, timeoutMs: number): AttemptFault => ({
  class: "failure",
  status: 504,
  message: `sent no ${phase} within ${timeoutMs / 1000} s`,
  timeout: phase,
  timeoutMs,
});

/** It has as many requests as it may have, and those that wait are too many, or the wait would be too long. */
export const busy = ({ reason, retryAfterMs }: Busy): AttemptFault => ({
  class: "overload",
  status: 503,
  message: REFUSALS[reason] ?? "has no free slot",
  retryAfterMs,
});

const REFUSALS: Readonly<Record<string, string>> = {
  full: "is busy, and its queue is full",
  deadline: "is busy, and would not come free in time",
  draining: "is being drained",
};

/** Sends one request to one engine. A value comes back only with status 2xx, and its body unread. */
export async function send(
  endpoint: Endpoint,
  request: EngineRequest,
  signal: AbortSignal,
  fetch: typeof globalThis.fetch,
): Promise<Result<Response, AttemptFault>> {
  let response: Response;
  try {
    response = await fetch(endpoint.baseUrl + request.path, {
      method: request.method ?? "POST",
      headers: request.headers ? { ...endpoint.headers, ...request.headers } : endpoint.headers,
      body: request.body,
      signal,
      // Nobody but the operator chooses a host; a login page of Cloudflare Access also comes as a redirect.
      redirect: "manual",
    });
  } catch {
    return err(unreachable());
  }
  if (response.status >= 200 && response.status < 300) return ok(response);
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel().catch(() => undefined);
    return err({ class: "failure", status: 502, message: "answered with a redirect" });
  }
  const { status, headers } = response;
  return err(
    endpoint.adapter.classify(status, await errorText(response), retryAfterMs(headers.get("retry-after"))),
  );
}

/** The beginning of an answer that is none: enough to say what is wrong, however much an engine sends. */
export async function errorText({ body }: Response): Promise<string> {
  if (!body) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let sizeBytes = 0; sizeBytes < ERROR_BYTES_MAX;) {
      const { done, value } = await reader.read();
      if (done) return text;
      sizeBytes += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // What came before the connection was lost may say enough.
  }
  reader.cancel().catch(() => undefined);
  return text;
}

function retryAfterMs(header: string | null): number | undefined {
  const seconds = Number(header);
  return header !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** What the caller is told when no further engine is left to ask. */
export function failureOf(fault: AttemptFault, engine: string, model: string): Failure {
  if (fault.timeout)
    return { kind: "engine_timeout", engine, phase: fault.timeout, timeoutMs: fault.timeoutMs ?? 0 };
  if (fault.class === "client_fault") {
    const { status, message, param, code } = fault;
    // Engines have types of their own ("BadRequestError"); programs know OpenAI's.
    const gone = status === 404 && /model/i.test(message);
    return {
      kind: "engine_rejected",
      status,
      message,
      type: "invalid_request_error",
      param: gone ? "model" : param,
      code: gone ? "model_not_found" : code,
    };
  }
  if (fault.class === "overload")
    return { kind: "engines_overloaded", retryAfterMs: fault.retryAfterMs ?? 2_000 };
  if (fault.class === "loading")
    return { kind: "model_loading", model, retryAfterMs: fault.retryAfterMs ?? 5_000 };
  return { kind: "engine_failed", engine, message: fault.message };
}
