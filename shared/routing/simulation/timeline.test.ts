import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newTimeline } from "./timeline.ts";

describe("a timeline", () => {
  it("lets everything happen in its time, and what was asked for first, first", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60, size: "max" }), (delaysMs) => {
        const time = newTimeline();
        const seen: { at: number; delayMs: number; nowMs: number }[] = [];
        for (const [at, delayMs] of delaysMs.entries())
          time.after(delayMs, () => seen.push({ at, delayMs, nowMs: time.nowMs() }));
        time.runUntil(20);
        const expected = delaysMs
          .map((delayMs, at) => ({ at, delayMs, nowMs: delayMs }))
          .toSorted((a, b) => a.nowMs - b.nowMs || a.at - b.at);
        expect(seen).toEqual(expected);
      }),
    );
  });

  it("stops where it is told to, and goes on from there", () => {
    const time = newTimeline();
    const seen: number[] = [];
    const again = () => {
      seen.push(time.nowMs());
      time.after(10, again);
    };
    time.after(10, again);
    time.runUntil(25);
    expect(seen).toEqual([10, 20]);
    expect(time.nowMs()).toBe(25);
    time.runUntil(30);
    expect(seen).toEqual([10, 20, 30]);
  });
});
