import { deepspeedNative } from "./deepspeed-native.ts";
import { deepspeedRest } from "./deepspeed-rest.ts";
import { deepspeed } from "./deepspeed.ts";
import { llamaCpp } from "./llama-cpp.ts";
import { lmdeploy } from "./lmdeploy.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { sglang } from "./sglang.ts";
import { tensorrtLlm } from "./tensorrt-llm.ts";
import { tgi } from "./tgi.ts";
import { triton } from "./triton.ts";
import { vllm } from "./vllm.ts";

/** Every engine that can be simulated: a new one is a file and a line. */
export const kinds = {
  deepspeed,
  "deepspeed-native": deepspeedNative,
  "deepspeed-rest": deepspeedRest,
  "llama-cpp": llamaCpp,
  lmdeploy,
  ollama,
  openai,
  sglang,
  "tensorrt-llm": tensorrtLlm,
  tgi,
  triton,
  vllm,
};

export type SimulatedKind = keyof typeof kinds;

export function isKind(text: string): text is SimulatedKind {
  return Object.hasOwn(kinds, text);
}
