import type { EngineFault } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

/**
 * Client mistakes that llama-server answers with 500, in its own words: its JSON and chat parsing lie outside the
 * handler of 400s.
 */
const MISTAKES_AS_500 =
  /(image|audio) input is not supported|is too large to process|\[json\.exception|Failed to parse (messages|tools|tool call arguments|grammar)|both json_schema and grammar|JSON schema conversion failed|invalid image|Invalid url|Failed to load image|unsupported content\[\]\.type/i;

/** Its parser failed on what the model wrote, which it repeats: nothing in those words is the caller's. */
const OWN_ANSWER_UNREAD = /^Failed to parse input at pos/;

/**
 * Reads an answer of llama-server whose status is not 2xx. `status` is its HTTP status.
 * Messages: https://github.com/ggml-org/llama.cpp/tree/master/tools/server and, of several models, its router mode.
 */
export function classifyLlamaCpp(
  status: number,
  body: string,
  retryAfterMs: number | undefined,
): EngineFault {
  return judgeLlamaCpp(classifyOpenai(status, body, retryAfterMs));
}

/** The same for a fault that has been read: builds up to 2025 tell a client's mistake inside a stream of status 200. */
export function judgeLlamaCpp(fault: EngineFault): EngineFault {
  const { message } = fault;
  if (fault.status === 500 && MISTAKES_AS_500.test(message) && !OWN_ANSWER_UNREAD.test(message))
    return { ...fault, class: "client_fault", status: 400, type: "invalid_request_error" };
  // The path is ours.
  if (fault.status === 404 && message === "File Not Found") return { ...fault, class: "failure" };
  if (fault.status === 400 && message === "model is not loaded")
    return { ...fault, class: "loading", status: 503 };
  if (fault.status === 400 && /^model '.*' not found$/s.test(message))
    return { ...fault, status: 404, param: "model", code: "model_not_found" };
  return fault;
}
