import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countTokens, generate, splitTokens } from "./generate.ts";
import { decode, encode } from "./tokenizer.ts";

const AWKWARD_PROMPT = "the quick brown fox";
const options = fc.record({
  seed: fc.option(fc.nat(), { nil: undefined }),
  tokens: fc.integer({ min: 1, max: 90 }),
});

/** Every index at which a text may be cut without splitting a code point. */
function cuts(text: string): number[] {
  let at = 0;
  return [0, ...Array.from(text, (point) => (at += point.length))];
}

describe("generate", () => {
  it("says the same to the same prompt, and something else to another", () => {
    expect(generate("a")).toEqual(generate("a"));
    expect(generate("a").join("")).not.toBe(generate("b").join(""));
    expect(generate("a").join("")).not.toBe(generate("a", "", { seed: 1 }).join(""));
    expect(generate("a").join("")).not.toBe(generate("a", "", { weights: "other" }).join(""));
    expect(generate("a").join("")).not.toBe(generate("a", "", { choice: 1 }).join(""));
  });

  it("is about 32 tokens long unless told otherwise", () => {
    for (let prompt = 0; prompt < 50; prompt++) {
      expect(generate(String(prompt)).length).toBeGreaterThanOrEqual(28);
      expect(generate(String(prompt)).length).toBeLessThanOrEqual(36);
    }
    expect(generate("a", "", { tokens: 500 })).toHaveLength(500);
  });

  it("writes multi-byte text, joining sequences and what JSON has to escape, now and then", () => {
    const text = generate("sample", "", { tokens: 2_000 }).join("");
    for (const sign of ["東京", "🚀", "\u200d", "\u0301", '"', "\\", "\u2028", "\n", "&"])
      expect(text).toContain(sign);
  });

  it("continues its own answer from any cut between two code points", () => {
    fc.assert(
      fc.property(fc.string(), options, fc.nat(), (context, given, pick) => {
        const full = generate(`${context}\u0002`, "", given).join("");
        const places = cuts(full);
        const prefix = full.slice(0, places[pick % places.length]);
        expect(prefix + generate(`${context}\u0002`, prefix, given).join("")).toBe(full);
      }),
    );
  });

  it("continues at every single cut, and a continued answer can be continued again", () => {
    const full = generate(AWKWARD_PROMPT, "", { tokens: 64 }).join("");
    for (const at of cuts(full)) {
      const rest = generate(AWKWARD_PROMPT, full.slice(0, at), { tokens: 64 }).join("");
      expect(full.slice(0, at) + rest).toBe(full);
    }
  });

  it("continues an answer that began from a foreign prefix", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.nat(), (context, foreign, pick) => {
        const full = generate(context, foreign).join("");
        const places = cuts(full);
        const prefix = full.slice(0, places[pick % places.length]);
        expect(prefix + generate(context, foreign + prefix).join("")).toBe(full);
      }),
    );
  });

  it("continues a legacy completion whose prompt holds the text so far", () => {
    const prompt = "Once upon a time";
    const full = generate("", prompt).join("");
    for (const at of cuts(full))
      expect(full.slice(0, at) + generate("", prompt + full.slice(0, at)).join("")).toBe(full);
  });
});

describe("tokens", () => {
  it.each([
    ["", 0],
    ["one", 1],
    ["one two", 2],
    ["one, two", 3],
    ['{"a":1}', 7],
  ])("counts %j as %i", (text, count) => expect(countTokens(text)).toBe(count));

  it("loses nothing when a text is cut or encoded and put together again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(splitTokens(text).join("")).toBe(text);
        expect(decode(encode(text))).toBe(text);
        expect(encode(text)).toHaveLength(countTokens(text));
      }),
    );
  });
});
