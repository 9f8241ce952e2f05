import { describe, expect, it } from "vitest";
import { faultOfRest } from "./continuation.ts";

const WRITTEN = "The river ran to the";

describe("the seam of a continued text", () => {
  it.each<[what: string, rest: string]>([
    ["goes on as expected", " sea, and on."],
    ["goes on in other words", " great lake."],
    ["ends at once", ""],
  ])("is right where the rest %s", (_, rest) => {
    expect(faultOfRest(WRITTEN, rest, " sea, and on.")).toBeUndefined();
  });

  it.each<[what: string, rest: string, says: RegExp]>([
    ["begins anew", "The river ran to the sea, and on.", /anew/],
    ["lost its space", "sea, and on.", /"" for " "/],
    ["has two spaces", "  sea, and on.", / {2}/],
  ])("is wrong where the rest %s", (_, rest, says) => {
    expect(faultOfRest(WRITTEN, rest, " sea, and on.")).toMatch(says);
  });
});
