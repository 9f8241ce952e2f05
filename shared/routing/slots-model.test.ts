import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Holder,
  accept,
  askFor,
  limitOf,
  newHolder,
  release,
  startWaiting,
  stopWaiting,
  take,
} from "./holder.ts";
import { CLOCK_MARGIN_MS, EMPTY_LEDGER, LEASE_MS, type SlotLedger } from "./lease.ts";
import { freeSlots, grant, handOver, isKeptBy, restored, toKeep, usageOf } from "./slots.ts";

// Holders and a ledger in random histories: messages are lost, doubled, overtake each other and come many seconds late;
// clocks differ by all that is allowed; isolates die, and so does the memory of the object.

const HOLDERS = 4;
const CAP = 5;
const DELAY_MS_MAX = 12_000;

type Step = {
  readonly kind: "start" | "end" | "renew" | "give_up" | "hand_over" | "crash" | "restart";
  readonly holder: number;
  readonly gapMs: number;
  /** Delays of the copies of a message there and of the answers back; none where all are lost. */
  readonly thereMs: readonly number[];
  readonly backMs: readonly number[];
};

const delay = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 100 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: DELAY_MS_MAX }) },
);
const copies = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(delay) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.tuple(delay, delay) },
);
const kind = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Step["kind"]>("start") },
  { weight: 5, arbitrary: fc.constant<Step["kind"]>("renew") },
  { weight: 4, arbitrary: fc.constantFrom<Step["kind"]>("end", "hand_over") },
  { weight: 1, arbitrary: fc.constant<Step["kind"]>("give_up") },
);
const rare = fc.oneof(
  { weight: 20, arbitrary: kind },
  { weight: 1, arbitrary: fc.constantFrom<Step["kind"]>("crash", "restart") },
);
const stepsOf = (kinds: fc.Arbitrary<Step["kind"]>) =>
  fc.array(
    fc.record({
      kind: kinds,
      holder: fc.nat({ max: HOLDERS - 1 }),
      gapMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 3_000 })),
      thereMs: copies,
      backMs: copies,
    }),
    { minLength: 20, maxLength: 150, size: "max" },
  );
const skews = fc.array(fc.integer({ min: -CLOCK_MARGIN_MS, max: CLOCK_MARGIN_MS }), {
  minLength: HOLDERS,
  maxLength: HOLDERS,
});

class World {
  nowMs = 1_000_000;
  ledger: SlotLedger = EMPTY_LEDGER;
  #kept: SlotLedger = EMPTY_LEDGER;
  readonly holders: Holder[];
  /** Messages under way. */
  #due: { atMs: number; deliver: () => void }[] = [];
  #lives = 0;
  readonly #skewsMs: readonly number[];
  readonly #measure: (world: World) => number;
  /** The highest that was ever measured. */
  most = 0;

  constructor(skewsMs: readonly number[], measure: (world: World) => number) {
    this.#skewsMs = skewsMs;
    this.#measure = measure;
    this.holders = skewsMs.map(() => this.#born());
  }

  #check(): void {
    this.most = Math.max(this.most, this.#measure(this));
  }

  #born = (): Holder => newHolder(`isolate-${this.#lives++}`);

  clockMs = (at: number): number => this.nowMs + (this.#skewsMs[at] ?? 0);

  limits = (): number => this.holders.reduce((sum, holder, at) => sum + limitOf(holder, this.clockMs(at)), 0);

  inUse = (): number => this.holders.reduce((sum, holder) => sum + holder.inUse, 0);

  wait(gapMs: number): void {
    const untilMs = this.nowMs + gapMs;
    for (;;) {
      const soonest = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (!soonest || soonest.atMs > untilMs) break;
      this.nowMs = soonest.atMs;
      this.#due = this.#due.filter((each) => each !== soonest);
      soonest.deliver();
      this.#check();
    }
    this.nowMs = untilMs;
    this.#check();
  }

  step({ kind, holder: at, thereMs, backMs }: Step): void {
    const holder = this.holders[at];
    if (!holder) return;
    const changes: Record<Step["kind"], () => void> = {
      start: () => this.#start(at, holder, thereMs, backMs),
      end: () => (this.holders[at] = release(holder)),
      give_up: () => (this.holders[at] = stopWaiting(holder)),
      crash: () => (this.holders[at] = this.#born()),
      restart: () => (this.ledger = restored(this.#kept, this.nowMs)),
      renew: () => this.#call(at, holder, thereMs, backMs),
      hand_over: () => this.#handOver(at, holder, backMs),
    };
    changes[kind]();
    this.#check();
  }

  #start(at: number, before: Holder, thereMs: readonly number[], backMs: readonly number[]): void {
    const { holder, taken } = take(before, this.clockMs(at));
    this.holders[at] = holder;
    if (!taken) this.#call(at, startWaiting(holder), thereMs, backMs);
  }

  #call(at: number, before: Holder, thereMs: readonly number[], backMs: readonly number[]): void {
    const { holder, ask } = askFor(before, this.clockMs(at));
    this.holders[at] = holder;
    this.#send(thereMs, () => {
      const granted = grant(this.ledger, ask, this.nowMs, { cap: CAP, waiting: 0 });
      this.#lend(granted.ledger);
      this.#answer(at, holder.id, granted.answer, backMs);
    });
  }

  #handOver(at: number, { id }: Holder, backMs: readonly number[]): void {
    if (freeSlots(this.ledger, this.nowMs, CAP) === 0) return;
    const granted = handOver(this.ledger, id, { cap: CAP, waiting: 1 });
    if (!granted) return;
    this.#lend(granted.ledger);
    this.#answer(at, id, granted.answer, backMs);
  }

