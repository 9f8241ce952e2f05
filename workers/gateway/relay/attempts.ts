import type { EngineCall, EngineRequest, Exchange } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import type { PartsMs } from "../../../shared/metrics/time-parts.ts";
import { type Attempted, RETRY_POLICY, nextStep } from "../../../shared/routing/retry.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import type { Slot, SlotOutcome } from "../fleet/slots.ts";
import { type AttemptFault, busy, failureOf } from "./attempt.ts";
import { type Job, callOf } from "./job.ts";
import { sleep } from "./within.ts";

/** A request that is at an engine, and the slot that it holds until its answer is over. */
type Sent = {
  readonly place: Place<Endpoint>;
  readonly slot: Slot;
  /** What the run's time had been spent on before. */
  readonly before: PartsMs;
};

/** An attempt that gave an answer. */
export type Try<T> = Sent & { readonly value: T };

/** How a request is put to an engine, and what is made of its answer. */
export type Offer<Body, E, T> = {
  /** What the engine has for this operation; absent where it has nothing. */
  exchangeOf(endpoint: Endpoint): E | undefined;
  /** What to send: one request, or one for each choice. */
  encode(call: EngineCall<Body>, exchange: E, engine: Endpoint): Result<readonly EngineRequest[], Failure>;
  attempt(
    place: Place<Endpoint>,
    requests: readonly EngineRequest[],
    exchange: E,
    call: EngineCall<Body>,
    /** To be called every so often while the attempt goes on: it keeps the slot. */
    tick: () => void,
  ): Promise<Result<T, AttemptFault>>;
};

/**
 * The attempts at one request, by the rules of shared/routing/retry.ts: every engine of the model in the order of the
 * plan, then again after growing delays. What each engine has failed at is remembered when a stream breaks off and
 * others are asked to go on.
 */
export class Attempts<Body extends { model: string }> {
  readonly #job: Job<Body>;
  readonly #failed: Attempted[] = [];
  /** Engines that would say the same again, or of which it is known that they cannot. */
  readonly #spent = new Set<Endpoint>();
  #sent = 0;
  #refusal: Failure | undefined;
  #last: { fault: AttemptFault; engine: Endpoint } | undefined;

  constructor(job: Job<Body>) {
    this.#job = job;
  }

  /** The first good answer; or why there is none. */
  async first<E extends Exchange<Body, unknown>, T>(
    offer: Offer<Body, E, T>,
  ): Promise<Result<Try<T>, Failure>> {
    let place = this.#failed.length === 0 ? this.#plan()[0] : await this.#next();
    while (place) {
      const tried = await this.#try(place, offer);
      if (tried) return tried;
      place = await this.#next();
    }
    return err(this.#job.clientGone.aborted ? { kind: "client_gone" } : this.#failure());
  }

  /** An attempt is over whose answer was good, or whose client has left. */
  end({ place, slot, before }: Sent, outcome: SlotOutcome): void {
    const { run } = this.#job;
    slot.release(outcome);
    const seconds = (run.spentMs().engine - before.engine) / 1000;
    run.ports.metrics.observe("eco_engine_request_seconds", { engine: place.engine.id }, seconds);
  }

  /** An engine broke off in the middle of its answer: others are asked before it. */
  brokeOff(sent: Sent, fault: AttemptFault): void {
    const { place, before } = sent;
    this.end(sent, verdictOf(fault));
    this.#note(place.engine, fault, before);
    // What stopped by itself, or said that it cannot, would do so again. A connection may hold the next time.
    if (!fault.lost) this.#spent.add(place.engine);
  }

  #plan(): readonly Place<Endpoint>[] {
    const { places, ask, run } = this.#job;
    const open = this.#spent.size === 0 ? places : places.filter(({ engine }) => !this.#spent.has(engine));
    return run.ports.fleet.plan(open, ask);
  }

