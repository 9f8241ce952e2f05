import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineFault, EngineRequest } from "../../../shared/engines/engine.ts";
import { engines as adapters } from "../../../shared/engines/engines.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { errorText } from "../relay/attempt.ts";
import type { Run } from "../run.ts";

/** Has an engine do something for an operator within a time. Only an answer of status 2xx comes back, its body unread. */
export async function askEngine(
  run: Run,
  config: EngineConfig,
  request: EngineRequest,
  timeoutMs = config.totalTimeoutMs ?? run.ports.config.TOTAL_TIMEOUT_MS,
): Promise<Result<Response, Failure>> {
  const { engineAccess } = run.ports;
  const engine = config.id;
  let answer: Response;
  try {
    answer = await engineAccess.send(config, request, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError")
      return err({ kind: "engine_timeout", engine, phase: "answer", timeoutMs });
    return err({ kind: "engine_failed", engine, message: "could not be reached" });
  }
  if (answer.ok) return ok(answer);
  const { status } = answer;
  if (status >= 300 && status < 400) {
    await answer.body?.cancel().catch(() => undefined);
    return err({ kind: "engine_failed", engine, message: "answered with a redirect" });
  }
  const text = await errorText(answer);
  if (hasNoRoute(status, text)) return err(notOffered(config, request.path));
  return err(failureOf(adapters[config.kind].classify(status, text, undefined), engine));
}

/** What web servers say of a path that they do not have, FastAPI's words first; nothing of a model. */
const hasNoRoute = (status: number, text: string): boolean =>
  status === 405 ||
  (status === 404 && (/^\s*\{"detail":\s*"Not Found"\}\s*$/.test(text) || !/model|adapter|lora/i.test(text)));

const notOffered = ({ id, kind }: EngineConfig, path: string): Failure => ({
  kind: "unsupported",
  param: "engine",
  engine: id,
  message: `\`engine\`: \`${id}\` does not offer ${path.replace(/\?.*/, "")}. ${adapters[kind].label} may have to be started with the flag that allows it.`,
});

function failureOf(fault: EngineFault, engine: string): Failure {
  switch (fault.class) {
    case "client_fault": {
      const { status, message, code } = fault;
      return { kind: "engine_rejected", status, message, type: "invalid_request_error", code };
    }
    case "overload":
      return { kind: "engines_overloaded", retryAfterMs: fault.retryAfterMs ?? 2_000 };
    case "loading":
    case "failure":
      return { kind: "engine_failed", engine, message: fault.message };
  }
}
