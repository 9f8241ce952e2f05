import { describe, expect, it } from "vitest";
import { readOptions } from "./options.ts";

describe("the command line", () => {
  it("may be empty", () => {
    expect(readOptions([])).toMatchObject({ rounds: 3, seconds: 4, jsonFile: undefined });
    expect(readOptions([])).toHaveProperty("workloads.length", 8);
  });

  it.each<[string, string[], object]>([
    [
      "is short when it should be quick",
      ["--quick"],
      { rounds: 1, seconds: 2, workloads: ["sat32", "big", "rate", "cold", "relay", "burst", "abort"] },
    ],
    ["lets a number win over quick", ["--quick", "--rounds", "5"], { rounds: 5, seconds: 2 }],
    ["takes tests in their own order", ["--tests", "relay, sat32"], { workloads: ["sat32", "relay"] }],
    ["never goes without the base", ["--only", "ours"], { candidates: ["bare", "ours"] }],
    ["names a file", ["--json", "out.json"], { jsonFile: "out.json" }],
  ])("%s", (_, args, options) => {
    expect(readOptions(args)).toMatchObject(options);
  });

  it.each<[string[], string]>([
    [["--rounds", "0"], "--rounds"],
    [["--rounds", "2.5"], "--rounds"],
    [["--seconds", "600"], "--seconds"],
    [["--seconds", "x"], "--seconds"],
    [["--tests", "sat32,nothing"], 'no "nothing"; there are sat32'],
    [["--only", "theirs"], 'no "theirs"'],
    [["--loud"], "--loud"],
    [["stray"], "stray"],
  ])("%j is refused with a reason", (args, reason) => {
    expect(readOptions(args)).toContain(reason);
  });
});
