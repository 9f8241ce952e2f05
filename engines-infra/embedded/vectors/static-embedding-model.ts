/**
 * Sentence vectors from word vectors: the mean of a text's words, the frequent ones weighing less ("smooth inverse
 * frequency", https://openreview.net/forum?id=SyK00v5xx). Weak beside a sentence encoder, but real.
 */
import { unit } from "../model/llama-embedding-model.ts";
import type { EmbeddingModel, ModelCard, Token } from "../model/port.ts";
import type { WordVectors } from "./file.ts";

const CONTEXT_TOKENS = 8192;
/** Ids above the vocabulary name words that are not in it, by a hash: the same unknown word still meets itself. */
const UNKNOWN_WORDS = 1 << 20;
const SMOOTHING = 1e-3;

export class StaticEmbeddingModel implements EmbeddingModel {
  readonly card: ModelCard;
  readonly #vectors: WordVectors;
  readonly #ids: ReadonlyMap<string, Token>;
  readonly #common: Float32Array;

  constructor(vectors: WordVectors, file: { id: string; path: string; sizeBytes: number }) {
    this.#vectors = vectors;
    this.#ids = new Map(vectors.words.map((word, id) => [word, id]));
    this.#common = this.#meanVector();
    this.card = {
      id: file.id,
      description: vectors.description,
      path: file.path,
      sizeBytes: file.sizeBytes,
      parameters: vectors.bytes.length,
      vocabularyTokens: vectors.words.length + UNKNOWN_WORDS,
      vocabularyType: 0,
      contextTokens: CONTEXT_TOKENS,
      trainContextTokens: CONTEXT_TOKENS,
      embeddingLength: vectors.dimensions,
      weightType: "I8",
    };
  }

  tokenize(text: string): Token[] {
    const words =
      text
        .normalize("NFKD")
        .replace(/\p{M}/gu, "")
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu) ?? [];
    return words.map(
      (word) => this.#ids.get(word) ?? this.#vectors.words.length + (hash(word) % UNKNOWN_WORDS),
    );
  }

  async embed(tokens: readonly Token[]): Promise<Float32Array> {
    const sum = new Float32Array(this.#vectors.dimensions);
    for (const token of tokens) this.#add(sum, token, weightOf(token));
    return unit(sum);
  }

  #add(sum: Float32Array, token: Token, weight: number): void {
    const { dimensions, bytes, scales, words } = this.#vectors;
    if (token >= words.length) return addUnknown(sum, token, weight);
    const scale = (scales[token] ?? 0) * weight;
    for (let index = 0; index < dimensions; index += 1) {
      sum[index] =
        (sum[index] ?? 0) +
        (bytes[token * dimensions + index] ?? 0) * scale -
        (this.#common[index] ?? 0) * weight;
    }
  }

  /** What all words have in common says nothing about one of them, so it is taken off each. */
  #meanVector(): Float32Array {
    const { dimensions, bytes, scales, words } = this.#vectors;
    const mean = new Float32Array(dimensions);
    for (let row = 0; row < words.length; row += 1) {
      for (let index = 0; index < dimensions; index += 1) {
        mean[index] =
          (mean[index] ?? 0) + ((bytes[row * dimensions + index] ?? 0) * (scales[row] ?? 0)) / words.length;
      }
    }
    return mean;
  }
}

/** By Zipf's law the word of rank r makes up about 0.1 / r of a text. */
const weightOf = (token: Token): number => SMOOTHING / (SMOOTHING + 0.1 / (token + 1));

/** Noise that depends on the token alone. */
function addUnknown(sum: Float32Array, token: Token, weight: number): void {
  let state = token;
  for (let index = 0; index < sum.length; index += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    sum[index] = (sum[index] ?? 0) + weight * ((state >>> 0) / 2 ** 32 - 0.5);
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
