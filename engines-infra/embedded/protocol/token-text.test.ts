import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenText } from "./token-text.ts";

const bytesToText = (tokens: readonly number[]): string => Buffer.from(tokens).toString("utf8");

describe("token text", () => {
  it("shows a character only when its last byte is there", () => {
    const text = new TokenText(bytesToText);
    const shown = [...Buffer.from("é日😀")].map((byte) => text.push(byte));
    expect(shown).toEqual(["", "é", "", "", "日", "", "", "", "😀"]);
  });

  it("never shows half a character, and loses none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (original) => {
        const text = new TokenText(bytesToText);
        const shown = [...Buffer.from(original)].map((byte) => text.push(byte));
        expect(shown.join("") + text.flush()).toBe(original);
        expect(shown.filter((piece) => piece.includes("\uFFFD") && !original.includes("\uFFFD"))).toEqual([]);
      }),
    );
  });

  it("gives up on bytes that will never be a character", () => {
    const text = new TokenText(bytesToText);
    const shown = [0xff, 0xff, 0xff, 0xff].map((byte) => text.push(byte)).join("");
    expect(shown).toBe("\uFFFD".repeat(4));
  });

  it("shows an unfinished character as such when the answer ends", () => {
    const text = new TokenText(bytesToText);
    expect(text.push(0xe6)).toBe("");
    expect(text.flush()).toBe("\uFFFD");
    expect(text.flush()).toBe("");
  });

  it("tells the tokenizer what came before", () => {
    const seen: number[][] = [];
    const text = new TokenText((tokens, before = []) => {
      seen.push([...before]);
      return String.fromCharCode(...tokens);
    });
    for (const token of [97, 98, 99]) text.push(token);
    expect(seen).toEqual([[], [97], [97, 98]]);
  });
});
