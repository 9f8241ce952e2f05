import type { EngineFault } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** Before and while it generates, in its own words. */
const CONTEXT_OVERFLOW = /(smaller than|exceeds) the model context length/i;
/** Somebody has put it to sleep: it serves again once it is woken. */
const ASLEEP = /^Engine is sleeping/i;
/** The only other 503 that it knows; it never says that it is busy. */
const GONE = /inference engine is unavailable/i;

/**
 * Reads an answer of LMDeploy whose status is not 2xx: a flat object with a number for a code.
 * Messages: https://github.com/InternLM/lmdeploy/blob/main/lmdeploy/serve/core/exceptions.py
 */
export const classifyLmdeploy = (
  status: number,
  body: string,
  retryAfterMs: number | undefined,
): EngineFault => judgeLmdeploy(classifyOpenai(status, body, retryAfterMs));

/** The same for a fault that has been read, also of an error inside a stream. */
export function judgeLmdeploy(fault: EngineFault): EngineFault {
  const { message, status } = fault;
  if (fault.class === "client_fault" && CONTEXT_OVERFLOW.test(message))
    return {
      class: "client_fault",
      status: 400,
      message,
      type: "invalid_request_error",
      code: "context_length_exceeded",
    };
  if (status === 503 && ASLEEP.test(message)) return { ...fault, class: "loading" };
  return status === 503 && GONE.test(message) ? { ...fault, class: "failure" } : fault;
}
