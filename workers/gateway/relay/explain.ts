import { idHeaders } from "../http/answer-headers.ts";
import type { Run } from "../run.ts";

/** The headers of every answer; those who may know are also told how it came about. */
export function answerHeaders(run: Run, contentType?: string): Record<string, string> {
  const headers = idHeaders(run);
  if (contentType !== undefined) headers["content-type"] = contentType;
  if (run.isExplained) Object.assign(headers, explanation(run));
  return headers;
}

/** Likewise for an error: only where engines were asked, or waited for, is there something to explain. */
export const failureHeaders = (run: Run): Record<string, string> =>
  run.attemptCount + run.attempts.length > 0 ? answerHeaders(run) : idHeaders(run);

/**
 * Engine, attempts and times of an answer whose headers leave now. The three times are the time that has passed since
 * the request arrived; of a stream, until its headers leave: its log line has the times of all of it.
 */
function explanation(run: Run): Record<string, string> {
  const { queue, engine, overhead } = run.spentMs();
  return {
    "x-eco-attempts": String(run.attemptCount),
    "x-eco-queue-ms": String(queue),
    "x-eco-engine-ms": String(engine),
    "x-eco-overhead-ms": String(overhead),
    ...(run.engine !== undefined && { "x-eco-engine": run.engine }),
  };
}
