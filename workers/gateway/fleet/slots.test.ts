import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EnginePort, Entered } from "../../../shared/fleet/ports.ts";
import { UNKNOWN_STATUS } from "../../../shared/fleet/snapshot.ts";
import { type DeskStep, EMPTY_DESK, enter, exit, renew } from "../../../shared/routing/desk.ts";
import { lengthOf } from "../../../shared/routing/queue.ts";
import { usageOf } from "../../../shared/routing/slots.ts";
import { type Slot, Slots, TICK_MS, type Wish } from "./slots.ts";

/** The one clock of isolates and object; fake where timers are. */
const nowMs = (): number => Date.now();

/** More messages than any case here needs to come to rest. */
const MESSAGES_MAX = 2_000;

/** An engine's object behind wires on which every message, there and back, waits until it is delivered. */
function wiredObject(cap: number) {
  const terms = { cap, waitingMax: 100, serviceMsAverage: 10 };
  const wires: (() => void)[] = [];
  const waiting = new Map<string, (entered: Entered) => void>();
  let desk = EMPTY_DESK;
  let calls = 0;
  const at = <Step extends DeskStep>(step: Step): Step => {
    desk = step.desk;
    for (const { entry, answer } of step.handed) waiting.get(entry.id)?.({ got: answer });
    return step;
  };
  /** Carries out a call when it is delivered, and gives its answer when that is. */
  const call = <Answer>(work: (answer: (value: Answer) => void) => void): Promise<Answer> => {
    calls += 1;
    return new Promise((resolve) => wires.push(() => work((value) => void wires.push(() => resolve(value)))));
  };
  const port: EnginePort = {
    renew: (ask) =>
      call((answer) =>
        answer({ answer: at(renew(desk, ask, nowMs(), terms)).answer, status: UNKNOWN_STATUS }),
      ),
    enter: (ask, entry) =>
      call((answer) => {
        waiting.set(entry.id, answer);
        const { outcome } = at(enter(desk, ask, entry, nowMs(), terms));
        if (!("waits" in outcome)) answer(outcome);
      }),
    leave: (id) =>
      call((answer) => {
        waiting.get(id)?.({ refused: { reason: "deadline", retryAfterMs: 0 } });
        at(exit(desk, id, nowMs(), terms));
        answer();
      }),
    report: () => call((answer) => answer(UNKNOWN_STATUS)),
  };
  return {
    port,
    calls: () => calls,
    usage: () => usageOf(desk.ledger, nowMs()),
    waiting: () => lengthOf(desk.queue),
    /**
     * Delivers messages, and those that come of them, until there are none, or `most` have been; `pick` says which one
     * goes next. Fails where there is no end of them.
     */
    async deliverAll(pick: (count: number) => number = () => 0, most = Infinity): Promise<void> {
      for (let count = 0; count < most; count++) {
        if (count > MESSAGES_MAX) throw new Error("There is no end of messages");
        // What an answer sets in motion comes a few turns later.
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        const [message] = wires.splice(pick(wires.length), 1);
        if (!message) return;
        message();
      }
    },
  };
}

type Wired = ReturnType<typeof wiredObject>;
const isolate = (id: string, { port }: Pick<Wired, "port">): Slots =>
  new Slots(
    id,
    () => port,
    nowMs,
    () => undefined,
    () => CAP,
  );

/** Requests that the engine may have, where its object does not say. */
const CAP = 3;
const REFUSED = { refused: { reason: "full" as const, retryAfterMs: 700 } };

let serial = 0;
const wish = (gone: AbortSignal = new AbortController().signal): Wish => ({
  key: "key",
  priority: "normal",
  deadlineMs: nowMs() + 60_000,
  requestId: `req_${++serial}`,
  defer: (work) => void work.catch(() => undefined),
  gone,
  touch: () => undefined,
});
const never = () => false;

type Asked = { slot?: Slot; refused?: string };

/** Asks for a slot and waits for one where there is none, and remembers what came of it. */
function asked(slots: Slots, gone?: AbortSignal): Asked {
  const own = wish(gone);
  const slot = slots.take(own, never);
  if (slot) return { slot };
  const state: Asked = {};
  void waited(slots, own, state);
  return state;
}

/** Likewise as a request with more than one engine does: it waits only where there is no slot to be had at once. */
function askedFirst(slots: Slots): Asked {
  const own = wish();
  const slot = slots.take(own, never);
  if (slot) return { slot };
  const state: Asked = {};
  void slots.ask(own, never).then((free) => (free ? void (state.slot = free) : waited(slots, own, state)));
  return state;
}

async function waited(slots: Slots, own: Wish, state: Asked): Promise<void> {
  const entered = await slots.wait(own, never);
  if (entered.ok) state.slot = entered.value;
  else state.refused = entered.error.reason;
}

afterEach(() => void vi.useRealTimers());

