import type { Usage } from "../../shared/contracts/common.ts";
import type { RequestRecord } from "../../shared/contracts/request-record.ts";
import type { Run } from "./run.ts";

// A record is bounded, for isolates keep many: what callers and engines write is cut.
/** Longest text that a caller chose: a path, the name of a model. */
const TEXT_CHARS_MAX = 200;
/** Most failed attempts, and most seams, that are told; the last ones count. */
const LIST_MAX = 8;

/** All that is told of a request: its log line, and its record for operators. Prompts and secrets are no part of a run. */
export function recordOf(run: Run, status: number, nowMs: number): RequestRecord {
  const { request, principal, attempts, seams, firstTokenMs, startedMs, usage } = run;
  const { queue, engine, overhead } = run.spentMs(nowMs);
  const model = run.model === undefined ? undefined : cut(run.model);
  return {
    at: new Date(nowMs).toISOString(),
    request: run.id,
    method: request.method,
    path: cut(pathOf(request.url)),
    status,
    operation: run.operation,
    key: principal?.id,
    workspace: principal?.workspaceId,
    model,
    model_id: run.modelId === model ? undefined : run.modelId,
    engine: run.engine,
    attempts: attempts.length > 0 ? attempts.slice(-LIST_MAX) : undefined,
    attempt_count: attempts.length > 0 ? run.attemptCount : undefined,
    priority: run.priority,
    pin: run.pin,
    outcome: run.outcome,
    continued: seams.length > 0 ? seams.slice(-LIST_MAX) : undefined,
    not_continued: run.notContinued,
    error: run.error,
    usage: usage && boundedUsage(usage),
    first_token_ms: firstTokenMs === undefined ? undefined : firstTokenMs - startedMs,
    queue_ms: queue,
    engine_ms: engine,
    overhead_ms: overhead,
    total_ms: queue + engine + overhead,
  };
}

const cut = (text: string): string => (text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text);

/** An engine may write whatever it likes beside the numbers that are known. */
function boundedUsage(usage: Usage): Usage {
  const { prompt_tokens, completion_tokens, total_tokens, estimated } = usage;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    ...(cached != null && { prompt_tokens_details: { cached_tokens: cached } }),
    ...(reasoning != null && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    ...(estimated && { estimated }),
  };
}

/** A URL's path, without parsing all of it. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? url.length : end);
}
