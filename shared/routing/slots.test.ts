import { describe, expect, it } from "vitest";
import { EMPTY_LEDGER, LEASE_MS, type SlotAsk, type SlotLedger } from "./lease.ts";
import { freeSlots, grant, handOver, isHeard, isKeptBy, restored, toKeep, usageOf } from "./slots.ts";

const ask = (holder: string, changes: Partial<SlotAsk> = {}): SlotAsk => ({
  holder,
  epoch: 1,
  returned: 0,
  inUse: 0,
  need: 0,
  want: 0,
  ...changes,
});
const terms = (cap: number, waiting = 0) => ({ cap, waiting });
const wants = (need: number, want = need) => ({ need, want });

/** A ledger after some holders got what they needed. */
const lent = (cap: number, needs: Record<string, number>, nowMs = 0): SlotLedger =>
  Object.entries(needs).reduce(
    (ledger, [holder, need]) => grant(ledger, ask(holder, wants(need)), nowMs, terms(cap)).ledger,
    EMPTY_LEDGER,
  );

describe("grant", () => {
  it.each<[string, SlotLedger, SlotAsk, number, number, number, boolean]>([
    ["gives what is needed", EMPTY_LEDGER, ask("a", wants(3)), 16, 0, 3, false],
    ["gives no more than there is", EMPTY_LEDGER, ask("a", wants(20)), 16, 0, 16, true],
    [
      "gives a quarter of the rest to who would like it",
      EMPTY_LEDGER,
      ask("a", wants(4, 16)),
      16,
      0,
      7,
      false,
    ],
    ["gives a few slots only to need", EMPTY_LEDGER, ask("a", wants(1, 2)), 4, 0, 1, false],
    ["counts what others have", lent(16, { b: 14 }), ask("a", wants(4)), 16, 0, 2, true],
    ["gives nothing where nothing is left", lent(16, { b: 16 }), ask("a", wants(1)), 16, 0, 0, true],
    ["gives nothing to who has what it needs", lent(16, { a: 3 }), ask("a", wants(3)), 16, 0, 0, false],
    ["gives more to who needs more", lent(16, { a: 3 }), ask("a", wants(5)), 16, 0, 2, false],
    ["lets those who wait go first", EMPTY_LEDGER, ask("a", wants(3)), 16, 1, 0, true],
    ["lends what came back", lent(4, { a: 4 }), ask("a", { ...wants(4), returned: 2 }), 4, 0, 2, true],
    [
      "gives nothing when the cap was lowered below what is lent",
      lent(4, { b: 4 }),
      ask("a", wants(1)),
      2,
      0,
      0,
      true,
    ],
    [
      "counts work that is left of an earlier epoch",
      lent(4, { b: 4 }),
      ask("b", { epoch: 2, inUse: 4, ...wants(4) }),
      4,
      0,
      4,
      true,
    ],
    [
      "gives nothing for a message of an earlier epoch",
      grant(EMPTY_LEDGER, ask("a", { epoch: 2 }), 0, terms(4)).ledger,
      ask("a", wants(1)),
      4,
      0,
      0,
      true,
    ],
  ])("%s", (_, ledger, asked, cap, waiting, granted, contended) => {
    const answered = grant(ledger, asked, 100, terms(cap, waiting));
    expect(answered).toMatchObject({ granted, answer: { contended, epoch: asked.epoch } });
  });

  it("says slots are scarce before the last one is gone", () => {
    const contended = (need: number) =>
      grant(EMPTY_LEDGER, ask("a", wants(need)), 0, terms(64)).answer.contended;
    expect([56, 57].map(contended)).toEqual([false, true]);
  });

  it("tells totals, so that a message which comes twice or late does no harm", () => {
    const first = ask("a", wants(3));
    const second = ask("a", { returned: 2, ...wants(1) });
    let ledger = lent(8, { a: 3 });
    for (const message of [second, first, second, second])
      ledger = grant(ledger, message, 10, terms(8)).ledger;
    // The late first message asked for three again; the holder will return them, for all that it knows is totals.
    expect(ledger.leases["a"]).toMatchObject({ given: 5, returned: 2 });
    ledger = grant(ledger, ask("a", { returned: 4, ...wants(1) }), 20, terms(8)).ledger;
    expect(usageOf(ledger, 20)).toEqual({ held: 1, inUse: 0, holders: 1 });
  });

  it("keeps others out while a holder works on more than it holds", () => {
    const lapsed = grant(EMPTY_LEDGER, ask("a", { epoch: 2, inUse: 3, need: 3 }), 0, terms(4));
    expect(freeSlots(lapsed.ledger, 0, 4)).toBe(1);
  });
});

