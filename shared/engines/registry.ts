// The one place to add an engine: the exported name is its kind.
export { llamaCpp as "llama-cpp" } from "./llama-cpp.ts";
export { ollama } from "./ollama.ts";
export { openai } from "./openai.ts";
export { vllm } from "./vllm.ts";
