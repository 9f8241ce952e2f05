// The one place to add an engine: the exported name is its kind.
export { deepspeedNative as "deepspeed-native" } from "./deepspeed-native.ts";
export { deepspeedRest as "deepspeed-rest" } from "./deepspeed-rest.ts";
export { deepspeed } from "./deepspeed.ts";
export { llamaCpp as "llama-cpp" } from "./llama-cpp.ts";
export { lmdeploy } from "./lmdeploy.ts";
export { ollama } from "./ollama.ts";
export { openai } from "./openai.ts";
export { sglang } from "./sglang.ts";
export { tensorrtLlm as "tensorrt-llm" } from "./tensorrt-llm.ts";
export { tgi } from "./tgi.ts";
export { triton } from "./triton.ts";
export { vllm } from "./vllm.ts";
