import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopMatcher } from "./stop-text.ts";

/** All that a matcher shows of the pieces, piece by piece, and what it found. */
function shown(stops: readonly string[], pieces: readonly string[]) {
  const matcher = new StopMatcher(stops);
  const parts = pieces.map((piece) => matcher.push(piece));
  return { parts, rest: matcher.end(), found: matcher.found };
}

/** The same of the whole text, by trying every end in turn. */
function expected(stops: readonly string[], text: string): { text: string; found: string | undefined } {
  const real = stops.filter((stop) => stop !== "" && stop.isWellFormed());
  for (let end = 1; end <= text.length; end++) {
    const [found] = real
      .filter((stop) => text.slice(0, end).endsWith(stop))
      .toSorted((a, b) => b.length - a.length);
    if (found !== undefined) return { text: text.slice(0, end - found.length), found };
  }
  return { text, found: undefined };
}

describe("StopMatcher", () => {
  it.each<[what: string, stops: string[], pieces: string[], parts: string[], rest: string, found?: string]>([
    ["shows all where there is nothing to stop at", [], ["a", "b"], ["a", "b"], ""],
    ["cuts within a piece", ["b"], ["abc", "d"], ["a", ""], "", "b"],
    ["finds a stop text over pieces", ["END"], ["go E", "N", "D on"], ["go ", "", ""], "", "END"],
    ["shows what only began like one", ["END"], ["E", "N", "!"], ["", "", "EN!"], ""],
    ["gives what it held at the end", ["END"], ["go E", "N"], ["go ", ""], "EN"],
    ["begins anew within what failed", ["aab"], ["a", "a", "a", "b"], ["", "", "a", ""], "", "aab"],
    ["takes the one that is complete first", ["abcd", "bc"], ["abcd"], ["a"], "", "bc"],
    ["takes the longest of those that end together", ["c", "bc"], ["abcd"], ["a"], "", "bc"],
    ["does not split a surrogate pair", ["x"], ["a\ud83d", "\ude00b"], ["a", "😀b"], ""],
    ["holds a stop text of surrogate pairs", ["😀😁"], ["a😀", "😁b"], ["a", ""], "", "😀😁"],
    ["keeps a pair that begins like one", ["😀"], ["\ud83d", "\ude01"], ["", "😁"], ""],
    ["ignores an empty stop text", [""], ["ab"], ["ab"], ""],
    ["ignores half a surrogate pair", ["\ude00"], ["a😀b"], ["a😀b"], ""],
    ["gives a lone half at the end as it came", [], ["a\ud83d"], ["a"], "\ud83d"],
    ["stops at once", ["a"], ["a", "b"], ["", ""], "", "a"],
    ["counts line ends", ["\n\n"], ["one\n", "two\n", "\nthree"], ["one", "\ntwo", ""], "", "\n\n"],
  ])("%s", (_, stops, pieces, parts, rest, found) => {
    expect(shown(stops, pieces)).toEqual({ parts, rest, found });
  });

  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "é", "😀", "😁"), maxLength: 40 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n", "😀"), maxLength: 5 }), {
    maxLength: 4,
  });
  const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 12 });

  /** Pieces of UTF-16 units: a network or a tokenizer may cut between the two halves of a pair. */
  const cutInto = (whole: string, at: readonly number[]): string[] => {
    const ends = [...at.map((each) => Math.min(each, whole.length)), whole.length].toSorted((a, b) => a - b);
    return ends.map((end, n) => whole.slice(ends[n - 1] ?? 0, end));
  };

  it("shows the same however the text is cut, and exactly what comes before the first stop text", () => {
    fc.assert(
      fc.property(text, stops, cuts, (whole, texts, at) => {
        const { parts, rest, found } = shown(texts, cutInto(whole, at));
        const all = expected(texts, whole);
        expect({ text: parts.join("") + rest, found }).toEqual(all);
      }),
      { numRuns: 3_000 },
    );
  });

  it("never shows half a character, nor the beginning of a stop text that then comes", () => {
    fc.assert(
      fc.property(text, stops, cuts, (whole, texts, at) => {
        const { parts } = shown(texts, cutInto(whole, at));
        const all = expected(texts, whole);
        let sofar = "";
        for (const part of parts) {
          expect(part.isWellFormed()).toBe(true);
          sofar += part;
          expect(all.text.startsWith(sofar)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("holds back less than the longest stop text", () => {
    fc.assert(
      fc.property(text, stops, cuts, (whole, texts, at) => {
        const matcher = new StopMatcher(texts);
        const longest = Math.max(0, ...texts.map((each) => each.length));
        let fed = 0;
        let given = 0;
        for (const piece of cutInto(whole, at)) {
          fed += piece.length;
          given += matcher.push(piece).length;
          if (matcher.found !== undefined) return;
          // One more for the first half of a surrogate pair.
          expect(fed - given).toBeLessThanOrEqual(Math.max(longest - 1, 1));
        }
      }),
    );
  });

  it("takes time that grows with the text alone, whatever a caller makes it stop at", () => {
    const matcher = new StopMatcher(["a".repeat(200_000) + "b"]);
    let given = 0;
    // A search that began anew for each piece would take 40 billion steps here.
    for (let n = 0; n < 400_000; n++) given += matcher.push("a").length;
    expect(given).toBe(200_000);
  });
});
