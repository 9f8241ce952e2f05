/** The embedding model on llama.cpp. */
import type { LlamaEmbeddingContext, LlamaModel, LlamaToken } from "./llama-api.ts";
import type { EmbeddingModel, ModelCard } from "./port.ts";
import type { Turns } from "./turns.ts";

export class LlamaEmbeddingModel implements EmbeddingModel {
  readonly card: ModelCard;
  readonly #model: LlamaModel;
  readonly #context: LlamaEmbeddingContext;
  readonly #turns: Turns;

  constructor(model: LlamaModel, context: LlamaEmbeddingContext, card: ModelCard, turns: Turns) {
    this.card = card;
    this.#model = model;
    this.#context = context;
    this.#turns = turns;
  }

  tokenize(text: string): LlamaToken[] {
    const { bos, sep } = this.#model.tokens;
    const tokens = [...this.#model.tokenize(text)];
    if (tokens.length === 0) return [];
    return [...(bos === null ? [] : [bos]), ...tokens, ...(sep === null ? [] : [sep])];
  }

  async embed(tokens: readonly LlamaToken[], signal: AbortSignal): Promise<Float32Array> {
    if (signal.aborted) return new Float32Array(this.card.embeddingLength);
    const { vector } = await this.#turns.run(() => this.#context.getEmbeddingFor([...tokens]));
    return unit(vector);
  }
}

/** The vector of length 1 in the same direction. */
export function unit(vector: ArrayLike<number>): Float32Array {
  let square = 0;
  for (let index = 0; index < vector.length; index += 1) square += (vector[index] ?? 0) ** 2;
  const length = Math.sqrt(square) || 1;
  return Float32Array.from(vector, (value) => value / length);
}
