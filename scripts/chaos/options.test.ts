import { describe, expect, it } from "vitest";
import { drawnSeed, readOptions } from "./options.ts";

describe("the command line of the chaos", () => {
  it.each<[string[], object]>([
    [[], { seed: 42, seconds: 8 }],
    [["--seed", "7"], { seed: 7, seconds: 8 }],
    [["--seed", "0", "--seconds", "2.5"], { seed: 0, seconds: 2.5 }],
    [["--only", "mix"], { seed: 42, seconds: 8, only: "mix" }],
  ])("%j is understood", (args, options) => {
    expect(readOptions(args, () => 42)).toEqual(options);
  });

  it.each<[string[], string]>([
    [["--seed", "one"], "--seed must be"],
    [["--seed", "-1"], "--seed"],
    [["--seed", "1.5"], "--seed must be"],
    [["--seconds", "1"], "--seconds must be"],
    [["--seconds", "ever"], "--seconds must be"],
    [["--only", "some"], "--only must be one of seams"],
    [["--quick"], "--quick"],
  ])("%j is refused in words", (args, words) => {
    expect(readOptions(args, () => 42)).toContain(words);
  });

  it.each([0, 0.5, 0.999999999])("draws a seed that it would take as an argument (%d)", (drawn) => {
    const seed = drawnSeed(() => drawn);
    expect(readOptions(["--seed", String(seed)], () => -1)).toMatchObject({ seed });
  });
});
