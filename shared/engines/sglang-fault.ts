import type { EngineFault } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** Beside the words that all engines use. */
const CONTEXT_OVERFLOW = /longer than the model's context length/i;
/** An earlier attempt at the same request is still there: ours to mend, and it passes. */
const STILL_THERE = /^Duplicate request ID/i;
const NO_ADAPTER = /LoRA adapter/i;

/**
 * Reads an answer of SGLang whose status is not 2xx: a flat object, `{"error":"Unauthorized"}`, or nothing at all.
 * Messages: https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/openai/serving_base.py
 */
export const classifySglang = (status: number, body: string, retryAfterMs: number | undefined): EngineFault =>
  judgeSglang(classifyOpenai(status, body, retryAfterMs));

/** The same for a fault that has been read, also of an error inside a stream. */
export function judgeSglang(fault: EngineFault): EngineFault {
  if (fault.class !== "client_fault") return fault;
  const { message } = fault;
  if (STILL_THERE.test(message)) return { class: "overload", status: 503, message };
  if (NO_ADAPTER.test(message)) return { ...fault, status: 404, param: "model", code: "model_not_found" };
  if (!CONTEXT_OVERFLOW.test(message)) return fault;
  return {
    class: "client_fault",
    status: 400,
    message,
    type: "invalid_request_error",
    code: "context_length_exceeded",
  };
}
