/**
 * A tiny language model with random weights: 300 kB that load and run like any GGUF.
 * It lets the wiring be tried (and tested) where no real model can be had. Its answers are letter soup, and it says so.
 */
import type { GgufFile, GgufTensor } from "./writer.ts";
import { bool, f32, i32s, text, texts, u32 } from "./writer.ts";

const WIDTH = 64;
const FEED_FORWARD = 128;
const LAYERS = 2;
const HEADS = 4;
const CONTEXT_TOKENS = 2048;
const SEED = 135;

const SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const END_OF_TURN = 256 + SPECIAL_TOKENS.indexOf("<|im_end|>");
const TOKEN_TYPE = { normal: 1, control: 3 } as const;

const CHAT_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}";

/** What the model says of itself in `general.description` and in /v1/models. */
export const WIRING_ONLY_DESCRIPTION = "Random weights for trying the wiring. Its text has no meaning.";

export function wiringOnlyGguf(): GgufFile {
  const vocabulary = [...byteTokens(), ...SPECIAL_TOKENS];
  return {
    metadata: {
      "general.architecture": text("llama"),
      "general.name": text("wiring-only"),
      "general.description": text(WIRING_ONLY_DESCRIPTION),
      "general.license": text("apache-2.0"),
      "llama.vocab_size": u32(vocabulary.length),
      "llama.context_length": u32(CONTEXT_TOKENS),
      "llama.embedding_length": u32(WIDTH),
      "llama.feed_forward_length": u32(FEED_FORWARD),
      "llama.block_count": u32(LAYERS),
      "llama.attention.head_count": u32(HEADS),
      "llama.attention.head_count_kv": u32(HEADS),
      "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
      "llama.rope.dimension_count": u32(WIDTH / HEADS),
      "tokenizer.ggml.model": text("gpt2"),
      "tokenizer.ggml.pre": text("gpt-2"),
      "tokenizer.ggml.tokens": texts(vocabulary),
      "tokenizer.ggml.token_type": i32s(
        vocabulary.map((_, id) => (id < 256 ? TOKEN_TYPE.normal : TOKEN_TYPE.control)),
      ),
      "tokenizer.ggml.merges": texts([]),
      "tokenizer.ggml.bos_token_id": u32(256),
      "tokenizer.ggml.eos_token_id": u32(END_OF_TURN),
      "tokenizer.ggml.add_bos_token": bool(false),
      "tokenizer.chat_template": text(CHAT_TEMPLATE),
    },
    tensors: tensors(vocabulary.length),
  };
}

function tensors(vocabularySize: number): GgufTensor[] {
  const random = normal(SEED);
  const matrix = (
    name: string,
    inputs: number,
    outputs: number,
    fix: (row: Float32Array, index: number) => void,
  ) => {
    const weights = Float32Array.from({ length: inputs * outputs }, () => random() / Math.sqrt(inputs));
    for (let index = 0; index < outputs; index += 1)
      fix(weights.subarray(index * inputs, (index + 1) * inputs), index);
    return { name, shape: [inputs, outputs], type: "f16" as const, weights: () => weights };
  };
  const ones = (name: string): GgufTensor => ({
    name,
    shape: [WIDTH],
    type: "f32",
    weights: () => new Float32Array(WIDTH).fill(1),
  });
  // Dimension 0 of the residual stream is a constant: every embedding sets it and no layer writes to it. The output
  // matrix reads it as a bias, which is how random weights still prefer letters to bytes that are not text.
  const constant = (row: Float32Array): void => void (row[0] = 1);
  const untouched = (row: Float32Array, index: number): void => void (index === 0 && row.fill(0));
  const biased = (row: Float32Array, token: number): void => void (row[0] = tokenBias(token));
  const free = (): void => undefined;
  const layers = Array.from({ length: LAYERS }, (_, layer) => {
    const block = `blk.${layer}`;
    return [
      ones(`${block}.attn_norm.weight`),
      matrix(`${block}.attn_q.weight`, WIDTH, WIDTH, free),
      matrix(`${block}.attn_k.weight`, WIDTH, WIDTH, free),
      matrix(`${block}.attn_v.weight`, WIDTH, WIDTH, free),
      matrix(`${block}.attn_output.weight`, WIDTH, WIDTH, untouched),
      ones(`${block}.ffn_norm.weight`),
      matrix(`${block}.ffn_gate.weight`, WIDTH, FEED_FORWARD, free),
      matrix(`${block}.ffn_up.weight`, WIDTH, FEED_FORWARD, free),
      matrix(`${block}.ffn_down.weight`, FEED_FORWARD, WIDTH, untouched),
    ];
  });
  return [
    matrix("token_embd.weight", WIDTH, vocabularySize, constant),
    ...layers.flat(),
    ones("output_norm.weight"),
    matrix("output.weight", WIDTH, vocabularySize, biased),
  ];
}

/** How much the model leans towards a token: letters by their rank in English, then spaces and ends of turn, nothing else. */
function tokenBias(token: number): number {
  if (token === END_OF_TURN) return 0.2;
  const rank = " etaoinshrdlcumwfgypbvk,.".indexOf(String.fromCharCode(token));
  return rank < 0 || token > 255 ? -8 : 2 - rank * 0.08;
}

/** GPT-2's spelling of the 256 bytes as visible characters: https://github.com/openai/gpt-2/blob/master/src/encoder.py */
function byteTokens(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(visible ? byte : next++);
  });
}

/** Normally distributed numbers from a seed: mulberry32 through Box-Muller, the same on every machine. */
function normal(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
