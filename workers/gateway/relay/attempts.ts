import type { EngineCall, EngineRequest, Exchange } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import type { PartsMs } from "../../../shared/metrics/time-parts.ts";
import { nextMove } from "../../../shared/routing/next-move.ts";
import { type Attempted, RETRY_POLICY } from "../../../shared/routing/retry.ts";
import { type Endpoint, circuitOf } from "../fleet/fleet.ts";
import type { Slot, SlotOutcome } from "../fleet/slots.ts";
import { type AttemptFault, busy, failureOf } from "./attempt.ts";
import { type Job, callOf } from "./job.ts";
import { reasonOf } from "./reason.ts";
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

/** Whose turn it is, and whether the request waits for it where it is full. */
type Turn = { readonly place: Place<Endpoint>; readonly waits: boolean };

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
  /** Engines that had no slot since the last attempt, and those of them whose queue did not take the request either. */
  readonly #full = new Set<string>();
  readonly #refused = new Set<string>();
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
    let turn = this.#failed.length === 0 ? this.#begin() : await this.#next();
    while (turn) {
      const tried = await this.#try(turn, offer);
      if (tried) return tried;
      turn = await this.#next();
    }
    return err(this.#job.clientGone.aborted ? { kind: "client_gone" } : this.#failure());
  }

  /** The first turn of all. Where there is one engine alone, there is no other to ask before one waits for it. */
  #begin(): Turn | undefined {
    const places = this.#plan();
    const [place] = places;
    return place && { place, waits: places.length === 1 };
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

  /** Whom to ask next, after as long a pause as it takes; undefined where there is nobody. */
  async #next(): Promise<Turn | undefined> {
    const { run, clientGone } = this.#job;
    const { ports, startedMs } = run;
    const places = this.#plan().filter(
      ({ engine }) => this.#triesOf(engine) <= (engine.config.retriesMax ?? RETRY_POLICY.retriesMax),
    );
    const order = places.map(({ engine }) => engine.id);
    const journey = { order, attempts: this.#failed, full: [...this.#full], refused: [...this.#refused] };
    const policy = { ...RETRY_POLICY, delayMsBase: ports.config.RETRY_BASE_MS, retriesMax: Infinity };
    const deadlineMs = startedMs + ports.config.TOTAL_TIMEOUT_MS;
    const move = nextMove(journey, ports.now(), deadlineMs, policy, ports.random);
    if (clientGone.aborted || move.do === "give_up") return undefined;
    if (move.do === "pause") {
      await run.spend("queue", sleep(move.delayMs, clientGone));
      this.#forget();
    }
    const place = places.find(({ engine }) => engine.id === move.engine);
    return clientGone.aborted || !place ? undefined : { place, waits: move.do === "wait" };
  }

  /** Much can have changed: engines that were full may have room. */
  #forget(): void {
    this.#full.clear();
    this.#refused.clear();
  }

  #triesOf({ id }: Endpoint): number {
    return this.#failed.filter(({ engine }) => engine === id).length;
  }

  /** Undefined where it failed, and another may do better. */
  async #try<E extends Exchange<Body, unknown>, T>(
    { place, waits }: Turn,
    offer: Offer<Body, E, T>,
  ): Promise<Result<Try<T>, Failure> | undefined> {
    const { run, clientGone, body } = this.#job;
    const { metrics } = run.ports;
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
    const slot = run.ports.fleet.take(engine, this.#job.ask) ?? (await this.#obtain(engine, waits, before));
    if (!slot) return undefined;
    if (clientGone.aborted) {
      slot.release("unused");
      return err({ kind: "client_gone" });
    }
    this.#count(engine, before);
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

  /** A slot that this isolate has not yet; undefined where there is none, or none any more. */
  async #obtain(engine: Endpoint, waits: boolean, before: PartsMs): Promise<Slot | undefined> {
    const { run, ask, clientGone } = this.#job;
    const { fleet, metrics } = run.ports;
    const entered = await run.spend(
      "queue",
      waits ? fleet.wait(engine, ask) : fleet.ask(engine, ask).then((slot) => slot && ok(slot)),
    );
    if (!entered) {
      this.#full.add(engine.id);
      return undefined;
    }
    if (!entered.ok) {
      const reason = clientGone.aborted ? "client_gone" : entered.error.reason;
      metrics.add("eco_queue_refusals_total", { engine: engine.id, reason });
      this.#countWait(engine, before);
      this.#full.add(engine.id);
      this.#refused.add(engine.id);
      this.#say(engine, busy(entered.error), before);
      return undefined;
    }
    // It may have opened while the request waited.
    if (circuitOf(engine) === "closed") return entered.value;
    entered.value.release("unused");
    this.#full.add(engine.id);
    return undefined;
  }

  /** Counts a request that is about to be sent: how long it waited for its slot, and whether it was sent before. */
  #count(engine: Endpoint, before: PartsMs): void {
    this.#countWait(engine, before);
    if (this.#failed.length === 0) return;
    const kind = this.#triesOf(engine) > 0 ? "retry" : "failover";
    this.#job.run.ports.metrics.add("eco_retries_total", { engine: engine.id, kind });
  }

  #countWait({ id: engine }: Endpoint, before: PartsMs): void {
    const { run, ask } = this.#job;
    const seconds = (run.spentMs().queue - before.queue) / 1000;
    run.ports.metrics.observe("eco_queue_wait_seconds", { engine, priority: ask.priority }, seconds);
  }

  #note(engine: Endpoint, fault: AttemptFault, before: PartsMs): void {
    this.#failed.push({ engine: engine.id, fault, endedMs: this.#job.run.ports.now() });
    this.#forget();
    this.#say(engine, fault, before);
  }

  /** What the log, and in short the caller, are told of an engine that did not serve. */
  #say(engine: Endpoint, fault: AttemptFault, before: PartsMs): void {
    const { run } = this.#job;
    const spent = run.spentMs();
    const ms = spent.engine - before.engine;
    const waitedMs = spent.queue - before.queue;
    this.#last = { fault, engine };
    const reason = reasonOf(fault);
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
