import { describe, expect, it } from "vitest";
import { USAGE, readArguments, threadsFor } from "./arguments.ts";

describe("engine arguments", () => {
  it("have defaults for all but the two paths", () => {
    expect(readArguments(["--install-dir", "/e", "--model", "/m.gguf"], 3)).toEqual({
      installDir: "/e",
      model: "/m.gguf",
      embeddingModel: undefined,
      port: 0,
      threads: 3,
      slots: 2,
      contextTokensMax: 4096,
    });
  });

  it.each<[string, string[], string]>([
    ["a missing model", ["--install-dir", "/e"], USAGE],
    ["an unknown option", ["--install-dir", "/e", "--model", "/m", "--gpu"], "--gpu"],
    ["a port that is none", ["--install-dir", "/e", "--model", "/m", "--port", "http"], "--port"],
    ["no threads", ["--install-dir", "/e", "--model", "/m", "--threads", "0"], "--threads"],
  ])("say what is wrong with %s", (_, argv, message) => {
    expect(readArguments(argv, 1)).toContain(message);
  });

  it.each([
    [1, false, 1],
    [2, false, 1],
    [8, false, 7],
    [8, true, 1],
  ])("with %i cores, CI %s: %i threads", (cores, isCi, threads) => {
    expect(threadsFor(cores, isCi)).toBe(threads);
  });
});