describe("a lease", () => {
  it("ends unless it is renewed, and its slots are free again", () => {
    const ledger = lent(4, { a: 4 });
    expect(freeSlots(ledger, LEASE_MS - 1, 4)).toBe(0);
    expect(isHeard(ledger, "a", LEASE_MS - 1)).toBe(true);
    expect(freeSlots(ledger, LEASE_MS, 4)).toBe(4);
    expect(isHeard(ledger, "a", LEASE_MS)).toBe(false);
    const renewed = grant(ledger, ask("a", { inUse: 4, need: 4 }), LEASE_MS - 1, terms(4));
    expect(renewed.answer.expiresMs).toBe(2 * LEASE_MS - 1);
    expect(freeSlots(renewed.ledger, LEASE_MS, 4)).toBe(0);
  });

  it("that has ended is not brought back by a late message", () => {
    const late = ask("a", { returned: 3, inUse: 1, need: 1 });
    const { ledger, answer } = grant(lent(4, { a: 4 }), late, LEASE_MS, terms(4));
    expect(answer.given).toBe(1);
    const again = grant(ledger, late, LEASE_MS, terms(4)).ledger;
    expect(freeSlots(again, LEASE_MS, 4)).toBeLessThanOrEqual(3);
  });
});

describe("handOver", () => {
  it("gives one slot and does not renew the lease", () => {
    const ledger = lent(4, { a: 1, b: 2 });
    const given = handOver(ledger, "a", terms(4, 1));
    expect(given?.answer).toEqual({ epoch: 1, given: 2, expiresMs: LEASE_MS, contended: true });
    expect(given && freeSlots(given.ledger, 0, 4)).toBe(0);
  });

  it("gives nothing to a holder that nobody knows", () => {
    expect(handOver(EMPTY_LEDGER, "a", terms(4))).toBeUndefined();
  });
});

describe("a ledger that begins anew", () => {
  const held = lent(4, { a: 1, b: 2 }, -1_000);
  const kept = toKeep(held, 0);
  const ledger = restored(kept, 0);

  it("lends what nobody had, and no more until leases of before have ended", () => {
    expect(grant(ledger, ask("c", wants(2)), LEASE_MS - 1, terms(4)).granted).toBe(1);
    expect(grant(ledger, ask("c", wants(2)), LEASE_MS, terms(4)).granted).toBe(2);
  });

  it("renews the leases of those who are there", () => {
    const { ledger: after, answer } = grant(
      ledger,
      ask("b", { returned: 1, inUse: 1, need: 1 }),
      10,
      terms(4),
    );
    expect(answer).toMatchObject({ given: 2, expiresMs: 10 + LEASE_MS });
    expect([LEASE_MS - 1, LEASE_MS].map((nowMs) => freeSlots(after, nowMs, 4))).toEqual([2, 3]);
  });

  it("does not bring back a lease whose slots have been lent to others", () => {
    const ended = lent(1, { a: 1 });
    expect(toKeep(ended, LEASE_MS)).toEqual(EMPTY_LEDGER);
    const { ledger: after } = grant(ended, ask("b", wants(1)), LEASE_MS, terms(1));
    expect(Object.keys(restored(toKeep(after, LEASE_MS), LEASE_MS).leases)).toEqual(["b"]);
  });

  it("does not make a lease last by beginning anew again and again", () => {
    let again = kept;
    // Nothing is kept by beginning anew, so that all leases end as they were kept.
    for (let nowMs = 0; nowMs <= 2 * LEASE_MS; nowMs += 1_000) again = restored(kept, nowMs);
    expect(again).toEqual(EMPTY_LEDGER);
  });

  const later = (ms: number) => grant(held, ask("b", { need: 2 }), ms, terms(4)).ledger;
  const again = (): SlotLedger => {
    const back = grant(held, ask("b", { returned: 1, inUse: 1 }), 10, terms(4)).ledger;
    return grant(back, ask("b", { returned: 1, inUse: 2, need: 2 }), 20, terms(4)).ledger;
  };

  it.each<[string, SlotLedger, boolean]>([
    ["as it is", held, true],
    ["when a lease was renewed", later(LEASE_MS - 1_000), true],
    ["when it was renewed so late that it outlasts what was kept", later(LEASE_MS - 999), false],
    ["when slots have come back", grant(held, ask("b", { returned: 2 }), 10, terms(4)).ledger, true],
    ["when a holder has nothing yet", grant(held, ask("c", {}), 10, terms(4)).ledger, true],
    ["when a slot was lent", grant(held, ask("c", wants(1)), 10, terms(4)).ledger, false],
    ["when a slot came back and was lent again", again(), false],
    ["when a holder counts anew", grant(held, ask("b", { epoch: 2, need: 1 }), 10, terms(4)).ledger, false],
    ["when more is in use than is held", grant(held, ask("b", { inUse: 3 }), 10, terms(4)).ledger, false],
  ])("from what was kept does, %s", (_, now, does) => {
    expect(isKeptBy(kept, now)).toBe(does);
  });
});
