/**
 * Writes GGUF, the file format of llama.cpp: metadata, a table of tensors, then their bytes.
 * Specification: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3, little-endian).
 */
import { Q8_0_BLOCK, f16Bytes, f32Bytes, q8Bytes } from "./numbers.ts";

const ALIGNMENT_BYTES = 32;
const VALUE_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/** How a tensor's weights are stored: ggml's type id, bytes per weight, and the encoder. */
const WEIGHT_TYPE = {
  f32: { id: 0, sizeBytes: (count: number) => count * 4, encode: f32Bytes },
  f16: { id: 1, sizeBytes: (count: number) => count * 2, encode: f16Bytes },
  q8_0: { id: 8, sizeBytes: (count: number) => (count / Q8_0_BLOCK) * (Q8_0_BLOCK + 2), encode: q8Bytes },
} as const;

export type WeightType = keyof typeof WEIGHT_TYPE;
type Scalar = "u32" | "i32" | "f32" | "bool" | "string";

/** A metadata value with the type that the file records for it. */
export type GgufValue =
  | { type: "u32" | "i32" | "f32"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "array"; of: Scalar; value: readonly (number | string | boolean)[] };

export const u32 = (value: number): GgufValue => ({ type: "u32", value });
export const f32 = (value: number): GgufValue => ({ type: "f32", value });
export const bool = (value: boolean): GgufValue => ({ type: "bool", value });
export const text = (value: string): GgufValue => ({ type: "string", value });
export const texts = (value: readonly string[]): GgufValue => ({ type: "array", of: "string", value });
export const i32s = (value: readonly number[]): GgufValue => ({ type: "array", of: "i32", value });

/** One tensor; `shape` is in ggml's order (the fastest-running dimension first). */
export type GgufTensor = {
  name: string;
  shape: readonly number[];
  type: WeightType;
  /** Called once, when its turn to be written comes, so that one tensor at a time is in memory. */
  weights: () => Float32Array | Promise<Float32Array>;
};

export type GgufFile = { metadata: Readonly<Record<string, GgufValue>>; tensors: readonly GgufTensor[] };

/** The file's bytes in order. The same input always gives the same bytes. */
export async function* ggufChunks(file: GgufFile): AsyncGenerator<Uint8Array> {
  const header = headerBytes(file);
  yield header;
  yield padding(header.length);
  for (const tensor of file.tensors) {
    const weights = await tensor.weights();
    if (weights.length !== countOf(tensor)) {
      throw new Error(
        `tensor ${tensor.name} has ${weights.length} weights, its shape says ${countOf(tensor)}`,
      );
    }
    const bytes = WEIGHT_TYPE[tensor.type].encode(weights);
    yield bytes;
    yield padding(bytes.length);
  }
}

function headerBytes(file: GgufFile): Uint8Array {
  const out = new ByteSink();
  out.raw(new TextEncoder().encode("GGUF"));
  out.u32(3);
  out.u64(file.tensors.length);
  const entries = Object.entries(file.metadata);
  out.u64(entries.length);
  for (const [key, value] of entries) {
    out.text(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const tensor of file.tensors) {
    out.text(tensor.name);
    out.u32(tensor.shape.length);
    for (const size of tensor.shape) out.u64(size);
    out.u32(WEIGHT_TYPE[tensor.type].id);
    out.u64(offset);
    const sizeBytes = WEIGHT_TYPE[tensor.type].sizeBytes(countOf(tensor));
    offset += sizeBytes + padding(sizeBytes).length;
  }
  return out.bytes();
}

function writeValue(out: ByteSink, value: GgufValue): void {
  out.u32(VALUE_TYPE[value.type]);
  if (value.type !== "array") return writeScalar(out, value.type, value.value);
  out.u32(VALUE_TYPE[value.of]);
  out.u64(value.value.length);
  for (const item of value.value) writeScalar(out, value.of, item);
}

function writeScalar(out: ByteSink, type: Scalar, value: number | string | boolean): void {
  if (type === "string") out.text(String(value));
  else if (type === "bool") out.u8(value ? 1 : 0);
  else if (type === "f32") out.f32(Number(value));
  else out.u32(Number(value) >>> 0);
}

const countOf = (tensor: GgufTensor): number => tensor.shape.reduce((product, size) => product * size, 1);

const padding = (length: number): Uint8Array =>
  new Uint8Array((ALIGNMENT_BYTES - (length % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES);

/** Bytes that grow as they are written, doubling so that a vocabulary of 30,000 words stays cheap. */
class ByteSink {
  #buffer = Buffer.alloc(1 << 16);
  #length = 0;

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }
  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
  }
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }
  f32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeFloatLE(value, at);
  }
  u64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(BigInt(value), at);
  }
  text(value: string): void {
    const bytes = Buffer.from(value);
    this.u64(bytes.length);
    this.raw(bytes);
  }
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Makes room for `sizeBytes` more and returns where they go. May replace the buffer, so it comes first. */
  #reserve(sizeBytes: number): number {
    const at = this.#length;
    this.#length += sizeBytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return at;
  }
}
