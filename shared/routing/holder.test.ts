import { describe, expect, it } from "vitest";
import {
  type Holder,
  accept,
  askFor,
  limitOf,
  newHolder,
  release,
  renewalDue,
  startWaiting,
  stopWaiting,
  take,
} from "./holder.ts";
import { CLOCK_MARGIN_MS, LEASE_MS, RENEW_MS, type SlotAnswer } from "./lease.ts";

const answer = (given: number, changes: Partial<SlotAnswer> = {}): SlotAnswer => ({
  epoch: 1,
  given,
  expiresMs: LEASE_MS,
  contended: false,
  ...changes,
});
const holding = (given: number, changes: Partial<Holder> = {}): Holder => ({
  ...accept(newHolder("a"), answer(given), 0),
  ...changes,
});
const ENDS_MS = LEASE_MS - CLOCK_MARGIN_MS;

describe("take", () => {
  it.each<[string, Holder, number, boolean]>([
    ["takes nothing of nothing", newHolder("a"), 0, false],
    ["takes what is held", holding(2, { inUse: 1 }), 0, true],
    ["takes no more than that", holding(2, { inUse: 2 }), 0, false],
    ["takes what is left after a return", holding(3, { returned: 1, inUse: 1 }), 0, true],
    ["takes no slot that was returned", holding(3, { returned: 1, inUse: 2 }), 0, false],
    ["takes until just before the lease ends", holding(2), ENDS_MS - 1, true],
    ["takes nothing after it", holding(2), ENDS_MS, false],
  ])("%s", (_, holder, nowMs, taken) => {
    const after = take(holder, nowMs);
    expect(after.taken).toBe(taken);
    expect(after.holder.inUse).toBe(holder.inUse + (taken ? 1 : 0));
  });

  it("uses a slot again and again without a call", () => {
    let holder = holding(1);
    for (let request = 0; request < 100; request++) {
      const { holder: busy, taken } = take(holder, request);
      expect(taken).toBe(true);
      holder = release(busy);
      expect(renewalDue(holder, request)).toBe(false);
    }
  });
});

describe("renewalDue", () => {
  it.each<[string, Holder, number, boolean]>([
    ["not for a holder of nothing", newHolder("a"), 60_000, false],
    ["not soon after the last call", holding(2, { askedMs: 100 }), 99 + RENEW_MS, false],
    ["in time to renew", holding(2, { askedMs: 100 }), 100 + RENEW_MS, true],
    ["while work is left of an ended lease", { ...newHolder("a"), inUse: 1 }, RENEW_MS, true],
    ["while requests wait", startWaiting(newHolder("a")), RENEW_MS, true],
    ["at once where slots are scarce and one is idle", holding(2, { inUse: 1, contended: true }), 0, true],
    ["at once where a request waits and a slot is idle", startWaiting(holding(2, { inUse: 1 })), 0, true],
    ["not where all of them are in use", holding(2, { inUse: 2, contended: true }), 0, false],
  ])("%s", (_, holder, nowMs, due) => {
    expect(renewalDue(holder, nowMs)).toBe(due);
  });
});

describe("askFor", () => {
  it.each<[string, Holder, { need: number; want: number; returned: number }]>([
    [
      "asks for a first request, and for one more",
      startWaiting(newHolder("a")),
      { need: 1, want: 2, returned: 0 },
    ],
    [
      "asks for all that wait",
      startWaiting(startWaiting(holding(3, { inUse: 3 }))),
      { need: 5, want: 7, returned: 0 },
    ],
    ["keeps what it used of late", holding(5, { inUse: 1, peak: 4 }), { need: 1, want: 5, returned: 0 }],
    [
      "returns what it did not use",
      holding(8, { inUse: 1, peak: 2, peakBefore: 3 }),
      { need: 1, want: 4, returned: 4 },
    ],
    [
      "returns all that is idle where slots are scarce",
      holding(8, { inUse: 1, peak: 8, contended: true }),
      { need: 1, want: 1, returned: 7 },
    ],
    [
      "keeps no idle slot for its own while they wait in turn",
      startWaiting(holding(2, { inUse: 1 })),
      { need: 2, want: 3, returned: 1 },
    ],
    ["returns everything when it had no requests", holding(3), { need: 0, want: 0, returned: 3 }],
  ])("%s", (_, holder, asked) => {
    const sent = askFor(holder, 100);
    expect(sent.ask).toMatchObject({ holder: "a", epoch: 1, inUse: holder.inUse, ...asked });
    expect(sent.holder).toMatchObject({ returned: asked.returned, askedMs: 100 });
  });

  it("has given back what it returns before anybody hears of it", () => {
    const { holder } = askFor(holding(3, { inUse: 1, contended: true }), 100);
    expect(limitOf(holder, 100)).toBe(1);
    expect(take(holder, 100).taken).toBe(false);
  });

  it("forgets how much it used after two quiet periods", () => {
    let holder = holding(10, { inUse: 0, peak: 8, endsMs: 1e9 });
    const wants: number[] = [];
    for (const nowMs of [1_000, 2_000, 4_000]) {
      const sent = askFor(holder, nowMs);
      wants.push(sent.ask.want);
      holder = sent.holder;
    }
    expect(wants).toEqual([10, 10, 0]);
  });

  it("counts anew after its lease ended, and tells the work that it has left", () => {
    const sent = askFor(holding(3, { returned: 1, inUse: 2 }), ENDS_MS);
    expect(sent.ask).toMatchObject({ epoch: 2, returned: 0, inUse: 2, need: 2 });
  });
});

describe("accept", () => {
  it.each<[string, Holder, SlotAnswer, number, number]>([
    ["takes what it was given", newHolder("a"), answer(3), 0, 3],
    ["takes no less than it was told before", holding(5), answer(3), 0, 5],
    ["believes nothing of another epoch", newHolder("a"), answer(3, { epoch: 2 }), 0, 0],
    ["believes nothing that came too late", newHolder("a"), answer(3), ENDS_MS, 0],
    [
      "takes nothing for a lease that ended meanwhile",
      holding(2),
      answer(3, { expiresMs: 9_000 }),
      ENDS_MS,
      0,
    ],
  ])("%s", (_, holder, told, nowMs, limit) => {
    expect(limitOf(accept(holder, told, nowMs), nowMs)).toBe(limit);
  });

  it("never ends a lease earlier", () => {
    const renewed = accept(holding(2), answer(2, { expiresMs: 9_000 }), 10);
    expect(limitOf(accept(renewed, answer(2), 20), ENDS_MS)).toBe(2);
  });
});

describe("a waiting request", () => {
  it("is counted until it stops", () => {
    const holder = stopWaiting(startWaiting(startWaiting(newHolder("a"))));
    expect(askFor(holder, 0).ask.need).toBe(1);
    expect(askFor(stopWaiting(stopWaiting(holder)), 0).ask.need).toBe(0);
  });
});
