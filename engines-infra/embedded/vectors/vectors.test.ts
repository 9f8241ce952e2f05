import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeVectors, encodeVectors, quantized } from "./file.ts";
import { pruneVectors } from "./prune.ts";
import { StaticEmbeddingModel } from "./static-embedding-model.ts";

const ENTRIES: Array<[string, number[]]> = [
  ["the", [0.1, 0.1, 0.1]],
  ["cat", [1, 0.1, 0]],
  ["kitten", [0.9, 0.2, 0]],
  ["tax", [0, 0.1, 1]],
  ["form", [0.1, 0, 0.9]],
];

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

describe("word vectors", () => {
  it("are read back from their file as they were written", () => {
    const vectors = quantized("a description", ENTRIES);
    expect(decodeVectors(Buffer.from(encodeVectors(vectors)))).toEqual(vectors);
  });

  it("refuse a file that is cut short", () => {
    const bytes = Buffer.from(encodeVectors(quantized("d", ENTRIES)));
    expect(() => decodeVectors(bytes.subarray(0, -1))).toThrow("not a file of word vectors");
    expect(() => decodeVectors(Buffer.from("hello"))).toThrow(SyntaxError);
  });

  it("are taken off the beginning of the source, wherever it is cut into pieces", async () => {
    const words = [...ENTRIES.map(([word]) => word), 'say "x"', "rest"];
    const vectors = Object.fromEntries(words.map((word, index) => [word, [index, 1, -1, 9.5, index]]));
    const source = JSON.stringify({ precision: 8, size: 7, dimensions: 3, words, vectors, unkVector: [0] });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: source.length }), async (size) => {
        const pruned = await pruneVectors(pieces(source, size), 6);
        expect(pruned.words).toEqual(words.slice(0, 6));
        expect(pruned.dimensions).toBe(3);
        expect((pruned.bytes[5 * 3] ?? 0) * (pruned.scales[5] ?? 0)).toBeCloseTo(5, 1);
      }),
      { numRuns: 50 },
    );
  });

  it("refuse a source without vectors", async () => {
    await expect(pruneVectors(pieces('{"words":[]}', 5), 3)).rejects.toThrow("no word vectors");
  });
});

describe("static embedding model", () => {
  const model = new StaticEmbeddingModel(quantized("weak", ENTRIES), {
    id: "static",
    path: "/x",
    sizeBytes: 1,
  });
  const embed = (text: string) => model.embed(model.tokenize(text));
  const cosine = async (a: string, b: string): Promise<number> => {
    const [left, right] = await Promise.all([embed(a), embed(b)]);
    return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  };

  it("puts a kitten nearer to a cat than to a tax form", async () => {
    expect(await cosine("The kitten", "the CAT!")).toBeGreaterThan(
      (await cosine("The kitten", "tax form")) + 0.5,
    );
  });

  it("gives unit vectors, and the same for words that differ in case and accents only", async () => {
    expect(Math.hypot(...(await embed("cat form")))).toBeCloseTo(1, 5);
    expect(await cosine("Cät", "cat")).toBeCloseTo(1, 5);
  });

  it("knows an unknown word again, and takes it for no other", async () => {
    expect(await cosine("xyzzy", "XYZZY")).toBeCloseTo(1, 5);
    expect(await cosine("xyzzy", "plugh")).toBeLessThan(0.999);
  });

  it("finds no words in a text without any", () => {
    expect(model.tokenize("… — !")).toEqual([]);
  });
});
