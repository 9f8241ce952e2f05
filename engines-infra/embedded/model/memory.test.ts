import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PIECE_TOKENS, exactAfter, piecesOf, reusableTokens, sharedTokens } from "./memory.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("slot memory", () => {
  it("compares prompts from their beginning", () => {
    expect(sharedTokens([1, 2, 3], [1, 2, 4])).toBe(2);
    expect(sharedTokens([1, 2], [1, 2, 3])).toBe(2);
    expect(sharedTokens([], [1])).toBe(0);
  });

  it.each<[string, number, number, number, "exact" | "most", number]>([
    ["reuses all that is shared", 50, 50, 100, "most", 50],
    ["computes at least the last token", 100, 100, 100, "most", 99],
    ["keeps to whole pieces when it must be exact", 50, 50, 100, "exact", 32],
    ["does not reuse its own output when it must be exact", 80, 40, 100, "exact", 32],
    ["reuses its own output otherwise", 80, 40, 100, "most", 80],
    ["computes a prompt of whole pieces again from its last piece", 64, 64, 64, "exact", 32],
  ])("%s", (_, remembered, exactTokens, prompt, reuse, expected) => {
    expect(reusableTokens({ tokens: upTo(remembered), exactTokens }, upTo(prompt), reuse)).toBe(expected);
  });

  it("cuts every prompt at the same places, wherever it begins", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (length, cut) => {
        const from = cut % length;
        const pieces = piecesOf(upTo(length), from);
        expect(pieces.flat()).toEqual(upTo(length).slice(from));
        expect(pieces.every((piece) => piece.length > 0)).toBe(true);
        for (const piece of pieces.slice(1)) expect((piece[0] ?? 0) % PIECE_TOKENS).toBe(0);
      }),
    );
  });

  it("knows what of a prompt was computed as a fresh one is", () => {
    expect(exactAfter({ tokens: [], exactTokens: 0 }, 0, 100)).toBe(100);
    expect(exactAfter({ tokens: upTo(100), exactTokens: 100 }, 64, 120)).toBe(120);
    expect(exactAfter({ tokens: upTo(100), exactTokens: 40 }, 90, 120)).toBe(40);
    expect(exactAfter({ tokens: upTo(100), exactTokens: 40 }, 64, 120)).toBe(40);
    expect(exactAfter({ tokens: upTo(100), exactTokens: 100 }, 50, 120)).toBe(50);
  });
});
