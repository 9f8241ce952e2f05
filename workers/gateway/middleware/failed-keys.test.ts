import { describe, expect, it } from "vitest";
import { createFailedKeys } from "./failed-keys.ts";

const rule = { name: "unknownKeys", countMax: 3, windowMs: 1_000 };

describe("keys that nobody has", () => {
  it("are looked up no more when an address has sent too many, until the oldest is old", () => {
    const failed = createFailedKeys(rule);
    for (const nowMs of [0, 10, 20]) {
      expect(failed.waitMs("a", nowMs)).toBe(0);
      failed.count("a", nowMs);
    }
    expect(failed.waitMs("a", 30)).toBe(970);
    expect(failed.waitMs("a", 1_000)).toBe(0);
    failed.count("a", 1_000);
    expect(failed.waitMs("a", 1_005)).toBe(5);
  });

  it("are nobody else's fault, nor that of somebody without an address", () => {
    const failed = createFailedKeys(rule);
    for (let n = 0; n < 9; n++) {
      failed.count("a", 0);
      failed.count(undefined, 0);
    }
    expect(failed.waitMs("b", 0)).toBe(0);
    expect(failed.waitMs(undefined, 0)).toBe(0);
  });

  it("of more addresses than are remembered forget the oldest, not the busiest", () => {
    const failed = createFailedKeys(rule);
    for (let n = 0; n < 3; n++) failed.count("first", 0);
    for (let n = 0; n < 9_999; n++) failed.count(`other ${n}`, 0);
    expect(failed.waitMs("first", 1)).toBeGreaterThan(0);
    failed.count("first", 1);
    for (let n = 0; n < 9_999; n++) failed.count(`another ${n}`, 1);
    expect(failed.waitMs("first", 2)).toBeGreaterThan(0);
    failed.count("one more", 2);
    expect(failed.waitMs("first", 2)).toBe(0);
  });
});
