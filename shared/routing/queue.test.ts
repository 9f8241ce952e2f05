import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRIORITIES } from "./priority.ts";
import {
  EMPTY_QUEUE,
  type QueueEntry,
  type WaitQueue,
  enqueue,
  entriesOf,
  leave,
  lengthOf,
  next,
  waitMsOf,
  without,
} from "./queue.ts";

const terms = { max: 100, slots: 2, serviceMsAverage: 1_000 };
const entry = (id: string, changes: Partial<QueueEntry> = {}): QueueEntry => ({
  id,
  key: id.slice(0, 1),
  priority: "normal",
  deadlineMs: 1e9,
  holder: "isolate",
  ...changes,
});
const high = (id: string) => entry(id, { priority: "high" });
const low = (id: string) => entry(id, { priority: "low" });

function waiting(...entries: QueueEntry[]): WaitQueue {
  return entries.reduce((queue, each) => {
    const joined = enqueue(queue, each, 0, terms);
    return joined.ok ? joined.value : queue;
  }, EMPTY_QUEUE);
}

/** The ids in the order in which they are served. */
function served(queue: WaitQueue, nowMs = 0): string[] {
  const ids: string[] = [];
  for (let turn = next(queue, nowMs); turn.entry; turn = next(turn.queue, nowMs)) ids.push(turn.entry.id);
  return ids;
}

describe("next", () => {
  it.each<[string, WaitQueue, string[]]>([
    ["nobody", EMPTY_QUEUE, []],
    [
      "one key in the order of its requests",
      waiting(entry("a1"), entry("a2"), entry("a3")),
      ["a1", "a2", "a3"],
    ],
    [
      "keys in turns",
      waiting(entry("a1"), entry("a2"), entry("a3"), entry("b1"), entry("c1"), entry("b2")),
      ["a1", "b1", "c1", "a2", "b2", "a3"],
    ],
    [
      "the urgent first",
      waiting(low("a1"), entry("b1"), high("c1"), entry("d1"), high("e1")),
      ["c1", "e1", "b1", "d1", "a1"],
    ],
    [
      "keys called as things that objects have",
      waiting(entry("x", { key: "__proto__" }), entry("y", { key: "constructor" })),
      ["x", "y"],
    ],
  ])("serves %s", (_, queue, ids) => {
    expect(served(queue)).toEqual(ids);
  });

  it("drops and reports those whose deadline has passed, wherever they wait", () => {
    const queue = waiting(
      entry("a1", { deadlineMs: 5_000 }),
      entry("a2", { deadlineMs: 5_001 }),
      { ...low("b1"), deadlineMs: 4_000 },
      entry("c1"),
    );
    const turn = next(queue, 5_000);
    expect(turn.expired.map(({ id }) => id)).toEqual(["a1", "b1"]);
    expect(turn.entry?.id).toBe("a2");
    expect(served(turn.queue)).toEqual(["c1"]);
  });

  it("puts a key that was served behind the others, however often it comes back", () => {
    let queue = waiting(entry("a1"), entry("b1"), entry("b2"));
    const ids: string[] = [];
    for (let round = 2; round < 6; round++) {
      const turn = next(queue, 0);
      ids.push(turn.entry?.id ?? "nobody");
      const joined = enqueue(turn.queue, entry(`a${round}`), 0, terms);
      queue = joined.ok ? joined.value : turn.queue;
    }
    expect(ids).toEqual(["a1", "b1", "a2", "b2"]);
  });
});

describe("enqueue", () => {
  it("refuses when it is full, and says when those before it will have been served", () => {
    const queue = waiting(entry("a1"), entry("b1"), entry("b2"));
    // One of a, one of b, then it: three ends of requests, two in a second.
    expect(enqueue(queue, entry("c1"), 0, { ...terms, max: 3 })).toEqual({
      ok: false,
      error: { reason: "full", retryAfterMs: 1_500 },
    });
  });

  it("refuses who would wait past the deadline, and says when the queue will be short enough", () => {
    const queue = waiting(entry("a1"), entry("b1"), entry("c1"));
    expect(enqueue(queue, entry("d1", { deadlineMs: 2_000 }), 0, terms).ok).toBe(true);
    expect(enqueue(queue, entry("d1", { deadlineMs: 1_999 }), 0, terms)).toEqual({
      ok: false,
      error: { reason: "deadline", retryAfterMs: 1 },
    });
    expect(enqueue(queue, entry("d1", { deadlineMs: 10_500 }), 10_000, terms)).toEqual({
      ok: false,
      error: { reason: "deadline", retryAfterMs: 1_500 },
    });
  });

  it("keeps half of the places from those of low priority", () => {
    const queue = waiting(low("a1"), low("b1"));
    expect(enqueue(queue, low("c1"), 0, { ...terms, max: 4 }).ok).toBe(false);
    expect(enqueue(queue, entry("c1"), 0, { ...terms, max: 4 }).ok).toBe(true);
    expect(enqueue(EMPTY_QUEUE, low("c1"), 0, { ...terms, max: 1 }).ok).toBe(true);
  });

  it("does not let one request wait twice", () => {
    const queue = waiting(entry("a1"), entry("b1"));
    expect(enqueue(queue, entry("a1"), 0, terms)).toEqual({ ok: true, value: queue });
  });

  it("has no room at all where nobody may wait", () => {
    expect(enqueue(EMPTY_QUEUE, entry("a1"), 0, { ...terms, max: 0 })).toEqual({
      ok: false,
      error: { reason: "full", retryAfterMs: 500 },
    });
  });
});

