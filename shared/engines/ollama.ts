import type { EngineAdapter, StreamFormat } from "./engine.ts";
import { answerChat, answerCompletion, answerEmbedding } from "./ollama-answer.ts";
import { classifyOllama } from "./ollama-fault.ts";
import { readTags } from "./ollama-models.ts";
import { encodeChat, encodeCompletion, encodeEmbedding } from "./ollama-request.ts";
import { ollamaDecoder } from "./ollama-stream.ts";

// Ollama's own API, not its /v1 layer: that one loses the text of an error in mid-stream, ignores
// max_completion_tokens, and overrides the model file's temperature.
// https://github.com/ollama/ollama/blob/main/docs/api.md

const stream: StreamFormat = { format: "translated", decoder: ollamaDecoder };

export const ollama: EngineAdapter = {
  label: "Ollama",
  chat: { encode: encodeChat, answer: answerChat, stream },
  completion: { encode: encodeCompletion, answer: answerCompletion, stream },
  embedding: { encode: encodeEmbedding, answer: answerEmbedding },
  classify: classifyOllama,
  models: { path: "/api/tags", read: readTags },
  health: { path: "/api/version", read: (status) => (status === 200 ? "ready" : "down") },
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/(v1|api)$/, ""),
};
