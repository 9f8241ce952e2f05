/**
 * How GGUF stores weights: half floats and 8-bit blocks.
 * Formats: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml's `quantize_row_q8_0_ref`.
 */

const scratch = new DataView(new ArrayBuffer(4));

/** The 16 bits of the IEEE half float nearest to `value` (ties to even; overflow becomes infinity). */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) return sign | roundedShift(magnitude - 0x38000000, 13);
  if (magnitude < 0x33000000) return sign;
  const exponent = magnitude >>> 23;
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** `bits >> count`, rounded to the nearest integer, ties to even. */
function roundedShift(bits: number, count: number): number {
  const kept = bits >>> count;
  const rest = bits & ((1 << count) - 1);
  const half = 1 << (count - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/** The weights' own bytes. Every machine that llama.cpp ships binaries for is little-endian, as GGUF is. */
export function f32Bytes(weights: Float32Array): Uint8Array {
  return new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
}

/** Little-endian bytes of the weights as half floats. */
export function f16Bytes(weights: Float32Array): Uint8Array {
  const halves = new Uint16Array(weights.length);
  for (let index = 0; index < weights.length; index += 1) halves[index] = toHalf(weights[index] ?? 0);
  return new Uint8Array(halves.buffer);
}

/** Weights in one `q8_0` block: they share a half-float scale. */
export const Q8_0_BLOCK = 32;

/** The weights as `q8_0`: per 32 of them a half-float scale and 32 signed bytes. `weights.length % 32` must be 0. */
export function q8Bytes(weights: Float32Array): Uint8Array {
  const blocks = weights.length / Q8_0_BLOCK;
  const bytes = new Uint8Array(blocks * (2 + Q8_0_BLOCK));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block += 1) {
    const values = weights.subarray(block * Q8_0_BLOCK, (block + 1) * Q8_0_BLOCK);
    let largest = 0;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    const scale = largest / 127;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const at = block * (2 + Q8_0_BLOCK);
    view.setUint16(at, toHalf(scale), true);
    let offset = at + 2;
    for (const value of values) view.setInt8(offset++, Math.round(value * inverse));
  }
  return bytes;
}
