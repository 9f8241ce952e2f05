import type { EngineFault } from "./engine.ts";
import { objectIn } from "../kernel/json.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** FastChat's number for a model that is not served, which comes with status 400. */
const INVALID_MODEL = 40301;

/**
 * The OpenAI-style server: `{"object":"error","message","code":40001}` with status 400 for all that is wrong with a
 * request, an empty message where the key is wrong, and plain text for what breaks inside.
 */
export function classifyDeepspeed(
  status: number,
  body: string,
  retryAfterMs: number | undefined,
): EngineFault {
  const fault = classifyOpenai(status, body, retryAfterMs);
  if (status === 401) return { ...fault, message: "it refused our API key" };
  if (status === 400 && objectIn(body)?.code === INVALID_MODEL)
    return { ...fault, status: 404, code: "model_not_found", param: "model" };
  return fault;
}

/** What Flask says where no route has the path: here, that no deployment has the name. */
const NO_ROUTE = /the requested url was not found on the server/i;

/** The RESTful gateway: `{"message":"Internal Server Error"}` for whatever breaks, a page for a name that it does not know. */
export function classifyDeepspeedRest(
  status: number,
  body: string,
  retryAfterMs: number | undefined,
): EngineFault {
  if (status !== 404 || !NO_ROUTE.test(body)) return classifyOpenai(status, body, retryAfterMs);
  return {
    class: "client_fault",
    status,
    type: "invalid_request_error",
    code: "model_not_found",
    param: "model",
    message: "no deployment has the name of this model",
  };
}