describe("the slots of an isolate", () => {
  it("cost no call for most requests while there are enough", async () => {
    const object = wiredObject(64);
    const slots = isolate("a", object);
    for (let times = 0; times < 100; times++) {
      const request = asked(slots);
      await object.deliverAll();
      request.slot?.release("success");
    }
    expect(object.calls()).toBeLessThanOrEqual(2);
  });

  it("go to those who wait elsewhere as soon as they are free, all of them", async () => {
    const object = wiredObject(2);
    const [first, second] = [isolate("a", object), isolate("b", object)];
    const held = [asked(first), asked(first)];
    await object.deliverAll();
    const waiting = [asked(second), asked(second)];
    await object.deliverAll();
    expect(waiting).toEqual([{}, {}]);
    // Both at once: the second one comes free while the first one is being returned.
    for (const { slot } of held) slot?.release("success");
    await object.deliverAll();
    for (const { slot } of waiting) expect(slot).toBeDefined();
    expect(object.usage()).toMatchObject({ held: 2, inUse: expect.any(Number) });
  });

  it("are not waited for by a client that has left already", async () => {
    const object = wiredObject(1);
    const slots = isolate("a", object);
    asked(slots);
    await object.deliverAll();
    const request = asked(slots, AbortSignal.abort());
    await object.deliverAll();
    expect(request.refused).toBe("the client left");
    expect(object.waiting()).toBe(0);
  });

  it("are not waited for any more by a client that leaves", async () => {
    const object = wiredObject(1);
    const slots = isolate("a", object);
    asked(slots);
    await object.deliverAll();
    const leaving = new AbortController();
    const request = asked(slots, leaving.signal);
    await object.deliverAll();
    expect(object.waiting()).toBe(1);
    leaving.abort();
    await object.deliverAll();
    expect(request.refused).toBeDefined();
    expect(object.waiting()).toBe(0);
  });

  it("do not keep a request from its engine when their keeper is out of reach", async () => {
    const lost = () => Promise.reject(new Error("out of reach"));
    const slots = isolate("a", { port: { renew: lost, enter: lost, leave: lost, report: lost } });
    const entered = await (slots.take(wish(), never) ?? slots.wait(wish(), never));
    expect(entered).toMatchObject({ ok: true });
    expect(slots.inUse).toBe(1);
  });

  it("send an engine no flood while their keeper is out of reach", async () => {
    const lost = () => Promise.reject(new Error("out of reach"));
    const slots = isolate("a", { port: { renew: lost, enter: lost, leave: lost, report: lost } });
    const entered = await Promise.all(Array.from({ length: CAP + 2 }, () => slots.wait(wish(), never)));
    expect(entered.filter(({ ok }) => ok)).toHaveLength(CAP);
    expect(entered.filter(({ ok }) => !ok)).toEqual(
      Array.from({ length: 2 }, () => ({ ok: false, error: { reason: "full", retryAfterMs: 1_000 } })),
    );
    expect(slots.inUse).toBe(CAP);
  });

  it("enter the queue of a keeper that has restarted", async () => {
    let calls = 0;
    const { port } = wiredObject(1);
    const enter: EnginePort["enter"] = () => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error("restarted")) : Promise.resolve(REFUSED);
    };
    const slots = isolate("a", { port: { ...port, enter } });
    expect(await slots.wait(wish(), never)).toEqual({ ok: false, error: REFUSED.refused });
    expect(slots.inUse).toBe(0);
  });

  it("come to rest after a bounded number of messages, however requests come and go meanwhile", async () => {
    vi.useFakeTimers();
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom("wait", "ask", "ask"), isolate: fc.integer({ min: 0, max: 1 }) }),
      fc.record({ do: fc.constant("release"), which: fc.nat(7) }),
      fc.record({ do: fc.constant("deliver"), count: fc.integer({ min: 1, max: 6 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(step, { maxLength: 60 }),
        async (cap, steps) => {
          const object = wiredObject(cap);
          const isolates = [isolate("a", object), isolate("b", object)];
          const open: Asked[] = [];
          let asks = 0;
          const releaseOne = (which: number): boolean => {
            const held = open.filter(({ slot }) => slot);
            const state = held[which % held.length];
            state?.slot?.release("success");
            if (state) open.splice(open.indexOf(state), 1);
            return state !== undefined;
          };
          for (const each of steps) {
            if ("which" in each) releaseOne(each.which);
            else if ("count" in each) await object.deliverAll(undefined, each.count);
            else {
              const slots = isolates[each.isolate] ?? isolate("c", object);
              open.push(each.do === "ask" ? askedFirst(slots) : asked(slots));
              asks += 1;
            }
            expect(isolates.reduce((sum, { inUse }) => sum + inUse, 0)).toBeLessThanOrEqual(cap);
          }
          await object.deliverAll();
          // Messages arrive in order here: nobody has to wait for a tick.
          while (releaseOne(0)) await object.deliverAll();
          expect(open).toEqual([]);
          expect(object.calls()).toBeLessThanOrEqual(12 * asks);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are never more than the engine has, and everybody gets one, in whatever order messages arrive", async () => {
    vi.useFakeTimers();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 16 }),
        fc.infiniteStream(fc.nat()),
        async (cap, requests, chance) => {
          const draw = (count: number): number => (count === 0 ? 0 : Number(chance.next().value) % count);
          const object = wiredObject(cap);
          const isolates = ["a", "b", "c"].map((id) => isolate(id, object));
          const states = requests.map((which) => asked(isolates[which] ?? isolate("d", object)));
          const inUse = () => isolates.reduce((sum, slots) => sum + slots.inUse, 0);
          let served = 0;
          const deliver = () =>
            object.deliverAll((count) => {
              expect(inUse()).toBeLessThanOrEqual(cap);
              return draw(count);
            });
          // Each round answers some of those that are at the engine, and delivers whatever follows. Old news that comes last
          // may hide that others wait, until the next tick.
          for (let round = 0; served < states.length && round <= 2 * states.length; round++) {
            await deliver();
            vi.advanceTimersByTime(TICK_MS);
            for (const { slot } of states) slot?.tick();
            await deliver();
            const ending = states.filter(({ slot }) => slot).slice(0, 1 + draw(cap));
            for (const state of ending) {
              state.slot?.release("success");
              delete state.slot;
              served += 1;
            }
          }
          expect(served).toBe(states.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});