  #lend(ledger: SlotLedger): void {
    this.ledger = ledger;
    if (!isKeptBy(this.#kept, ledger)) this.#kept = toKeep(ledger, this.nowMs);
  }

  #answer(at: number, id: string, answer: Parameters<typeof accept>[1], backMs: readonly number[]): void {
    this.#send(backMs, () => {
      const before = this.holders[at];
      // The isolate that asked may be dead, and another one in its place.
      if (before?.id !== id) return;
      let holder = accept(before, answer, this.clockMs(at));
      while (holder.waiting > 0) {
        const next = take(holder, this.clockMs(at));
        if (!next.taken) break;
        holder = stopWaiting(next.holder);
      }
      this.holders[at] = holder;
    });
  }

  #send(delaysMs: readonly number[], deliver: () => void): void {
    for (const delayMs of delaysMs) this.#due.push({ atMs: this.nowMs + delayMs, deliver });
  }
}

/** What is measured after every step is never above `most`; `end` sees the world after the last one. */
function expectInEveryWorld(
  kinds: fc.Arbitrary<Step["kind"]>,
  measure: (world: World) => number,
  most: number,
  end?: (world: World) => void,
): void {
  fc.assert(
    fc.property(stepsOf(kinds), skews, (steps, skewsMs) => {
      const world = new World(skewsMs, measure);
      for (const step of steps) {
        world.wait(step.gapMs);
        world.step(step);
      }
      expect(world.most).toBeLessThanOrEqual(most);
      end?.(world);
    }),
    { numRuns: 3_000 },
  );
}

describe("slots, whatever happens to messages, isolates and memories", () => {
  it("never lets holders use more of them together than there are", () => {
    let full = 0;
    expectInEveryWorld(
      rare,
      (world) => world.limits(),
      CAP,
      ({ most }) => (full += most === CAP ? 1 : 0),
    );
    expect(full).toBeGreaterThan(50);
  });

  it("are never lent to more than there are, while the ledger remembers", () => {
    expectInEveryWorld(kind, ({ ledger, nowMs }) => usageOf(ledger, nowMs).held, CAP);
  });

  it("are all in use at most, where every lease is renewed in time", () => {
    let full = 0;
    expectInEveryWorld(
      kind,
      (world) => {
        // The first epoch of all means that no lease has run out yet, by anybody's clock.
        const renewed = world.holders.every(
          ({ epoch, given, endsMs }, at) => epoch === 1 && (given === 0 || world.clockMs(at) < endsMs),
        );
        return renewed ? world.inUse() : 0;
      },
      CAP,
      ({ most }) => (full += most === CAP ? 1 : 0),
    );
    expect(full).toBeGreaterThan(50);
  });

  it("are all free again one lease after the last message, whoever has died", () => {
    expectInEveryWorld(
      rare,
      () => 0,
      0,
      (world) => {
        world.wait(2 * DELAY_MS_MAX);
        world.wait(LEASE_MS);
        expect(usageOf(world.ledger, world.nowMs)).toEqual({ held: 0, inUse: 0, holders: 0 });
        expect(freeSlots(world.ledger, world.nowMs, CAP)).toBe(CAP);
      },
    );
  });
});
