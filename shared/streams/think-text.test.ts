import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThinkSplitter, splitThinking } from "./think-text.ts";

function inPieces(pieces: readonly string[]) {
  const splitter = new ThinkSplitter();
  const told = [...pieces.map((piece) => splitter.push(piece)), splitter.end()];
  return {
    reasoning: told.map(({ reasoning }) => reasoning).join(""),
    content: told.map(({ content }) => content).join(""),
  };
}

describe("reasoning within a text", () => {
  it.each([
    ["is told apart", "<think>\nHm, so.\n</think>\n\nYes.", "Hm, so.", "Yes."],
    ["may have space before it", "\n<think>Hm</think>Yes", "Hm", "Yes"],
    ["may be empty", "<think>\n\n</think>\n\nYes", "", "Yes"],
    ["may be all that there is", "<think>Hm, so \n", "Hm, so", ""],
    ["may have no answer", "<think>Hm</think>\n", "Hm", ""],
    ["may speak of tags", "<think>a <b> and </thin> </think>Yes", "a <b> and </thin>", "Yes"],
    ["keeps the lines within it", "<think>a\n\nb</think>c\n", "a\n\nb", "c\n"],
    ["is none where the tag comes later", "So <think>Hm</think>", "", "So <think>Hm</think>"],
    ["is none without a tag", " Yes\n", "", " Yes\n"],
    ["is none in a text that only begins alike", "<thin", "", "<thin"],
    ["is none in space", "  \n", "", "  \n"],
    ["is none in nothing", "", "", ""],
  ])("%s", (_, text, reasoning, content) => {
    expect(splitThinking(text)).toEqual({ reasoning, content });
  });

  it("is the same however the text is cut", () => {
    const part = fc.constantFrom("<think>", "</think>", "<", "/", "think>", " ", "\n", "a", "é", "<b>");
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat(8), { minLength: 1 }), (parts, sizes) => {
        const text = parts.join("");
        const pieces: string[] = [];
        for (let at = 0, n = 0; at < text.length; n++) {
          const size = (sizes[n % sizes.length] ?? 0) + 1;
          pieces.push(text.slice(at, at + size));
          at += size;
        }
        expect(inPieces(pieces)).toEqual(splitThinking(text));
      }),
    );
  });
});
