import { describe, expect, it } from "vitest";
import { monotonicMs, readStamp, writeStamp } from "./clock.ts";

describe("stamps", () => {
  it.each([0, 1, 12_345.678, 86_400_000.001])("carry %d ms through a text to the microsecond", (timeMs) => {
    const text = `"content":"t=${writeStamp(timeMs)} i=3"`;
    expect(readStamp(text, text.indexOf("t=") + 2)).toBeCloseTo(timeMs, 3);
  });

  it.each(["t=12", "t=", "t=12345678901234x6 more"])("are not seen in %j", (text) => {
    expect(readStamp(text, 2)).toBeUndefined();
  });

  it("always have the same width", () => {
    expect(new Set([0, 9.5, 1e9].map((timeMs) => writeStamp(timeMs).length))).toEqual(new Set([16]));
  });
});

it("the clock is the system's monotonic one, to within a millisecond", () => {
  expect(Math.abs(monotonicMs() - Number(process.hrtime.bigint()) / 1e6)).toBeLessThan(1);
});
