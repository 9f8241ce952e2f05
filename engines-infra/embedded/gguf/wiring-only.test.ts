import { describe, expect, it } from "vitest";
import { readGguf, writtenGguf } from "../testing/read-gguf.ts";
import { wiringOnlyGguf } from "./wiring-only.ts";

describe("wiring-only model", () => {
  it("is the same small file every time", async () => {
    const [first, second] = await Promise.all([writtenGguf(wiringOnlyGguf()), writtenGguf(wiringOnlyGguf())]);
    expect(first.equals(second)).toBe(true);
    expect(first.length).toBeLessThan(1_000_000);
  });

  it("knows every byte, and says plainly what it is", async () => {
    const { metadata, tensors } = readGguf(await writtenGguf(wiringOnlyGguf()));
    const tokens = metadata["tokenizer.ggml.tokens"] as string[];
    expect(new Set(tokens).size).toBe(259);
    expect([tokens[65], tokens[32], tokens[10]]).toEqual(["A", "Ġ", "Ċ"]);
    expect(metadata["general.description"]).toMatch(/no meaning/);
    expect(tensors.map(({ name }) => name)).toContain("output.weight");
  });
});
