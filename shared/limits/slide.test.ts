import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BUCKET_MS,
  WINDOW_MS,
  addAt,
  advance,
  bucketOf,
  leavesInMs,
  newSlide,
  slideFrom,
  storedSlide,
} from "./slide.ts";

const START_MS = 1_800_000_000_000;

/** Moments, with growing time, and how much comes in each. */
const arrivals = fc.array(
  fc.record({ gapMs: fc.integer({ min: 0, max: 20_000 }), amount: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 60 },
);

describe("a sliding minute", () => {
  it("lets nobody have more than the limit in any window of 60 s", () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 12 }), (all, limit) => {
        const slide = newSlide();
        const let_in: { atMs: number; amount: number }[] = [];
        let nowMs = START_MS;
        for (const { gapMs, amount } of all) {
          nowMs += gapMs;
          advance(slide, nowMs);
          if (slide.sum + amount > limit) continue;
          addAt(slide, bucketOf(nowMs), amount);
          let_in.push({ atMs: nowMs, amount });
        }
        for (const { atMs } of let_in) {
          const inWindow = let_in.filter(
            (each) => each.atMs >= atMs && each.atMs < atMs + WINDOW_MS + BUCKET_MS,
          );
          expect(inWindow.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it("gives everything back half a second after it has left the window, at the latest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 9 }), (offsetMs, amount) => {
        const slide = newSlide();
        const nowMs = START_MS + offsetMs;
        advance(slide, nowMs);
        addAt(slide, bucketOf(nowMs), amount);
        const backMs = leavesInMs(slide, amount, nowMs);
        expect(backMs).toBeGreaterThan(WINDOW_MS + BUCKET_MS - 1);
        expect(backMs).toBeLessThanOrEqual(WINDOW_MS + 2 * BUCKET_MS);
        advance(slide, nowMs + backMs - 1);
        expect(slide.sum).toBe(amount);
        advance(slide, nowMs + backMs);
        expect(slide.sum).toBe(0);
      }),
    );
  });

  it("says when so much has left", () => {
    const slide = newSlide();
    for (const second of [0, 10, 20]) {
      advance(slide, START_MS + second * 1000);
      addAt(slide, bucketOf(START_MS + second * 1000), 2);
    }
    const nowMs = START_MS + 20_000;
    expect([0, 1, 2, 3, 5, 99].map((amount) => leavesInMs(slide, amount, nowMs))).toEqual([
      40_500, 40_500, 40_500, 50_500, 60_500, 60_500,
    ]);
    expect(leavesInMs(newSlide(), 1, nowMs)).toBe(0);
  });

  it("is corrected where it was counted, and no more once that is over", () => {
    const slide = newSlide();
    const bucket = bucketOf(START_MS);
    advance(slide, START_MS);
    addAt(slide, bucket, 10);
    advance(slide, START_MS + 30_000);
    addAt(slide, bucket, -4);
    expect(slide.sum).toBe(6);
    advance(slide, START_MS + 70_000);
    addAt(slide, bucket, -6);
    expect(slide.sum).toBe(0);
  });

  it("stays as it is while a clock goes back", () => {
    const slide = newSlide();
    advance(slide, START_MS);
    addAt(slide, bucketOf(START_MS), 3);
    advance(slide, START_MS - 90_000);
    addAt(slide, bucketOf(START_MS - 90_000), 1);
    expect(slide.sum).toBe(3);
  });

  it("comes back as it was stored", () => {
    fc.assert(
      fc.property(arrivals, (all) => {
        const slide = newSlide();
        let nowMs = START_MS;
        for (const { gapMs, amount } of all) {
          nowMs += gapMs;
          advance(slide, nowMs);
          addAt(slide, bucketOf(nowMs), amount);
        }
        const again = slideFrom(JSON.parse(JSON.stringify(storedSlide(slide))) as [number, number][]);
        advance(again, nowMs);
        expect(again.sum).toBe(slide.sum);
        expect(storedSlide(again)).toEqual(storedSlide(slide));
      }),
    );
  });
});
