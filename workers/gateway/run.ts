import { may } from "../../shared/auth/permissions.ts";
import type { Principal } from "../../shared/auth/principal.ts";
import type { Usage } from "../../shared/contracts/common.ts";
import type { FailedAttempt } from "../../shared/contracts/request-record.ts";
import type { Failure } from "../../shared/kernel/failure.ts";
import { type RequestId, requestIdFrom } from "../../shared/kernel/ids.ts";
import { type PartsMs, type TimePart, TimeParts } from "../../shared/metrics/time-parts.ts";
import type { Priority } from "../../shared/routing/priority.ts";
import type { Price } from "../../shared/usage/price.ts";
import type { Defer, Ports } from "./ports.ts";
import { bookingOf } from "./ledger/booking.ts";
import type { Admission } from "./ledger/ledgers.ts";
import { countRun } from "./run-metrics.ts";
import { recordOf } from "./run-record.ts";

/** How a streamed answer ended. */
export type StreamOutcome = "complete" | "client_gone" | "engine_failed" | "timeout";

/** Interval at which an isolate hands its numbers over, in milliseconds. */
const FLUSH_MS = 5_000;
let flushDueMs = 0;

/**
 * One request from its arrival to the last byte of its answer: the id it is known by, and everything that its one log
 * line, its metrics and its record for operators will say.
 */
export class Run {
  readonly id: RequestId;
  readonly startedMs: number;
  readonly defer: Defer;
  readonly ports: Ports;
  readonly request: Request;
  /** The attempts that gave no answer, or broke off in the middle of one. */
  readonly attempts: FailedAttempt[] = [];
  principal: Principal | undefined;
  /** The session of a person who has signed in. */
  sessionId: string | undefined;
  operation = "other";
  /** The model as the caller names it, and its id: the one name by which metrics know it. */
  model: string | undefined;
  modelId: string | undefined;
  engine: string | undefined;
  outcome: StreamOutcome | undefined;
  usage: Usage | undefined;
  error: Failure["kind"] | undefined;
  priority: Priority | undefined;
  pin: string | undefined;
  /** Why no engine went on with an answer that broke off. */
  notContinued: string | undefined;
  /** Requests that were sent to engines. */
  attemptCount = 0;
  readonly seams: { readonly from: string; readonly to: string | undefined }[] = [];
  /** When the first event of the answer came, and from which engine. */
  firstTokenMs: number | undefined;
  firstEngine: string | undefined;
  /** The right to be served, with what is set aside for it, and what its model costs. */
  admission: Admission | undefined;
  price: Price | undefined;
  readonly #time: TimeParts;
  #measured: (() => Usage) | undefined;
  #streams = false;
  #settled = false;
  #finished = false;

  constructor(ports: Ports, defer: Defer, request: Request) {
    this.request = request;
    this.id = requestIdFrom(ports.uuid());
    this.startedMs = ports.now();
    this.#time = new TimeParts(this.startedMs);
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
    return this.principal !== undefined && may(this.principal, "engines:manage");
  }

  /** Counts the time of `work` as that part. What is before and behind it is the platform's own. */
  async spend<T>(part: TimePart, work: Promise<T>): Promise<T> {
    const { now } = this.ports;
    this.#time.enter(part, now());
    try {
      return await work;
    } finally {
      this.#time.enter("overhead", now());
    }
  }

  /** What the time from its arrival until now was spent on, in milliseconds. */
  spentMs(nowMs = this.ports.now()): PartsMs {
    return this.#time.at(nowMs);
  }

  /** The first event of the answer has come. */
  firstToken(): void {
    if (this.firstTokenMs !== undefined) return;
    this.firstTokenMs = this.ports.now();
    this.firstEngine = this.engine;
  }

  /** An engine broke off in the middle of the answer, and another went on with it, or none could. */
  continued(from: string, to: string | undefined): void {
    this.seams.push({ from, to });
    this.ports.metrics.add("eco_continuations_total", {
      model: this.modelId ?? "",
      outcome: to === undefined ? "failed" : "continued",
    });
  }

  /** The usage of an answer that is still being sent: asked for when nothing more will be. */
  measure(usage: () => Usage): void {
    this.#measured = usage;
  }

  /** It is still under way. */
  touch(): void {
    this.admission?.touch();
  }

  /** Has what was used booked, once. To be waited for before the client may know that its answer has ended. */
  async settle(): Promise<void> {
    if (!this.admission || this.#settled) return;
    this.#settled = true;
    this.usage ??= this.#measured?.();
    await this.admission.settle(bookingOf(this));
  }

  /** A bug of ours: its details go to the log, under this request's id. */
  fail(error: unknown): void {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    this.ports.log({ level: "error", request: this.id, message, stack });
  }

  /** Writes the log line, counts, and keeps the record. Called once, when nothing more will be sent. */
  finish(status: number): void {
    if (this.#finished) return;
    this.#finished = true;
    this.usage ??= this.#measured?.();
    const { ports } = this;
    const nowMs = ports.now();
    countRun(this, status, nowMs);
    const record = recordOf(this, status, nowMs);
    if (ports.config.LOG_REQUESTS) ports.log(record);
    ports.requests.add(record);
    // Whatever waits for the flush keeps the request to a silent engine open as well: then it does not wait.
    this.#scheduleFlush(nowMs, status === 504 ? 0 : FLUSH_MS);
  }

  /** At most one flush per interval and isolate; what comes after it waits for the next request or the next scrape. */
  #scheduleFlush(nowMs: number, waitMs: number): void {
    if (nowMs < flushDueMs) return;
    flushDueMs = nowMs + waitMs;
    this.defer(new Promise<void>((resolve) => setTimeout(resolve, waitMs)).then(() => this.ports.flush()));
  }
}