describe("leave", () => {
  it("forgets one request and keeps everybody's turn", () => {
    const queue = waiting(entry("a1"), entry("b1"), entry("a2"), entry("c1"));
    expect(served(leave(queue, "a1"))).toEqual(["a2", "b1", "c1"]);
    expect(served(leave(queue, "b1"))).toEqual(["a1", "c1", "a2"]);
    expect(leave(queue, "z")).toBe(queue);
  });
});

describe("without", () => {
  it("drops all that are gone and reports them", () => {
    const queue = waiting(entry("a1", { holder: "dead" }), entry("b1"), { ...high("c1"), holder: "dead" });
    const left = without(queue, ({ holder }) => holder === "dead");
    expect(left.dropped.map(({ id }) => id)).toEqual(["c1", "a1"]);
    expect(served(left.queue)).toEqual(["b1"]);
  });
});

const ops = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("enter" as const),
        key: fc.constantFrom("a", "b", "c", "d"),
        priority: fc.constantFrom(...PRIORITIES),
        patienceMs: fc.integer({ min: 0, max: 60_000 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("next" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), which: fc.nat({ max: 60 }) }) },
  ),
  { maxLength: 80, size: "max" },
);

describe("a queue, whoever comes and goes", () => {
  it("is bounded, serves the urgent first and each key in order, and loses nobody", () => {
    fc.assert(
      fc.property(ops, fc.integer({ min: 1, max: 12 }), (history, max) => {
        let queue = EMPTY_QUEUE;
        let nowMs = 0;
        let inside: QueueEntry[] = [];
        for (const [at, op] of history.entries()) {
          nowMs += 700;
          if (op.do === "enter") {
            const { key, priority, patienceMs } = op;
            const joined = enqueue(
              queue,
              { id: `${at}`, key, priority, deadlineMs: nowMs + patienceMs, holder: "h" },
              nowMs,
              { ...terms, max },
            );
            if (joined.ok) {
              queue = joined.value;
              inside.push({ id: `${at}`, key, priority, deadlineMs: nowMs + patienceMs, holder: "h" });
            } else expect(joined.error.retryAfterMs).toBeGreaterThan(0);
          } else if (op.do === "leave") {
            queue = leave(queue, `${op.which}`);
            inside = inside.filter(({ id }) => id !== `${op.which}`);
          } else {
            const turn = next(queue, nowMs);
            const alive = inside.filter(({ deadlineMs }) => deadlineMs > nowMs);
            expect(turn.expired.map(({ id }) => id).toSorted()).toEqual(
              inside
                .filter((each) => !alive.includes(each))
                .map(({ id }) => id)
                .toSorted(),
            );
            const urgent = PRIORITIES.find((priority) => alive.some((each) => each.priority === priority));
            expect(turn.entry?.priority).toBe(urgent);
            const oldest = alive.find(
              ({ key, priority }) => key === turn.entry?.key && priority === turn.entry.priority,
            );
            expect(turn.entry).toEqual(oldest);
            queue = turn.queue;
            inside = alive.filter((each) => each !== oldest);
          }
          expect(lengthOf(queue)).toBe(inside.length);
          expect(lengthOf(queue)).toBeLessThanOrEqual(max);
        }
        expect(
          entriesOf(queue)
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(inside.map(({ id }) => id).toSorted());
        expect(JSON.parse(JSON.stringify(queue))).toEqual(queue);
      }),
      { numRuns: 300 },
    );
  });

  it("lets no key be served twice while another of its priority waits for its first turn", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 60, size: "max" }),
        (keys) => {
          const queue = waiting(...keys.map((key, at) => entry(`${key}${at}`)));
          const left = new Map<string, number>();
          for (const key of keys) left.set(key, (left.get(key) ?? 0) + 1);
          let round = new Set<string>();
          for (const id of served(queue)) {
            const key = id.slice(0, 1);
            if (round.has(key)) {
              // A new round begins when everybody who still waits has had a turn in the one before.
              for (const [each, count] of left) expect(count === 0 || round.has(each)).toBe(true);
              round = new Set();
            }
            round.add(key);
            left.set(key, (left.get(key) ?? 0) - 1);
          }
        },
      ),
    );
  });

  it("tells the wait that a request then has, if nobody else comes and all take as long", () => {
    const entries = fc.array(
      fc.record({ key: fc.constantFrom("a", "b", "c"), priority: fc.constantFrom(...PRIORITIES) }),
      { maxLength: 30, size: "max" },
    );
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom("a", "b", "c", "z"),
        fc.constantFrom(...PRIORITIES),
        (all, key, priority) => {
          let queue = waiting(...all.map((each, at) => entry(`${at}`, each)));
          // Some turns first, so that the round is anywhere.
          for (let turns = 0; turns < all.length / 3; turns++) queue = next(queue, 0).queue;
          const told = waitMsOf(queue, { key, priority }, { slots: 1, serviceMsAverage: 1 });
          const joined = enqueue(queue, entry("me", { key, priority }), 0, terms);
          expect(joined.ok && served(joined.value).indexOf("me") + 1).toBe(told);
        },
      ),
    );
  });
});
