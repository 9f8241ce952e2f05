import type { EngineFault } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** The fault of an engine that answered 200 and yet gave no answer. */
export const broken = (message: string): EngineFault => ({ class: "failure", status: 502, message });

/** `{"error":"text"}`; the text decides where the status does not. A 403 has no body: Host or Origin were refused. */
export function classifyOllama(status: number, body: string, retryAfterMs: number | undefined): EngineFault {
  if (status === 403 && body.trim() === "") {
    return {
      class: "failure",
      status,
      message:
        "it refused our Host header: bind it to 0.0.0.0, or set cloudflared's httpHostHeader to localhost:11434",
    };
  }
  const fault = classifyOpenai(status, body, retryAfterMs);
  // llama-server's error comes as JSON inside the text.
  const inner = /\{"error":.*\}$/s.exec(fault.message)?.[0];
  if (inner && inner !== fault.message) return classifyOllama(status, inner, retryAfterMs);
  if (/does not support/i.test(fault.message))
    return { ...fault, class: "client_fault", status: 400, type: "invalid_request_error" };
  return fault;
}

/** The fault in an object with an `error` inside an answer of status 200. */
export function faultIn(object: Readonly<Record<string, unknown>>): EngineFault {
  const fault = classifyOllama(500, JSON.stringify(object), undefined);
  return fault.class === "client_fault" ? fault : { ...fault, status: 502 };
}
