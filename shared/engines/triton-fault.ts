import type { EngineFault } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { classifyOpenai } from "./openai-fault.ts";
import { judgeTensorrtLlm } from "./tensorrt-llm-fault.ts";

/** The fault of an engine that answered 200 and yet gave no answer. */
export const broken = (message: string): EngineFault => ({ class: "failure", status: 502, message });

/** The model is known and not there yet, or not any more: 400 as well as 503 by their status. */
const NOT_THERE = /not ready|no available versions|is not (yet )?available|unloading/i;
/** Told to whoever asks while the server goes away. */
const LEAVING = /stopping|has stopped accepting|shut(ting)? ?down/i;
/** We have not left, or nobody would hear it. */
const CANCELLED = /cancell?ed/i;

/**
 * `{"error":"text"}`, and a status that says little: 400 stands for a missing field and for a model that is not ready:
 * https://github.com/triton-inference-server/server/blob/main/src/http_server.cc
 */
export function classifyTriton(status: number, body: string, retryAfterMs: number | undefined): EngineFault {
  const said = classifyOpenai(status, body, retryAfterMs);
  if (LEAVING.test(said.message) || CANCELLED.test(said.message))
    return { ...said, class: "failure", status: 502 };
  if (NOT_THERE.test(said.message)) return { ...said, class: "loading", status: 503 };
  return judgeTensorrtLlm(said);
}

/** The fault in an object with an `error` inside an answer of status 200. */
export function faultIn(object: Readonly<Record<string, unknown>>): EngineFault {
  const fault = classifyTriton(500, JSON.stringify({ error: object.error }), undefined);
  return fault.class === "failure" ? { ...fault, status: 502 } : fault;
}

/** The object that an answer or an event is, or the fault that it is or holds. */
export function readObject(value: unknown): { object: Record<string, unknown> } | { fault: EngineFault } {
  const object = asObject(value);
  if (!object) return { fault: broken("it sent something that is not a JSON object") };
  if (object.error !== undefined && object.error !== null) return { fault: faultIn(object) };
  return { object };
}
