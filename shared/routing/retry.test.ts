import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./random.ts";
import {
  type Attempted,
  RETRY_POLICY,
  type RetryFault,
  type RetryStep,
  nextStep,
  retryDelayMs,
} from "./retry.ts";

const all = () => 0.999_999;
const half = () => 0.5;
const failure: RetryFault = { class: "failure" };
const busy = (retryAfterMs?: number): RetryFault => ({
  class: "overload",
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const tried = (engine: string, fault: RetryFault = failure, endedMs = 0): Attempted => ({
  engine,
  fault,
  endedMs,
});

describe("retryDelayMs", () => {
  it.each([
    [0, 500],
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [4, 8_000],
    [5, 8_000],
    [5_000, 8_000],
  ])("after attempt %i is at most %i ms", (attempt, delayMs) => {
    expect(retryDelayMs(attempt, RETRY_POLICY, all)).toBeCloseTo(delayMs, 0);
    expect(retryDelayMs(attempt, RETRY_POLICY, half)).toBe(delayMs / 2);
    expect(retryDelayMs(attempt, RETRY_POLICY, () => 0)).toBe(0);
  });
});

describe("nextStep", () => {
  it.each<[string, string[], Attempted[], number, number, RetryStep]>([
    ["fails over at once", ["a", "b"], [tried("a")], 10, 60_000, { do: "failover", engine: "b" }],
    [
      "fails over at once from a busy engine",
      ["a", "b"],
      [tried("a", busy(60_000))],
      10,
      60_000,
      { do: "failover", engine: "b" },
    ],
    [
      "fails over from one that said nothing",
      ["a", "b"],
      [tried("a", { class: "failure", timeout: "first byte" })],
      10,
      60_000,
      { do: "failover", engine: "b" },
    ],
    ["begins with the best", ["a", "b"], [], 10, 60_000, { do: "failover", engine: "a" }],
    [
      "asks the only one again after a while",
      ["a"],
      [tried("a")],
      0,
      60_000,
      { do: "retry", engine: "a", delayMs: 250 },
    ],
    [
      "and after a longer one",
      ["a"],
      [tried("a"), tried("a", failure, 300)],
      300,
      60_000,
      { do: "retry", engine: "a", delayMs: 500 },
    ],
    [
      "three times in all",
      ["a"],
      [tried("a"), tried("a"), tried("a")],
      0,
      60_000,
      { do: "give_up", reason: "exhausted" },
    ],
    [
      "counts the time that has passed since that engine failed",
      ["a", "b"],
      [tried("a", failure, 0), tried("b", failure, 200)],
      200,
      60_000,
      { do: "retry", engine: "a", delayMs: 50 },
    ],
    [
      "asks those first that were asked least",
      ["a", "b"],
      [tried("a"), tried("b", failure, 10), tried("a", failure, 20)],
      20,
      60_000,
      { do: "retry", engine: "b", delayMs: 240 },
    ],
    [
      "waits as long as the engine says",
      ["a"],
      [tried("a", busy(3_000))],
      0,
      60_000,
      { do: "retry", engine: "a", delayMs: 3_000 },
    ],
    [
      "even for the longest delay",
      ["a"],
      [tried("a", busy(8_000))],
      0,
      60_000,
      { do: "retry", engine: "a", delayMs: 8_000 },
    ],
    [
      "waits no shorter than by itself",
      ["a"],
      [tried("a", busy(1))],
      0,
      60_000,
      { do: "retry", engine: "a", delayMs: 250 },
    ],
    [
      "asks another than one that wants to be left alone for long",
      ["a", "b"],
      [tried("a", busy(9_000)), tried("b")],
      0,
      60_000,
      { do: "retry", engine: "b", delayMs: 250 },
    ],
    [
      "gives up where all of them do",
      ["a"],
      [tried("a", busy(8_001))],
      0,
      60_000,
      { do: "give_up", reason: "overloaded" },
    ],
    [
      "waits for none beyond the deadline",
      ["a", "b"],
      [tried("a", busy(5_000)), tried("b", busy(1_000))],
      0,
      5_000,
      { do: "retry", engine: "b", delayMs: 1_000 },
    ],
    [
      "gives up where the wait would end at the deadline",
      ["a"],
      [tried("a", busy(5_000))],
      0,
      5_000,
      { do: "give_up", reason: "deadline" },
    ],
    [
      "gives up at the deadline, even with engines left",
      ["a", "b"],
      [tried("a")],
      5_000,
      5_000,
      { do: "give_up", reason: "deadline" },
    ],
    [
      "never repeats a client's mistake",
      ["a", "b"],
      [tried("a", { class: "client_fault" })],
      0,
      60_000,
      { do: "give_up", reason: "client_fault" },
    ],
    [
      "ends with the time for the whole answer",
      ["a", "b"],
      [tried("a", { class: "failure", timeout: "answer" })],
      0,
      60_000,
      { do: "give_up", reason: "answer_timeout" },
    ],
    [
      "asks no engine that has gone from the order",
      ["b"],
      [tried("a"), tried("b")],
      0,
      60_000,
      { do: "retry", engine: "b", delayMs: 250 },
    ],
    ["has nobody to ask", [], [], 0, 60_000, { do: "give_up", reason: "no_engine" }],
  ])("%s", (_, order, attempts, nowMs, deadlineMs, step) => {
    expect(nextStep({ order, attempts }, nowMs, deadlineMs, RETRY_POLICY, half)).toEqual(step);
  });

  it("asks each engine once, then each at most twice more, and is done before the deadline", () => {
    const fault = fc.oneof(
      fc.constant(failure),
      fc.integer({ min: 0, max: 12_000 }).map((retryAfterMs) => busy(retryAfterMs)),
      fc.constant<RetryFault>({ class: "loading" }),
      fc.constant<RetryFault>({ class: "failure", unreachable: true }),
    );
    const scenario = fc.record({
      engines: fc.integer({ min: 1, max: 6 }),
      faults: fc.array(fault, { minLength: 1, maxLength: 20, size: "max" }),
      attemptMs: fc.integer({ min: 0, max: 3_000 }),
      deadlineMs: fc.integer({ min: 1, max: 60_000 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(scenario, ({ engines, faults, attemptMs, deadlineMs, seed }) => {
        const order = Array.from({ length: engines }, (_, at) => `engine-${at}`);
        const random = seededRandom(seed);
        const attempts: Attempted[] = [];
        let nowMs = 0;
        for (;;) {
          const step = nextStep({ order, attempts }, nowMs, deadlineMs, RETRY_POLICY, random);
          if (step.do === "give_up") break;
          const before = attempts.filter(({ engine }) => engine === step.engine);
          if (step.do === "failover") expect(before).toEqual([]);
          else {
            // Nobody is asked again before everybody was asked.
            expect(new Set(attempts.map(({ engine }) => engine)).size).toBe(engines);
            nowMs += step.delayMs;
            const last = before.at(-1);
            expect(nowMs).toBeGreaterThanOrEqual(
              (last?.endedMs ?? 0) + (last?.fault.retryAfterMs ?? 0) - 1e-6,
            );
            expect(step.delayMs).toBeLessThanOrEqual(RETRY_POLICY.delayMsMax);
          }
          expect(nowMs).toBeLessThan(deadlineMs);
          nowMs += attemptMs;
          attempts.push(tried(step.engine, faults[attempts.length % faults.length], nowMs));
          expect(attempts.length).toBeLessThanOrEqual(engines * (1 + RETRY_POLICY.retriesMax));
        }
      }),
    );
  });
});
