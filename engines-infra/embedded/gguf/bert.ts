/**
 * Turns a BERT sentence encoder (safetensors and a WordPiece vocabulary) into the GGUF that llama.cpp expects.
 * Names and metadata follow `BertModel` in llama.cpp's convert_hf_to_gguf.py.
 */
import type { Safetensors } from "./safetensors.ts";
import type { GgufFile, GgufTensor, GgufValue, WeightType } from "./writer.ts";
import { bool, f32, i32s, text, texts, u32 } from "./writer.ts";

/** What a model's config.json says, in plain words. */
export type BertShape = {
  layers: number;
  heads: number;
  width: number;
  feedForwardWidth: number;
  positionsMax: number;
  layerNormEpsilon: number;
};

export type BertCard = { name: string; description: string; licence: string };

const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3 } as const;
const MEAN_POOLING = 1;

/** The GGUF of a BERT encoder whose sentence vector is the mean of its token vectors. `matrix` is how the large tensors are stored. */
export function bertGguf(
  source: Safetensors,
  vocabulary: readonly string[],
  shape: BertShape,
  card: BertCard,
  matrix: WeightType,
): GgufFile {
  return { metadata: metadata(vocabulary, shape, card), tensors: tensors(source, shape, matrix) };
}

function metadata(
  vocabulary: readonly string[],
  shape: BertShape,
  card: BertCard,
): Record<string, GgufValue> {
  const id = (token: string): GgufValue => u32(vocabulary.indexOf(token));
  return {
    "general.architecture": text("bert"),
    "general.name": text(card.name),
    "general.description": text(card.description),
    "general.license": text(card.licence),
    "general.quantization_version": u32(2),
    "bert.vocab_size": u32(vocabulary.length),
    "bert.context_length": u32(shape.positionsMax),
    "bert.embedding_length": u32(shape.width),
    "bert.feed_forward_length": u32(shape.feedForwardWidth),
    "bert.block_count": u32(shape.layers),
    "bert.attention.head_count": u32(shape.heads),
    "bert.attention.layer_norm_epsilon": f32(shape.layerNormEpsilon),
    "bert.attention.causal": bool(false),
    "bert.pooling_type": u32(MEAN_POOLING),
    "tokenizer.ggml.model": text("bert"),
    "tokenizer.ggml.token_type_count": u32(2),
    "tokenizer.ggml.tokens": texts(vocabulary.map(phantomSpace)),
    "tokenizer.ggml.token_type": i32s(vocabulary.map(tokenType)),
    "tokenizer.ggml.unknown_token_id": id("[UNK]"),
    "tokenizer.ggml.bos_token_id": id("[CLS]"),
    "tokenizer.ggml.eos_token_id": id("[SEP]"),
    "tokenizer.ggml.seperator_token_id": id("[SEP]"), // llama.cpp's own spelling
    "tokenizer.ggml.cls_token_id": id("[CLS]"),
    "tokenizer.ggml.padding_token_id": id("[PAD]"),
    "tokenizer.ggml.mask_token_id": id("[MASK]"),
  };
}

const isControl = (token: string): boolean => /^\[(PAD|CLS|SEP|MASK|UNK)\]$/.test(token);

/** llama.cpp marks where a word starts (`▁word`), WordPiece marks where it goes on (`##ing`). */
function phantomSpace(token: string): string {
  if (isControl(token)) return token;
  return token.startsWith("##") ? token.slice(2) : `▁${token}`;
}

function tokenType(token: string): number {
  if (token === "[UNK]") return TOKEN_TYPE.unknown;
  return isControl(token) ? TOKEN_TYPE.control : TOKEN_TYPE.normal;
}

/** llama.cpp's name for each of a layer's modules, and the name that Transformers gives it. */
const LAYER_MODULES: ReadonlyArray<readonly [gguf: string, transformers: string]> = [
  ["attn_q", "attention.self.query"],
  ["attn_k", "attention.self.key"],
  ["attn_v", "attention.self.value"],
  ["attn_output", "attention.output.dense"],
  ["attn_output_norm", "attention.output.LayerNorm"],
  ["ffn_up", "intermediate.dense"],
  ["ffn_down", "output.dense"],
  ["layer_output_norm", "output.LayerNorm"],
];

function tensors(source: Safetensors, shape: BertShape, matrix: WeightType): GgufTensor[] {
  const tensor = (name: string, from: string, type: WeightType = "f32"): GgufTensor => ({
    name,
    shape: source.shape(from).toReversed(),
    type,
    weights: () => source.read(from),
  });
  // llama.cpp adds positions and types to the embeddings as they are, and wants these, like norms and biases, as f32.
  const embeddings = [
    tensor("token_embd.weight", "embeddings.word_embeddings.weight", matrix),
    tensor("position_embd.weight", "embeddings.position_embeddings.weight"),
    tensor("token_types.weight", "embeddings.token_type_embeddings.weight"),
    tensor("token_embd_norm.weight", "embeddings.LayerNorm.weight"),
    tensor("token_embd_norm.bias", "embeddings.LayerNorm.bias"),
  ];
  const layers = Array.from({ length: shape.layers }, (_, layer) =>
    LAYER_MODULES.flatMap(([gguf, transformers]) => {
      const from = `encoder.layer.${layer}.${transformers}`;
      const type = source.shape(`${from}.weight`).length === 2 ? matrix : "f32";
      return [
        tensor(`blk.${layer}.${gguf}.weight`, `${from}.weight`, type),
        tensor(`blk.${layer}.${gguf}.bias`, `${from}.bias`),
      ];
    }),
  );
  return [...embeddings, ...layers.flat()];
}
