import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { readGguf, writtenGguf } from "../testing/read-gguf.ts";
import { bertGguf } from "./bert.ts";
import { openSafetensors } from "./safetensors.ts";

const folder = temporaryFolder();
const WIDTH = 32;
const VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning"];

/** Writes a safetensors file whose weights count upwards from tensor to tensor. */
async function safetensors(name: string, shapes: Record<string, number[]>): Promise<string> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let at = 0;
  const data: Buffer[] = [];
  for (const [tensor, shape] of Object.entries(shapes)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const weights = Float32Array.from({ length: count }, (_, index) => at + index);
    data.push(Buffer.from(weights.buffer));
    header[tensor] = { dtype: "F32", shape, data_offsets: [at, (at += count * 4)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const path = join(folder, name);
  await writeFile(path, Buffer.concat([length, json, ...data]));
  return path;
}

const LAYER = {
  "attention.self.query": [WIDTH, WIDTH], "attention.self.key": [WIDTH, WIDTH], "attention.self.value": [WIDTH, WIDTH],
  "attention.output.dense": [WIDTH, WIDTH], "attention.output.LayerNorm": [WIDTH],
  "intermediate.dense": [64, WIDTH], "output.dense": [WIDTH, 64], "output.LayerNorm": [WIDTH],
}; // prettier-ignore

const SHAPES: Record<string, number[]> = {
  "embeddings.word_embeddings.weight": [VOCABULARY.length, WIDTH],
  "embeddings.position_embeddings.weight": [16, WIDTH],
  "embeddings.token_type_embeddings.weight": [2, WIDTH],
  "embeddings.LayerNorm.weight": [WIDTH],
  "embeddings.LayerNorm.bias": [WIDTH],
  ...Object.fromEntries(
    Object.entries(LAYER).flatMap(([name, shape]) => [
      [`encoder.layer.0.${name}.weight`, shape],
      [`encoder.layer.0.${name}.bias`, shape.slice(0, 1)],
    ]),
  ),
};

describe("safetensors", () => {
  it("reads a tensor by its name", async () => {
    const file = await openSafetensors(await safetensors("a.safetensors", { one: [2], two: [1, 3] }));
    expect(file.names).toEqual(["one", "two"]);
    expect(file.shape("two")).toEqual([1, 3]);
    expect([...(await file.read("two"))]).toEqual([8, 9, 10]);
    await expect(file.read("three")).rejects.toThrow("no tensor three");
    await file.close();
  });

  it("refuses what is no such file, or is cut short", async () => {
    const path = join(folder, "b.safetensors");
    await writeFile(path, Buffer.alloc(64, 0xff));
    await expect(openSafetensors(path)).rejects.toThrow("not a safetensors file");
    const whole = await safetensors("c.safetensors", { one: [100] });
    const { readFile } = await import("node:fs/promises");
    await writeFile(path, (await readFile(whole)).subarray(0, -10));
    const file = await openSafetensors(path);
    await expect(file.read("one")).rejects.toThrow("ends inside tensor one");
    await file.close();
  });
});

describe("BERT as GGUF", () => {
  it("has the names, shapes and metadata that llama.cpp looks for", async () => {
    const source = await openSafetensors(await safetensors("bert.safetensors", SHAPES));
    const shape = {
      layers: 1,
      heads: 2,
      width: WIDTH,
      feedForwardWidth: 64,
      positionsMax: 16,
      layerNormEpsilon: 1e-12,
    };
    const card = { name: "tiny", description: "d", licence: "mit" };
    const file = readGguf(await writtenGguf(bertGguf(source, VOCABULARY, shape, card, "q8_0")));
    await source.close();
    expect(file.metadata).toMatchObject({
      "general.architecture": "bert",
      "bert.attention.causal": false,
      "bert.pooling_type": 1,
      "bert.context_length": 16,
      "tokenizer.ggml.model": "bert",
      "tokenizer.ggml.tokens": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁run", "ning"],
      "tokenizer.ggml.token_type": [3, 2, 3, 3, 3, 1, 1],
      "tokenizer.ggml.cls_token_id": 2,
      "tokenizer.ggml.padding_token_id": 0,
    });
    const byName = Object.fromEntries(
      file.tensors.map(({ name, shape: size, type }) => [name, { size, type }]),
    );
    expect(Object.keys(byName)).toHaveLength(5 + 16);
    expect(byName["token_embd.weight"]).toEqual({ size: [WIDTH, VOCABULARY.length], type: 8 });
    expect(byName["position_embd.weight"]).toEqual({ size: [WIDTH, 16], type: 0 });
    expect(byName["blk.0.ffn_up.weight"]).toEqual({ size: [WIDTH, 64], type: 8 });
    expect(byName["blk.0.attn_output_norm.weight"]).toEqual({ size: [WIDTH], type: 0 });
    expect(byName["blk.0.layer_output_norm.bias"]).toEqual({ size: [WIDTH], type: 0 });
  });
});
