import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FreshText } from "./triton-text.ts";

/** All that a stream of these texts says, and how many of them had come before the first piece was given out. */
function said(texts: readonly string[], fresh: FreshText): string {
  return [...texts.flatMap((text) => fresh.push(text) ?? ["(taken back)"]), ...fresh.end()].join("");
}

const wholes = (pieces: readonly string[]): string[] =>
  pieces.map((_, at) => pieces.slice(0, at + 1).join(""));

describe("the fresh text of a stream", () => {
  it.each<[what: string, texts: string[], inDoubt: "new" | "all", expected: string]>([
    ["sent alone", ["Once", " upon", " a", " time"], "new", "Once upon a time"],
    [
      "sent with all before it",
      ["Once", "Once upon", "Once upon a", "Once upon a time"],
      "all",
      "Once upon a time",
    ],
    ["repeated, sent alone", ["ha", "ha", "ha", "!"], "new", "hahaha!"],
    ["growing, sent alone", ["1", "10", "100", "x"], "new", "110100x"],
    ["with an empty end, sent alone", ["a", "b", ""], "new", "ab"],
    ["in doubt to the end, as a model that sends it alone", ["ha", "haha"], "new", "hahaha"],
    ["in doubt to the end, as a model that sends all of it", ["ha", "haha"], "all", "haha"],
    [
      "with a half character for a while",
      ["it is", "it is \ufffd", "it is é", "it is ént"],
      "all",
      "it is ént",
    ],
    ["that begins with a half character", ["\ufffd", "é", "él", "élite is all"], "all", "élite is all"],
    ["with a half character to the end", ["it is so", "it is so \ufffd"], "all", "it is so \ufffd"],
    ["shortened by a stop text", ["Hello, you", "Hello, you END", "Hello, you"], "all", "Hello, you END"],
  ])("is told whether it is %s", (_, texts, inDoubt, expected) => {
    expect(said(texts, new FreshText(undefined, inDoubt))).toBe(expected);
  });

  it("is not searched for in texts that are known to be sent alone", () => {
    expect(said(["function", "function", "s"], new FreshText("new", "all"))).toBe("functionfunctions");
  });

  it("is nothing that takes back what was said", () => {
    const fresh = new FreshText("all", "all");
    expect(fresh.push("Hello")).toEqual(["Hello"]);
    expect(fresh.push("Goodbye")).toBeUndefined();
  });

  it("comes at once, and from then on with a text at most held back", () => {
    const fresh = new FreshText(undefined, "all");
    expect(fresh.push("Yes")).toEqual(["Yes"]);
    expect(fresh.push("Yes, it does")).toEqual([]);
    expect(fresh.push("Yes, it does so")).toEqual([", it does", " so"]);
  });

  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });

  it("is what was sent alone, where that is known or holds in doubt and no text repeats eight characters", () => {
    fc.assert(
      fc.property(pieces, (texts) => {
        expect(said(texts, new FreshText("new", "new"))).toBe(texts.join(""));
        expect(said(texts, new FreshText(undefined, "new"))).toBe(texts.join(""));
      }),
    );
  });

  it("is what was sent as a whole each time, however it came", () => {
    fc.assert(
      fc.property(pieces, (texts) => {
        expect(said(wholes(texts), new FreshText("all", "all"))).toBe(texts.join(""));
        expect(said(wholes(texts), new FreshText(undefined, "all"))).toBe(texts.join(""));
      }),
    );
  });
});
