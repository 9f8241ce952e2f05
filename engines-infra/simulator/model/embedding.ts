import { splitTokens } from "./generate.ts";
import { hash32, mix } from "./hash.ts";

/** Length of a vector unless a request cuts it. */
export const EMBEDDING_DIMENSIONS = 64;

/** An L2-normalised vector of a text: texts that share words lie close, so that retrieval tests mean something. */
export function embed(text: string, dimensions = EMBEDDING_DIMENSIONS): number[] {
  const vector = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0);
  for (const token of ["", ...splitTokens(text.toLowerCase())]) {
    const key = hash32(token.trim());
    for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) + mix(key, at) / 2 ** 31 - 1;
  }
  return normalised(vector.slice(0, dimensions));
}

/** Base64 of the vector as little-endian float32. */
export function base64Floats(vector: number[]): string {
  return Buffer.from(new Uint8Array(Float32Array.from(vector).buffer)).toString("base64");
}

function normalised(vector: number[]): number[] {
  const length = Math.hypot(...vector) || 1;
  // Nine digits name a float32 exactly, which keeps the float and the base64 answer the same numbers.
  return vector.map((value) => Number(Math.fround(value / length).toPrecision(9)));
}
