import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Attempts, type ThrottleRule, recentAttempts, takeAttempt } from "./throttle.ts";

const rule: ThrottleRule = { name: "login", countMax: 3, windowMs: 1_000 };

describe("takeAttempt", () => {
  it.each<[what: string, before: Attempts, nowMs: number, waitMs: number, after: Attempts]>([
    ["lets the first through", [], 0, 0, [0]],
    ["lets through as many as are allowed", [0, 10], 20, 0, [0, 10, 20]],
    ["refuses the next until the oldest leaves", [0, 10, 20], 30, 970, [0, 10, 20]],
    ["does not count what it refuses", [0, 10, 20], 999, 1, [0, 10, 20]],
    ["lets one through as the oldest leaves", [0, 10, 20], 1_000, 0, [10, 20, 1_000]],
    ["forgets what is old", [0, 10, 20], 5_000, 0, [5_000]],
    [
      "waits for enough to leave where the limit was lowered",
      [0, 100, 200, 300, 400],
      500,
      700,
      [0, 100, 200, 300, 400],
    ],
    [
      "keeps nobody for longer than a window when the clock is set back",
      [9_000, 9_100, 9_200],
      100,
      1_000,
      [100, 100, 100],
    ],
  ])("%s", (_, before, nowMs, waitMs, after) => {
    expect(takeAttempt(before, rule, nowMs)).toEqual({ attempts: after, waitMs });
  });

  it("lets nothing through where nothing is allowed", () => {
    expect(takeAttempt([], { ...rule, countMax: 0 }, 5)).toEqual({ attempts: [], waitMs: 1_000 });
  });

  it("never lets more through in any window than are allowed, and never waits in vain", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 60 });
    const limits = fc.record({
      countMax: fc.integer({ min: 1, max: 6 }),
      windowMs: fc.integer({ min: 1, max: 1_500 }),
    });
    fc.assert(
      fc.property(steps, limits, (gapsMs, limit) => {
        const rule: ThrottleRule = { name: "any", ...limit };
        const passed: number[] = [];
        let attempts: Attempts = [];
        let nowMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const taken = takeAttempt(attempts, rule, nowMs);
          attempts = taken.attempts;
          if (taken.waitMs === 0) passed.push(nowMs);
          else expect(takeAttempt(attempts, rule, nowMs + taken.waitMs).waitMs).toBe(0);
          expect(passed.filter((atMs) => atMs > nowMs - rule.windowMs).length).toBeLessThanOrEqual(
            rule.countMax,
          );
          expect(attempts.length).toBeLessThanOrEqual(rule.countMax);
        }
      }),
    );
  });
});

describe("recentAttempts", () => {
  it("ends each at the very end of its window", () => {
    expect(recentAttempts([0, 1, 2], 10, 10)).toEqual([1, 2]);
  });
});
