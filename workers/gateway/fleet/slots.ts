import type { EnginePort, Outcome, Served } from "../../../shared/fleet/ports.ts";
import type { EngineStatus } from "../../../shared/fleet/snapshot.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import {
  type Holder,
  accept,
  askFor,
  newHolder,
  release,
  renewalDue,
  startWaiting,
  stopWaiting,
  take,
} from "../../../shared/routing/holder.ts";
import type { Priority } from "../../../shared/routing/priority.ts";
import type { Defer } from "../defer.ts";

/** How a request's use of a slot ended. `unused`: it was never sent. */
export type SlotOutcome = Outcome["type"] | "unused";

/** A request's right to be at an engine. */
export type Slot = {
  /** How long it was waited for, in milliseconds. */
  readonly waitedMs: number;
  /** Given back, with what has been seen of the engine. Only the first call counts. */
  release(outcome: SlotOutcome): void;
  /** To be called every {@link TICK_MS} while the slot is used: whoever comes first keeps the isolate's lease alive. */
  tick(): void;
};

/** Why there is no slot. */
export type Busy = { readonly reason: string; readonly retryAfterMs: number };

/** Who wants a slot, and how long it may take. */
export type Wish = {
  /** Waiting requests take turns by this: the caller's key. */
  readonly key: string;
  readonly priority: Priority;
  readonly deadlineMs: number;
  readonly requestId: string;
  readonly defer: Defer;
  readonly gone: AbortSignal;
  /** Called with every tick: the request is still under way. */
  readonly touch: () => void;
};

/** Time between two ticks of a request that is under way, in milliseconds: several to a lease. */
export const TICK_MS = 2_000;

/** How often a request tries to enter the queue of an object that does not answer. */
const ENTRIES_MAX = 2;
/** When to come back, where an engine is full and nobody knows for how long. */
const AWAY_RETRY_MS = 1_000;

/** Time after which a renewal that was not answered is made again, in milliseconds. */
const RENEWING_MS = 1_000;

/**
 * The slots of one engine that this isolate holds. Below the engine's cap a request takes one without a call: leases
 * are renewed behind requests. Only when they run short does a request wait in the engine's object.
 */
export class Slots {
  #holder: Holder;
  #renewingUntilMs = 0;
  /** Requests of this isolate that are in, or on their way to, the queue of the engine's object. */
  #queued = 0;
  #served = { count: 0, totalMs: 0 };
  readonly #engine: () => EnginePort;
  readonly #now: () => number;
  readonly #learn: (status: EngineStatus) => void;
  readonly #cap: () => number;
  /** Requests of this isolate that are at the engine. */
  inUse = 0;
  /** When one of them last failed there, in milliseconds since 1970. */
  lastFailureMs: number | undefined;
  /** Failures that the engine's object has not answered yet. */
  untold = 0;

  constructor(
    holder: string,
    engine: () => EnginePort,
    now: () => number,
    /** Told what the object says of the engine, whenever it does. */
    learn: (status: EngineStatus) => void,
    /** Requests that the engine may have at once: so many this isolate sends on its own while the object is away. */
    cap: () => number,
  ) {
    this.#holder = newHolder(holder);
    this.#engine = engine;
    this.#now = now;
    this.#learn = learn;
    this.#cap = cap;
  }

