import { describe, expect, it } from "vitest";
import { type Desk, EMPTY_DESK, enter, exit, pump, renew } from "./desk.ts";
import { LEASE_MS, type SlotAsk } from "./lease.ts";
import { type QueueEntry, lengthOf } from "./queue.ts";

const terms = { cap: 2, waitingMax: 3, serviceMsAverage: 1_000 };
const ask = (holder: string, changes: Partial<SlotAsk> = {}): SlotAsk => ({
  holder,
  epoch: 1,
  returned: 0,
  inUse: 0,
  need: 1,
  want: 1,
  ...changes,
});
const entry = (id: string, holder: string, changes: Partial<QueueEntry> = {}): QueueEntry => ({
  id,
  key: id,
  priority: "normal",
  deadlineMs: 60_000,
  holder,
  ...changes,
});

/** Isolate a has both slots; a request of b and one of c wait. */
function busy(): Desk {
  let desk = enter(EMPTY_DESK, ask("a", { need: 2 }), entry("a1", "a"), 0, terms).desk;
  desk = enter(desk, ask("b"), entry("b1", "b"), 0, terms).desk;
  return enter(desk, ask("c"), entry("c1", "c"), 0, terms).desk;
}
const ids = (handed: readonly { entry: QueueEntry }[]) => handed.map((each) => each.entry.id);

describe("enter", () => {
  it("gives a slot at once where one is free", () => {
    const step = enter(EMPTY_DESK, ask("a"), entry("a1", "a"), 0, terms);
    expect(step.outcome).toEqual({ got: { epoch: 1, given: 1, expiresMs: LEASE_MS, contended: false } });
    expect(lengthOf(step.desk.queue)).toBe(0);
  });

  it("says so where the isolate has a slot that it does not know of", () => {
    const { desk } = enter(EMPTY_DESK, ask("a"), entry("a1", "a"), 0, terms);
    expect(enter(desk, ask("a"), entry("a1", "a"), 10, terms).outcome).toMatchObject({ got: { given: 1 } });
  });

  it("lets a request wait where none is free", () => {
    const { desk } = enter(EMPTY_DESK, ask("a", { need: 2 }), entry("a1", "a"), 0, terms);
    expect(enter(desk, ask("b"), entry("b1", "b"), 0, terms).outcome).toEqual({ waits: true });
  });

  it("gives nobody a slot ahead of those who wait", () => {
    const before = { ...busy(), ledger: EMPTY_DESK.ledger };
    const step = enter(before, ask("d"), entry("d1", "d"), 0, terms);
    expect(step.outcome).not.toHaveProperty("got");
  });

  it("refuses when too many wait, and says when to come again", () => {
    const full = enter(busy(), ask("d"), entry("d1", "d"), 0, terms).desk;
    expect(enter(full, ask("e"), entry("e1", "e"), 0, terms).outcome).toEqual({
      refused: { reason: "full", retryAfterMs: 2_000 },
    });
  });
});

describe("renew", () => {
  it("hands what comes back to those who wait, in turn", () => {
    const one = renew(busy(), ask("a", { returned: 1, inUse: 1, need: 1 }), 100, terms);
    expect(ids(one.handed)).toEqual(["b1"]);
    expect(one.handed[0]?.answer).toMatchObject({ given: 1, contended: true });
    expect(one.answer.contended).toBe(true);
    const other = renew(one.desk, ask("a", { returned: 2, inUse: 0, need: 0 }), 200, terms);
    expect(ids(other.handed)).toEqual(["c1"]);
    expect(lengthOf(other.desk.queue)).toBe(0);
  });

  it("gives what an isolate asks for where nobody waits", () => {
    expect(renew(EMPTY_DESK, ask("a", { need: 2 }), 0, terms).answer.given).toBe(2);
  });
});

describe("exit", () => {
  it("forgets a request that waits", () => {
    const { desk } = exit(busy(), "b1", 100, terms);
    expect(ids(renew(desk, ask("a", { returned: 1, inUse: 1 }), 200, terms).handed)).toEqual(["c1"]);
  });
});

describe("pump", () => {
  it("hands over the slots of an isolate that was not heard of for a lease's time", () => {
    let desk = busy();
    for (const holder of ["b", "c"]) desk = renew(desk, ask(holder), 3_000, terms).desk;
    expect(ids(pump(desk, LEASE_MS - 1, terms).handed)).toEqual([]);
    expect(ids(pump(desk, LEASE_MS, terms).handed)).toEqual(["b1", "c1"]);
  });

  it("drops the requests of such an isolate: nobody is there to answer them", () => {
    const { desk } = renew(busy(), ask("c"), 3_000, terms);
    const step = pump(desk, LEASE_MS, terms);
    expect(step.dropped.map(({ id }) => id)).toEqual(["b1"]);
    expect(ids(step.handed)).toEqual(["c1"]);
  });

  it("drops those whose deadline has passed", () => {
    const { desk } = enter(busy(), ask("b"), entry("b2", "b", { deadlineMs: 4_000 }), 0, terms);
    expect(pump(desk, 4_000, terms).dropped.map(({ id }) => id)).toEqual(["b2"]);
  });
});
