import { describe, expect, it } from "vitest";
import { THROTTLE_NAMES, ThrottleSettings, throttleRule } from "./throttle-rules.ts";

describe("the rules of throttling", () => {
  it.each([
    ["signup", 5, 3_600_000],
    ["login", 10, 60_000],
    ["loginFailures", 10, 900_000],
    ["refresh", 30, 60_000],
    ["passwordReset", 5, 900_000],
    ["publicPost", 10, 60_000],
    ["unknownKeys", 20, 60_000],
  ] as const)("%s: %i in %i ms", (name, countMax, windowMs) => {
    expect(throttleRule(name, {})).toEqual({ name, countMax, windowMs });
    expect(throttleRule(name, { [name]: { countMax: 1, windowS: 2 } })).toEqual({
      name,
      countMax: 1,
      windowMs: 2_000,
    });
  });

  it("has no others", () => {
    expect(THROTTLE_NAMES).toHaveLength(7);
    expect(ThrottleSettings.safeParse({ typo: { countMax: 1, windowS: 1 } }).success).toBe(false);
    expect(ThrottleSettings.safeParse({ login: { countMax: 0, windowS: 1 } }).success).toBe(false);
  });
});
