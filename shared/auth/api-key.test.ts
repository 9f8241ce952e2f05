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
const key = fc.integer().map((seed) => createApiKey(bytesFrom(seed)));

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
    ` ${createApiKey(bytesFrom(1))}`,
    `${createApiKey(bytesFrom(1))}\n`,
    createApiKey(bytesFrom(1)).toUpperCase(),
  ])("%j is none", (text) => {
    expect(isApiKeyForm(text)).toBe(false);
  });

  it("uses every letter about as often", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 500; seed++)
      for (const char of createApiKey(bytesFrom(seed)).slice(7, 39))
        counts.set(char, (counts.get(char) ?? 0) + 1);
    // 16000 letters over 62: 258 each; with bytes taken modulo 62 the first eight would come 310 times.
    expect(counts.size).toBe(62);
    expect(Math.max(...counts.values())).toBeLessThan(330);
    const first = [..."01234567"].reduce((sum, char) => sum + (counts.get(char) ?? 0), 0) / 8;
    expect(first).toBeLessThan(285);
  });

  it("shows too little of itself to be used", () => {
    const text = createApiKey(bytesFrom(7));
    const hint = keyHint(text);
    expect(text.startsWith(hint.split("…")[0] ?? "")).toBe(true);
    expect(hint.replace("…", "").length).toBeLessThan(20);
  });

  it("is stored as HMAC-SHA-256 with the pepper, as anybody would compute it", async () => {
    const pepper = await importPepper("a pepper of some length");
    for (const seed of [1, 2, 3]) {
      const text = createApiKey(bytesFrom(seed));
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