  /** Whom to ask next, after as long a wait as it takes; undefined where there is nobody. */
  async #next(): Promise<Place<Endpoint> | undefined> {
    const { run, clientGone } = this.#job;
    const { ports, startedMs } = run;
    const places = this.#plan().filter(
      ({ engine }) => this.#triesOf(engine) <= (engine.config.retriesMax ?? RETRY_POLICY.retriesMax),
    );
    const order = places.map(({ engine }) => engine.id);
    const policy = { ...RETRY_POLICY, delayMsBase: ports.config.RETRY_BASE_MS, retriesMax: Infinity };
    const deadlineMs = startedMs + ports.config.TOTAL_TIMEOUT_MS;
    const step = nextStep({ order, attempts: this.#failed }, ports.now(), deadlineMs, policy, ports.random);
    if (step.do === "give_up") return undefined;
    if (this.#failed.length > 0)
      ports.metrics.add("eco_retries_total", { engine: step.engine, kind: step.do });
    if (step.do === "retry") await run.spend("queue", sleep(step.delayMs, clientGone));
    return clientGone.aborted ? undefined : places.find(({ engine }) => engine.id === step.engine);
  }

  #triesOf({ id }: Endpoint): number {
    return this.#failed.filter(({ engine }) => engine === id).length;
  }

  /** Undefined where it failed, and another may do better. */
  async #try<E extends Exchange<Body, unknown>, T>(
    place: Place<Endpoint>,
    offer: Offer<Body, E, T>,
  ): Promise<Result<Try<T>, Failure> | undefined> {
    const { run, clientGone, body, ask } = this.#job;
    const { fleet, metrics } = run.ports;
    const { engine } = place;
    const exchange = offer.exchangeOf(engine);
    const call = callOf(this.#job, place, this.#sent);
    const encoded = exchange ? offer.encode(call, exchange, engine) : notOffered(engine);
    if (!exchange || !encoded.ok) {
      // Another engine of the model may be able to do it.
      if (!encoded.ok) this.#refusal ??= encoded.error;
      this.#spent.add(engine);
      return undefined;
    }
    const before = run.spentMs();
    const entering = fleet.enter(engine, ask);
    const entered = entering instanceof Promise ? await run.spend("queue", entering) : entering;
    const waitedMs = run.spentMs().queue - before.queue;
    metrics.observe("eco_queue_wait_seconds", { engine: engine.id, priority: ask.priority }, waitedMs / 1000);
    if (!entered.ok) {
      const reason = clientGone.aborted ? "client_gone" : entered.error.reason;
      metrics.add("eco_queue_refusals_total", { engine: engine.id, reason });
      this.#note(engine, busy(entered.error), before);
      return undefined;
    }
    const slot = entered.value;
    if (clientGone.aborted) {
      slot.release("unused");
      return err({ kind: "client_gone" });
    }
    run.engine = engine.id;
    this.#sent += 1;
    run.attemptCount += 1;
    const answer = await run.spend("engine", offer.attempt(place, encoded.value, exchange, call, slot.tick));
    const sent = { place, slot, before };
    const gone = !answer.ok && clientGone.aborted;
    metrics.add("eco_engine_attempts_total", {
      engine: engine.id,
      outcome: answer.ok ? "answered" : gone ? "client_gone" : outcomeOf(answer.error),
    });
    if (answer.ok) return ok({ ...sent, value: answer.value });
    if (gone) {
      this.end(sent, "client_fault");
      return err({ kind: "client_gone" });
    }
    const fault = answer.error;
    this.end(sent, verdictOf(fault));
    this.#note(engine, fault, before);
    // The time that an answer may take is spent, or another engine would say the same.
    if (fault.timeout === "answer" || fault.class === "client_fault")
      return err(failureOf(inFieldsOf(body, fault), engine.id, body.model));
    // It was waited for already, or will not be there in a few seconds.
    if (fault.timeout || fault.class === "loading") this.#spent.add(engine);
    return undefined;
  }

  #note(engine: Endpoint, fault: AttemptFault, before: PartsMs): void {
    const { run } = this.#job;
    const spent = run.spentMs();
    const ms = spent.engine - before.engine;
    const waitedMs = spent.queue - before.queue;
    this.#last = { fault, engine };
    this.#failed.push({ engine: engine.id, fault, endedMs: run.ports.now() });
    const reason = fault.message.slice(0, REASON_CHARS_MAX);
    run.attempts.push({ engine: engine.id, reason, ms, ...(waitedMs > 0 && { queue_ms: waitedMs }) });
  }

  /** Why there is no answer. */
  #failure(): Failure {
    const { run, body } = this.#job;
    const unavailable = {
      kind: "engines_unavailable",
      model: body.model,
      attempts: run.attempts,
      retryAfterMs: 5_000,
    } as const;
    if (!this.#last) return this.#refusal ?? unavailable;
    const { fault, engine } = this.#last;
    // Nobody was there at all: that is about the fleet, not about one engine's failure.
    if (fault.unreachable) return unavailable;
    return failureOf(inFieldsOf(body, fault), engine.id, body.model);
  }
}

/** Longest reason that is told of an attempt: an engine's own words may be a page. */
const REASON_CHARS_MAX = 200;

/** What a fault says of the engine. An answer that was too long for its time is nobody's failure. */
const verdictOf = (fault: AttemptFault): SlotOutcome =>
  fault.class === "loading" || fault.timeout === "answer" ? "overload" : fault.class;

const outcomeOf = (fault: AttemptFault): string => (fault.timeout ? "timeout" : fault.class);

const notOffered = ({ id, adapter }: Endpoint) =>
  err({
    kind: "unsupported",
    param: "model",
    engine: id,
    message: `This operation is not offered by ${adapter.label} (engine \`${id}\`).`,
  } as const);

/** An overflow of the context is about the field that holds the text, which depends on the operation. */
export function inFieldsOf(body: object, fault: AttemptFault): AttemptFault {
  if (fault.code !== "context_length_exceeded") return fault;
  return { ...fault, param: ["messages", "prompt", "documents"].find((name) => name in body) ?? "input" };
}
