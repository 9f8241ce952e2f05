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
};

/** Time between two ticks of a request that is under way, in milliseconds: several to a lease. */
export const TICK_MS = 2_000;

/**
 * The slots of one engine that this isolate holds. Below the engine's cap a request takes one without a call: leases
 * are renewed behind requests. Only when they run short does a request wait in the engine's object.
 */
export class Slots {
  #holder: Holder;
  #renewing = false;
  #served = { count: 0, totalMs: 0 };
  readonly #engine: () => EnginePort;
  readonly #now: () => number;
  readonly #learn: (status: EngineStatus) => void;
  /** Requests of this isolate that are at the engine. */
  inUse = 0;
  /** When one of them last failed there, in milliseconds since 1970. */
  lastFailureMs: number | undefined;

  constructor(
    holder: string,
    engine: () => EnginePort,
    now: () => number,
    /** Told what the object says of the engine, whenever it does. */
    learn: (status: EngineStatus) => void,
  ) {
    this.#holder = newHolder(holder);
    this.#engine = engine;
    this.#now = now;
    this.#learn = learn;
  }

  /** A slot, at once where this isolate has one; else it is waited for. `failing` makes a success worth telling. */
  enter(wish: Wish, failing: () => boolean): Slot | Promise<Result<Slot, Busy>> {
    const nowMs = this.#now();
    const { holder, taken } = take(this.#holder, nowMs);
    this.#holder = holder;
    if (!taken) return this.#wait(wish, failing, nowMs);
    this.#keep(wish.defer, nowMs);
    return this.#slot(wish.defer, failing, nowMs, 0);
  }

  async #wait(wish: Wish, failing: () => boolean, startedMs: number): Promise<Result<Slot, Busy>> {
    const { requestId: id, key, priority, deadlineMs, gone } = wish;
    for (;;) {
      // It counts as waiting in this one call only: from then on it is in the queue of the engine's object, and a slot that
      // comes free here goes back there, for another key's request may be before it.
      const asked = askFor(startWaiting(this.#holder), this.#now());
      this.#holder = stopWaiting(asked.holder);
      const entry = { id, key, priority, deadlineMs, holder: asked.ask.holder };
      const leave = () => void this.#engine().leave(id);
      gone.addEventListener("abort", leave, { once: true });
      // Whoever is not heard of loses its place.
      const timer = setInterval(() => this.#renew(wish.defer), TICK_MS);
      // A coordinator that is out of reach must not keep requests from engines that are there.
      const entered = await this.#engine()
        .enter(asked.ask, entry, this.#takeServed())
        .catch(() => undefined);
      clearInterval(timer);
      gone.removeEventListener("abort", leave);
      if (!entered) return ok(this.#slot(wish.defer, failing, this.#now(), this.#now() - startedMs, false));
      if ("refused" in entered) return err(entered.refused);
      this.#holder = accept(this.#holder, entered.got, this.#now());
      const { holder, taken } = take(this.#holder, this.#now());
      this.#holder = holder;
      // Another request of this isolate may have been quicker.
      if (taken) return ok(this.#slot(wish.defer, failing, this.#now(), this.#now() - startedMs));
      if (gone.aborted) return err({ reason: "the client left", retryAfterMs: 0 });
    }
  }

  #slot(defer: Defer, failing: () => boolean, sentMs: number, waitedMs: number, held = true): Slot {
    this.inUse += 1;
    let open = true;
    return {
      waitedMs,
      tick: () => this.#keep(defer, this.#now()),
      release: (outcome) => {
        if (!open) return;
        open = false;
        this.inUse -= 1;
        const nowMs = this.#now();
        if (held) this.#holder = release(this.#holder);
        if (outcome === "failure") this.lastFailureMs = nowMs;
        if (outcome !== "unused")
          this.#served = { count: this.#served.count + 1, totalMs: this.#served.totalMs + nowMs - sentMs };
        if (outcome === "failure" || (outcome === "success" && failing()))
          defer(this.#report({ type: outcome, sentMs }));
        this.#keep(defer, nowMs);
      },
    };
  }

  async #report(outcome: Outcome): Promise<void> {
    await this.#engine()
      .report([outcome])
      .then(this.#learn, () => undefined);
  }

  /** Renews the lease behind a request, where it is time to. */
  #keep(defer: Defer, nowMs: number): void {
    if (renewalDue(this.#holder, nowMs)) this.#renew(defer);
  }

  #renew(defer: Defer): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const asked = askFor(this.#holder, this.#now());
    this.#holder = asked.holder;
    defer(
      this.#engine()
        .renew(asked.ask, this.#takeServed())
        .then(({ answer, status }) => {
          this.#holder = accept(this.#holder, answer, this.#now());
          this.#learn(status);
        })
        .catch(() => undefined)
        .finally(() => {
          this.#renewing = false;
        }),
    );
  }

  #takeServed(): Served {
    const served = this.#served;
    this.#served = { count: 0, totalMs: 0 };
    return served;
  }
}
