import type { EngineFault } from "./engine.ts";
import { classifyLlamaCpp } from "./llama-cpp-fault.ts";
import { asObject, objectIn } from "../kernel/json.ts";
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
  const said = classifyOpenai(status, body, retryAfterMs);
  const runner = runnerError(said.message);
  const fault = runner ? classifyLlamaCpp(runner.status ?? status, runner.body, retryAfterMs) : said;
  // An option of the wrong type is a 500 there.
  if (/does not support|^option ".*" must be of type /i.test(fault.message))
    return { ...fault, class: "client_fault", status: 400, type: "invalid_request_error" };
  return fault;
}

/** llama-server's error as JSON within the text, which it ends or is; with its own status, where it has one. */
function runnerError(message: string): { body: string; status: number | undefined } | undefined {
  const body = /\{"error":.*\}$/s.exec(message.trim())?.[0];
  if (body === undefined) return undefined;
  const object = objectIn(body);
  if (!object) return undefined;
  const code = asObject(object.error)?.code;
  const isStatus = typeof code === "number" && code >= 400 && code < 600;
  return { body, status: isStatus ? code : undefined };
}

/** The fault in an object with an `error` inside an answer of status 200. */
export function faultIn(object: Readonly<Record<string, unknown>>): EngineFault {
  const fault = classifyOllama(500, JSON.stringify(object), undefined);
  return fault.class === "client_fault" ? fault : { ...fault, status: 502 };
}
