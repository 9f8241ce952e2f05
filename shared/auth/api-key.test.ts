import fc from "fast-check";
import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  KEY_PREFIX,
  bearerOf,
  createApiKey,
  hashApiKey,
  importPepper,
  isApiKeyForm,
  keyHint,
  keyMadeAtMs,
} from "./api-key.ts";

/** Bytes from a seed: as good as random here, and the same every time. */
const bytesFrom = (seed: number) => {
  let turn = 0;
  return (count: number) =>
    Uint8Array.from(
      Array.from({ length: Math.ceil(count / 32) }, () =>
        createHash("sha256").update(`${seed} ${turn++}`).digest(),
      )
        .flatMap((part) => [...part])
        .slice(0, count),
    );
};
/** Any second from 1970 until long after this. */
const timeMs = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000);
const key = fc.tuple(fc.integer(), timeMs).map(([seed, nowMs]) => createApiKey(bytesFrom(seed), nowMs));
const NOW_MS = 1_800_000_000_000;

describe("an API key", () => {
  it("has the form that scanners and people know", () => {
    fc.assert(
      fc.property(key, (text) => {
        expect(text).toMatch(/^sk-eco-[0-9A-Za-z]{38}$/);
        expect(isApiKeyForm(text)).toBe(true);
      }),
    );
  });

  it("is refused at once with any one character mistyped, or two swapped", () => {
    fc.assert(
      fc.property(
        key,
        fc.integer({ min: KEY_PREFIX.length, max: KEY_PREFIX.length + 37 }),
        fc.constantFrom(..."0aZ9"),
        (text, at, char) => {
          const typo = text.slice(0, at) + char + text.slice(at + 1);
          expect(isApiKeyForm(typo)).toBe(typo === text);
          const [one = "", two = ""] = [text[at - 1], text[at]];
          const swapped = text.slice(0, at - 1) + two + one + text.slice(at + 1);
          if (at > KEY_PREFIX.length) expect(isApiKeyForm(swapped)).toBe(swapped === text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    "",
    "sk-eco-",
    "sk-proj-abc",
    `sk-eco-${"0".repeat(38)}`,
    ` ${createApiKey(bytesFrom(1), NOW_MS)}`,
    `${createApiKey(bytesFrom(1), NOW_MS)}\n`,
    createApiKey(bytesFrom(1), NOW_MS).toUpperCase(),
  ])("%j is none", (text) => {
    expect(isApiKeyForm(text)).toBe(false);
  });

  it("uses every letter about as often", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 500; seed++)
      for (const char of createApiKey(bytesFrom(seed), NOW_MS).slice(13, 39))
        counts.set(char, (counts.get(char) ?? 0) + 1);
    // 13000 letters over 62: 210 each; with bytes taken modulo 62 the first eight would come 252 times.
    expect(counts.size).toBe(62);
    expect(Math.max(...counts.values())).toBeLessThan(275);
    const first = [..."01234567"].reduce((sum, char) => sum + (counts.get(char) ?? 0), 0) / 8;
    expect(first).toBeLessThan(231);
  });

  it("says to the second when it was made", () => {
    fc.assert(
      fc.property(fc.integer(), timeMs, fc.integer({ min: 0, max: 999 }), (seed, secondMs, restMs) => {
        expect(keyMadeAtMs(createApiKey(bytesFrom(seed), secondMs + restMs))).toBe(secondMs);
      }),
    );
  });

  it("is another one each time, also within one second", () => {
    const keys = Array.from({ length: 1000 }, (_, seed) => createApiKey(bytesFrom(seed), NOW_MS));
    expect(new Set(keys).size).toBe(1000);
    expect(new Set(keys.map((each) => each.slice(0, KEY_PREFIX.length + 6))).size).toBe(1);
  });

  it("of the old form is one still: its first letters were random", () => {
    expect(isApiKeyForm(`sk-eco-zzzzzz${"0".repeat(26)}4S9iMx`)).toBe(true);
  });

  it("shows too little of itself to be used", () => {
    const text = createApiKey(bytesFrom(7), NOW_MS);
    const hint = keyHint(text);
    expect(text.startsWith(hint.split("…")[0] ?? "")).toBe(true);
    expect(hint.replace("…", "").length).toBeLessThan(20);
  });

  it("is stored as HMAC-SHA-256 with the pepper, as anybody would compute it", async () => {
    const pepper = await importPepper("a pepper of some length");
    for (const seed of [1, 2, 3]) {
      const text = createApiKey(bytesFrom(seed), NOW_MS);
      expect(await hashApiKey(pepper, text)).toBe(
        createHmac("sha256", "a pepper of some length").update(text).digest("hex"),
      );
    }
  });
});

describe("bearerOf", () => {
  it.each<[string | null | undefined, string | undefined]>([
    ["Bearer abc", "abc"],
    ["bearer abc", "abc"],
    ["Bearer   abc ", "abc"],
    ["Bearer abc def", undefined],
    ["Bearer", undefined],
    ["Bearer ", undefined],
    ["Basic abc", undefined],
    ["abc", undefined],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
  ])("of %j is %j", (header, text) => {
    expect(bearerOf(header)).toBe(text);
  });
});
