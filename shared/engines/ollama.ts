import { ollamaControl } from "./control.ts";
import { continuedChat, continuedCompletion } from "./continued.ts";
import type { EmbeddingAdapter, StreamFormat } from "./engine.ts";
import { answerChat, answerCompletion, answerEmbedding } from "./ollama-answer.ts";
import { classifyOllama } from "./ollama-fault.ts";
import { readTags } from "./ollama-models.ts";
import { encodeChat, encodeCompletion, encodeEmbedding } from "./ollama-request.ts";
import { ollamaDecoder } from "./ollama-stream.ts";

// Ollama's own API, not its /v1 layer: that one loses the text of an error in mid-stream, ignores
// max_completion_tokens, and overrides the model file's temperature.
// https://github.com/ollama/ollama/blob/main/docs/api.md

const stream: StreamFormat = { format: "translated", decoder: ollamaDecoder };

export const ollama: EmbeddingAdapter = {
  label: "Ollama",
  chat: {
    encode: encodeChat,
    answer: answerChat,
    stream,
    // Templates of Ollama's library leave a closing assistant message open, so that the answer goes on from it. Those that
    // it picks by itself for a bare GGUF close it, and the model begins anew: such a model needs a TEMPLATE of its own.
    continuesIfTold: true,
    continue: (call, written) => encodeChat(continuedChat(call, written, { merges: true })),
  },
  completion: {
    encode: encodeCompletion,
    answer: answerCompletion,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  embedding: { encode: encodeEmbedding, answer: answerEmbedding },
  classify: classifyOllama,
  abilities: {
    chat: "engine",
    completion: "engine",
    embedding: "engine",
    rerank: "refused",
    images: "engine",
    tools: "engine",
    tool_choice: "refused",
    json_object: "engine",
    json_schema: "engine",
    reasoning: "engine",
    logprobs: "engine",
    several_choices: "gateway",
    stop: "engine",
    seed: "engine",
    logit_bias: "refused",
    penalties: "engine",
    usage_in_streams: "engine",
    continuation: "engine",
  },
  // OLLAMA_NUM_PARALLEL is 1 by default in newer releases, and loading a model takes up to five minutes.
  defaults: { concurrencyMax: 4, firstByteTimeoutMs: 330_000 },
  models: { path: "/api/tags", read: readTags },
  health: { path: "/api/version", read: (status) => (status === 200 ? "ready" : "down") },
  control: ollamaControl,
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/(v1|api)$/, ""),
};
