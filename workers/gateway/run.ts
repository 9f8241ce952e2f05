import type { Principal } from "../../shared/auth/principal.ts";
import type { Usage } from "../../shared/contracts/common.ts";
import type { AttemptReport } from "../../shared/kernel/failure.ts";
import { type RequestId, requestIdFrom } from "../../shared/kernel/ids.ts";
import type { Defer, Ports } from "./ports.ts";

/** How a streamed answer ended. */
export type StreamOutcome = "complete" | "client_gone" | "engine_failed" | "timeout";

/** Interval at which an isolate hands its numbers over, in milliseconds. */
const FLUSH_MS = 5_000;
let flushDueMs = 0;

/**
 * One request from its arrival to the last byte of its answer: the id it is known by, and everything that its one log
 * line and its metrics will say.
 */
export class Run {
  readonly id: RequestId;
  readonly startedMs: number;
  readonly defer: Defer;
  readonly ports: Ports;
  readonly attempts: AttemptReport[] = [];
  principal: Principal | undefined;
  operation = "other";
  model: string | undefined;
  engine: string | undefined;
  outcome: StreamOutcome | undefined;
  usage: Usage | undefined;
  error: string | undefined;
  /** Time that the request has waited for slots, in milliseconds. */
  queuedMs = 0;
  /** Time that it has been at engines until their first word, in milliseconds. */
  engineMs = 0;
  /** Why no engine went on with an answer that broke off. */
  notContinued: string | undefined;
  /** Requests that were sent to engines. */
  attemptCount = 0;
  readonly seams: { readonly from: string; readonly to: string | undefined }[] = [];
  #measured: (() => Usage) | undefined;
  #firstTokenMs: number | undefined;
  #streams = false;
  #finished = false;

  readonly #request: Request;

  constructor(ports: Ports, defer: Defer, request: Request) {
    this.#request = request;
    this.id = requestIdFrom(ports.uuid());
    this.startedMs = ports.now();
    this.defer = defer;
    this.ports = ports;
  }

  /** The answer goes on after its headers: the run ends with its last byte, not with the handler. */
  streams(): void {
    this.#streams = true;
  }

  get isStreaming(): boolean {
    return this.#streams;
  }

  /** Whether whoever asks may know which engine answered, and how that came about. */
  get isExplained(): boolean {
    return this.principal?.role === "admin";
  }

  /** The first event of the answer has come. */
  firstToken(): void {
    this.#firstTokenMs ??= this.ports.now();
  }

  /** An engine broke off in the middle of the answer, and another went on with it, or none could. */
  continued(from: string, to: string | undefined): void {
    this.seams.push({ from, to });
    this.ports.metrics.add("eco_continuations_total", {
      model: this.model ?? "",
      outcome: to === undefined ? "failed" : "continued",
    });
  }

  /** The usage of an answer that is still being sent: asked for when nothing more will be. */
  measure(usage: () => Usage): void {
    this.#measured = usage;
  }

  /** A bug of ours: its details go to the log, under this request's id. */
  fail(error: unknown): void {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    this.ports.log({ level: "error", request: this.id, message, stack });
  }

  /** Writes the log line and counts. Called once, when nothing more will be sent. */
  finish(status: number): void {
    if (this.#finished) return;
    this.#finished = true;
    this.usage ??= this.#measured?.();
    const { ports, usage } = this;
    const nowMs = ports.now();
    const { metrics } = ports;
    const model = this.model ?? "";
    metrics.add("eco_requests_total", { operation: this.operation, model, status: String(status) });
    metrics.observe(
      "eco_request_seconds",
      { operation: this.operation, model },
      (nowMs - this.startedMs) / 1000,
    );
    if (this.#firstTokenMs !== undefined)
      metrics.observe(
        "eco_time_to_first_token_seconds",
        { model },
        (this.#firstTokenMs - this.startedMs) / 1000,
      );
    if (this.outcome) metrics.add("eco_streams_total", { model, outcome: this.outcome });
    if (usage) {
      metrics.add("eco_tokens_total", { model, type: "prompt" }, usage.prompt_tokens);
      metrics.add("eco_tokens_total", { model, type: "completion" }, usage.completion_tokens);
      if (usage.estimated) metrics.add("eco_estimated_usage_total", { model });
    }
    if (ports.config.LOG_REQUESTS) {
      ports.log({
        at: new Date(nowMs).toISOString(),
        request: this.id,
        method: this.#request.method,
        path: pathOf(this.#request.url),
        status,
        operation: this.operation,
        key: this.principal?.keyId,
        workspace: this.principal?.workspaceId,
        model: this.model,
        engine: this.engine,
        attempts: this.attempts.length > 0 ? this.attempts : undefined,
        queue_ms: this.queuedMs > 0 ? this.queuedMs : undefined,
        outcome: this.outcome,
        continued: this.seams.length > 0 ? this.seams : undefined,
        not_continued: this.notContinued,
        error: this.error,
        usage,
        first_token_ms: this.#firstTokenMs === undefined ? undefined : this.#firstTokenMs - this.startedMs,
        total_ms: nowMs - this.startedMs,
      });
    }
    // Whatever waits for the flush keeps the request to a silent engine open as well: then it does not wait.
    this.#scheduleFlush(nowMs, status === 504 ? 0 : FLUSH_MS);
  }

  /** At most one flush per interval and isolate; what comes after it waits for the next request or the next scrape. */
  #scheduleFlush(nowMs: number, waitMs: number): void {
    if (nowMs < flushDueMs) return;
    flushDueMs = nowMs + waitMs;
    this.defer(
      new Promise<void>((resolve) => setTimeout(resolve, waitMs)).then(() => this.ports.flushMetrics()),
    );
  }
}

/** A URL's path, without parsing all of it. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? url.length : end);
}