  /** A slot that this isolate has already. `failing` makes a success worth telling. */
  take(wish: Wish, failing: () => boolean): Slot | undefined {
    const nowMs = this.#now();
    if (!this.#takes(nowMs)) return undefined;
    this.#keep(wish.defer, nowMs);
    return this.#slot(wish, failing, nowMs, 0);
  }

  /** A slot that is free somewhere, without waiting for one; undefined where there is none. */
  async ask(wish: Wish, failing: () => boolean): Promise<Slot | undefined> {
    this.#holder = startWaiting(this.#holder);
    await this.#call();
    this.#holder = stopWaiting(this.#holder);
    return this.take(wish, failing);
  }

  /** A slot, after a place in the queue of the engine's object where none is free. */
  async wait(wish: Wish, failing: () => boolean): Promise<Result<Slot, Busy>> {
    const startedMs = this.#now();
    this.#queued += 1;
    // Whoever is not heard of loses its place.
    const timer = setInterval(() => this.#tick(wish), TICK_MS);
    const waited = await this.#queue(wish, failing, startedMs);
    clearInterval(timer);
    this.#queued -= 1;
    return waited;
  }

  async #queue(wish: Wish, failing: () => boolean, startedMs: number): Promise<Result<Slot, Busy>> {
    const { requestId: id, key, priority, deadlineMs, gone } = wish;
    let unheard = 0;
    for (;;) {
      // A listener that is added now would not be told.
      if (gone.aborted) return err({ reason: "the client left", retryAfterMs: 0 });
      // It counts as waiting in this one call only. From then on it is in the queue, and a slot that comes free here goes
      // back: another key's request may be before it. A renewal that asked for it as well would take its slot away.
      const { holder, ask } = askFor(startWaiting(this.#holder), this.#now());
      this.#holder = stopWaiting(holder);
      const entry = { id, key, priority, deadlineMs, holder: ask.holder };
      const leave = () =>
        wish.defer(
          this.#engine()
            .leave(id)
            .catch(() => undefined),
        );
      gone.addEventListener("abort", leave, { once: true });
      const entered = await this.#engine()
        .enter(ask, entry, this.#takeServed())
        .catch(() => undefined);
      gone.removeEventListener("abort", leave);
      const nowMs = this.#now();
      if (!entered) {
        unheard += 1;
        // It may have restarted, with its queue: then there is a new one.
        if (unheard < ENTRIES_MAX) continue;
        // A coordinator that is out of reach must not keep requests from an engine that is there; nor send it a flood.
        return this.inUse < this.#cap()
          ? ok(this.#slot(wish, failing, nowMs, nowMs - startedMs, false))
          : err({ reason: "full", retryAfterMs: AWAY_RETRY_MS });
      }
      if ("refused" in entered) return err(entered.refused);
      this.#holder = accept(this.#holder, entered.got, nowMs);
      // Another request of this isolate may have been quicker.
      if (this.#takes(nowMs)) return ok(this.#slot(wish, failing, nowMs, nowMs - startedMs));
    }
  }

  #takes(nowMs: number): boolean {
    const { holder, taken } = take(this.#holder, nowMs);
    this.#holder = holder;
    return taken;
  }

  #tick({ defer, touch }: Wish): void {
    this.#keep(defer, this.#now());
    touch();
  }

  #slot(wish: Wish, failing: () => boolean, sentMs: number, waitedMs: number, held = true): Slot {
    const { defer } = wish;
    this.inUse += 1;
    let open = true;
    return {
      waitedMs,
      tick: () => this.#tick(wish),
      release: (outcome) => {
        if (!open) return;
        open = false;
        this.inUse -= 1;
        const nowMs = this.#now();
        if (held) this.#holder = release(this.#holder);
        if (outcome === "failure") {
          this.lastFailureMs = nowMs;
          this.untold += 1;
        }
        if (outcome !== "unused")
          this.#served = { count: this.#served.count + 1, totalMs: this.#served.totalMs + nowMs - sentMs };
        if (outcome === "failure" || (outcome === "success" && failing()))
          defer(this.#report({ type: outcome, sentMs }));
        this.#keep(defer, nowMs);
      },
    };
  }

  async #report(outcome: Outcome): Promise<void> {
    const status = await this.#engine()
      .report([outcome])
      .catch(() => undefined);
    if (outcome.type === "failure") this.untold -= 1;
    if (status) this.#learn(status);
  }

  /** Renews the lease behind a request, where it is time to. */
  #keep(defer: Defer, nowMs: number): void {
    const { waiting, askedMs } = this.#holder;
    // Who has just asked has renewed it, and has still to take what is given for it.
    if (nowMs < this.#renewingUntilMs || (waiting > 0 && nowMs - askedMs < RENEWING_MS)) return;
    if (!renewalDue({ ...this.#holder, waiting: this.#queued }, nowMs)) return;
    if (this.#queued > 0) this.#holder = { ...this.#holder, contended: true };
    // A request that ends takes its calls along: a mark that only its answer takes away could stay for ever.
    this.#renewingUntilMs = nowMs + RENEWING_MS;
    defer(
      this.#call().then((heard) => {
        this.#renewingUntilMs = 0;
        // What came free meanwhile may be wanted elsewhere.
        if (heard) this.#keep(defer, this.#now());
      }),
    );
  }

  /** Tells the engine's object what this isolate has and wants; whether it was heard. */
  async #call(): Promise<boolean> {
    const { holder, ask } = askFor(this.#holder, this.#now());
    this.#holder = holder;
    const told = await this.#engine()
      .renew(ask, this.#takeServed())
      .catch(() => undefined);
    if (!told) return false;
    this.#holder = accept(this.#holder, told.answer, this.#now());
    this.#learn(told.status);
    return true;
  }

  #takeServed(): Served {
    const served = this.#served;
    this.#served = { count: 0, totalMs: 0 };
    return served;
  }
}
