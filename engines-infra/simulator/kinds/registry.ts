import { llamaCpp } from "./llama-cpp.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { vllm } from "./vllm.ts";

/** Every engine that can be simulated: a new one is a file and a line. */
export const kinds = { "llama-cpp": llamaCpp, ollama, openai, vllm };

export type SimulatedKind = keyof typeof kinds;

export function isKind(text: string): text is SimulatedKind {
  return Object.hasOwn(kinds, text);
}
