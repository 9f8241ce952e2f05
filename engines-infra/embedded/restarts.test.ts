import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countEnd } from "./restarts.ts";

/** How many of the ends, in order, are followed by another start. */
function startsAfter(endsMs: readonly number[]): number {
  let counted: number[] | undefined = [];
  for (const [index, endMs] of endsMs.entries()) {
    counted = countEnd(counted, endMs);
    if (!counted) return index;
  }
  return endsMs.length;
}

describe("restarts", () => {
  it.each<[string, number[], number]>([
    ["gives up at the sixth end within a minute", [0, 1, 2, 3, 4, 5], 5],
    ["forgets an end after a minute", [0, 1, 2, 3, 4, 60_000], 6],
    ["gives up on a burst, however long it ran well before", [0, 1e6, 2e6, 2e6, 2e6, 2e6, 2e6, 2e6], 7],
  ])("%s", (_, endsMs, starts) => expect(startsAfter(endsMs)).toBe(starts));

  it("never ends for ends that are twelve seconds apart", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 12_000, max: 1e9 }), { maxLength: 50 }), (gapsMs) => {
        let nowMs = 0;
        const endsMs = gapsMs.map((gapMs) => (nowMs += gapMs));
        expect(startsAfter(endsMs)).toBe(endsMs.length);
      }),
    );
  });
});
