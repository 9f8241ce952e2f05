import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostWithin } from "./window.ts";

describe("the most within a window", () => {
  it.each<[times: number[], most: number]>([
    [[], 0],
    [[5], 1],
    [[0, 9, 10], 2],
    [[10, 0, 9], 2],
    [[0, 1, 20, 21, 22, 40], 3],
  ])("of %j is %i", (times, most) => {
    expect(mostWithin(times, 10)).toBe(most);
  });

  it("is what counting from every time on finds", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (times) => {
        const counts = times.map((from) => times.filter((time) => time >= from && time < from + 10).length);
        return mostWithin(times, 10) === Math.max(0, ...counts);
      }),
    );
  });
});
