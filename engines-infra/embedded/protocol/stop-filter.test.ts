import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopFilter } from "./stop-filter.ts";

/** What comes out of a filter when a text goes in cut into these pieces. */
function filtered(stops: readonly string[], pieces: readonly string[]): { text: string; stoppedBy?: string } {
  const filter = new StopFilter(stops);
  let text = "";
  for (const piece of pieces) {
    const result = filter.push(piece);
    text += result.text;
    if (result.stoppedBy !== undefined) return { text, stoppedBy: result.stoppedBy };
  }
  return { text: text + filter.flush() };
}

describe("stop filter", () => {
  it.each<[string, string[], string[], string, string | undefined]>([
    ["lets text through where there are no stop strings", [], ["ab", "c"], "abc", undefined],
    ["cuts at a stop string within one piece", ["X"], ["abXcd"], "ab", "X"],
    ["cuts at a stop string that crosses a border", ["END"], ["abE", "N", "Dcd"], "ab", "END"],
    ["gives back what only looked like the beginning of one", ["END"], ["abEN", "d"], "abENd", undefined],
    ["gives back an unfinished stop string at the end", ["END"], ["abEN"], "abEN", undefined],
    ["takes the one that is complete first", ["abc", "b"], ["abc"], "a", "b"],
    ["takes the longer of two that are complete at once", ["bc", "c"], ["abc"], "a", "bc"],
    ["takes the first of two stop strings", ["cd", "b"], ["abcd"], "a", "b"],
    ["finds one that begins within a false beginning", ["aab"], ["aaa", "b"], "a", "aab"],
  ])("%s", (_, stops, pieces, text, stoppedBy) => {
    expect(filtered(stops, pieces)).toEqual(stoppedBy === undefined ? { text } : { text, stoppedBy });
  });

  it("holds back no more than could still become a stop string", () => {
    const filter = new StopFilter(["\n\n"]);
    expect(filter.push("one\n").text).toBe("one");
    expect(filter.push("two").text).toBe("\ntwo");
  });

  it("gives the same text however it is cut into pieces", () => {
    const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 30 });
    const stops = fc.array(fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(letters, stops, (text, words) => {
        const found = words.map((word) => word.join(""));
        const whole = filtered(found, [text.join("")]);
        expect(filtered(found, text).text).toBe(whole.text);
        for (const stop of found) expect(whole.text).not.toContain(stop);
      }),
    );
  });
});
