import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TimePart, TimeParts } from "./time-parts.ts";

const part = fc.constantFrom<TimePart>("queue", "engine", "overhead");
const sumOf = (parts: Readonly<Record<TimePart, number>>) => parts.queue + parts.engine + parts.overhead;

describe("a request's time", () => {
  it("is in its parts, each as long as it lasted", () => {
    const time = new TimeParts(100);
    time.enter("queue", 110);
    time.enter("engine", 140);
    expect(time.at(150)).toEqual({ overhead: 10, queue: 30, engine: 10 });
    time.enter("overhead", 190);
    time.enter("engine", 195);
    expect(time.at(200)).toEqual({ overhead: 15, queue: 30, engine: 55 });
  });

  it("is the sum of its parts at every moment, however they follow each other", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(part, fc.nat(1_000))), fc.nat(1_000), (steps, restMs) => {
        const time = new TimeParts(0);
        let nowMs = 0;
        for (const [next, ms] of steps) {
          nowMs += ms;
          expect(sumOf(time.at(nowMs))).toBe(nowMs);
          time.enter(next, nowMs);
        }
        expect(sumOf(time.at(nowMs + restMs))).toBe(nowMs + restMs);
      }),
    );
  });

  it("never runs backwards, though the clock may", () => {
    const time = new TimeParts(100);
    time.enter("engine", 50);
    expect(time.at(90)).toEqual({ overhead: 0, queue: 0, engine: 0 });
    expect(time.at(130)).toEqual({ overhead: 0, queue: 0, engine: 30 });
  });
});
