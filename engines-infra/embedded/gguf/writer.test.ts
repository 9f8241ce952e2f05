import { describe, expect, it } from "vitest";
import { readGguf, writtenGguf } from "../testing/read-gguf.ts";
import { bool, f32, i32s, text, texts, u32 } from "./writer.ts";

describe("GGUF writer", () => {
  it("writes metadata and tensors that are read back the same", async () => {
    const file = readGguf(
      await writtenGguf({
        metadata: {
          n: u32(7),
          f: f32(0.5),
          yes: bool(true),
          s: text("é日"),
          list: texts(["a", "▁b"]),
          ints: i32s([-1, 2]),
        },
        tensors: [
          { name: "first", shape: [3, 1], type: "f32", weights: () => Float32Array.of(1, 2, 3) },
          { name: "second", shape: [2], type: "f16", weights: async () => Float32Array.of(1, -1) },
        ],
      }),
    );
    expect(file.version).toBe(3);
    expect(file.metadata).toEqual({ n: 7, f: 0.5, yes: true, s: "é日", list: ["a", "▁b"], ints: [-1, 2] });
    expect(file.tensors).toEqual([
      { name: "first", shape: [3, 1], type: 0, offset: 0 },
      { name: "second", shape: [2], type: 1, offset: 32 },
    ]);
    expect(file.bytes.readFloatLE(file.dataAt + 8)).toBe(3);
    expect(file.bytes.readUInt16LE(file.dataAt + 32)).toBe(0x3c00);
    expect(file.bytes.length).toBe(file.dataAt + 64);
  });

  it("writes a header that outgrows its first buffer", async () => {
    const words = Array.from({ length: 30_000 }, (_, index) => `word-${index}`);
    const file = readGguf(
      await writtenGguf({ metadata: { words: texts(words), after: u32(1) }, tensors: [] }),
    );
    expect(file.metadata).toEqual({ words, after: 1 });
  });

  it("refuses weights that do not fill their shape", async () => {
    const tensor = { name: "t", shape: [4], type: "f32" as const, weights: () => new Float32Array(3) };
    await expect(writtenGguf({ metadata: {}, tensors: [tensor] })).rejects.toThrow("tensor t has 3 weights");
  });
});
