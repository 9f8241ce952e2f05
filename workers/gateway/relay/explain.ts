import type { Run } from "../run.ts";

/** The headers of every answer; those who may know are also told how it came about. */
export function answerHeaders(run: Run, contentType?: string): Record<string, string> {
  const headers: Record<string, string> = { "x-request-id": run.id };
  if (contentType !== undefined) headers["content-type"] = contentType;
  if (run.isExplained) Object.assign(headers, explanation(run));
  return headers;
}

/** Engine, attempts and times of an answer whose headers leave now. */
export function explanation(run: Run): Record<string, string> {
  const elapsedMs = run.ports.now() - run.startedMs;
  return {
    "x-eco-request-id": run.id,
    "x-eco-attempts": String(run.attemptCount),
    "x-eco-queue-ms": String(run.queuedMs),
    "x-eco-overhead-ms": String(Math.max(0, elapsedMs - run.queuedMs - run.engineMs)),
    ...(run.engine !== undefined && { "x-eco-engine": run.engine }),
  };
}
