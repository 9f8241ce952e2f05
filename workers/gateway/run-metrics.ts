import type { Run } from "./run.ts";

/** Counts a request whose last byte has gone. */
export function countRun(run: Run, status: number, nowMs: number): void {
  const { operation, outcome, usage, error, ports, startedMs } = run;
  const { metrics } = ports;
  const model = run.modelId ?? "";
  metrics.add("eco_requests_total", { operation, model, status: String(status) });
  metrics.observe("eco_request_seconds", { operation, model }, (nowMs - startedMs) / 1000);
  if (error !== undefined) metrics.add("eco_errors_total", { class: error });
  if (run.firstTokenMs !== undefined)
    metrics.observe(
      "eco_time_to_first_token_seconds",
      { engine: run.firstEngine ?? "", model },
      (run.firstTokenMs - startedMs) / 1000,
    );
  const gapMs = meanGapMs(run, nowMs);
  if (gapMs !== undefined)
    metrics.observe("eco_inter_token_seconds", { engine: run.firstEngine ?? "", model }, gapMs / 1000);
  if (outcome) metrics.add("eco_streams_total", { model, outcome });
  if (!usage) return;
  metrics.add("eco_tokens_total", { model, type: "prompt" }, usage.prompt_tokens);
  metrics.add("eco_tokens_total", { model, type: "completion" }, usage.completion_tokens);
  if (usage.estimated) metrics.add("eco_estimated_usage_total", { model });
}

/**
 * Mean time between two tokens of a stream. It is taken once, at the end: script on every chunk would cost more than all
 * else. A stream that broke off, or that several engines wrote, says nothing of an engine's pace.
 */
function meanGapMs({ outcome, firstTokenMs, usage, seams }: Run, nowMs: number): number | undefined {
  if (outcome !== "complete" || firstTokenMs === undefined || seams.length > 0) return undefined;
  const tokens = usage?.completion_tokens ?? 0;
  return tokens > 1 ? (nowMs - firstTokenMs) / (tokens - 1) : undefined;
}
