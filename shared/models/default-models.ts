import type { ModelCapability, ModelEntry } from "../contracts/admin-models.ts";
import { type EngineKind, engineKinds } from "../engines/engines.ts";

const K = 1024;

type Seed = {
  readonly source: string;
  readonly kinds: readonly string[];
  /** What Ollama's library calls it; the first is what is pulled. */
  readonly ollama?: readonly string[];
  readonly capabilities: readonly ModelCapability[];
  readonly contextK: number;
  readonly parametersB: number;
};

/** Models that are known before anybody registers one. The first that is served is what `default` means. */
const SEEDS: Readonly<Record<string, Seed>> = {
  "llama-3.1-8b-instruct": {
    source: "meta-llama/Llama-3.1-8B-Instruct",
    kinds: ["vllm", "sglang", "tgi", "ollama"],
    ollama: ["llama3.1:8b", "llama3.1:latest", "llama3.1", "llama3.1:8b-instruct-q4_K_M"],
    capabilities: ["chat", "completion", "code_generation"],
    contextK: 128,
    parametersB: 8,
  },
  "llama-3.1-70b-instruct": {
    source: "meta-llama/Llama-3.1-70B-Instruct",
    kinds: ["vllm", "sglang", "tgi"],
    capabilities: ["chat", "completion", "code_generation", "reasoning"],
    contextK: 128,
    parametersB: 70,
  },
  "qwen2.5-72b-instruct": {
    source: "Qwen/Qwen2.5-72B-Instruct",
    kinds: ["vllm", "sglang", "tgi"],
    capabilities: ["chat", "completion", "code_generation", "function_calling"],
    contextK: 128,
    parametersB: 72,
  },
  "qwen2.5-coder-32b-instruct": {
    source: "Qwen/Qwen2.5-Coder-32B-Instruct",
    kinds: ["vllm", "sglang"],
    capabilities: ["chat", "code_generation"],
    contextK: 128,
    parametersB: 32,
  },
  "deepseek-r1-distill-qwen-32b": {
    source: "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
    kinds: ["vllm", "sglang"],
    capabilities: ["chat", "reasoning", "code_generation"],
    contextK: 128,
    parametersB: 32,
  },
  "mistral-7b-instruct-v0.3": {
    source: "mistralai/Mistral-7B-Instruct-v0.3",
    kinds: ["vllm", "sglang", "tgi", "ollama"],
    ollama: ["mistral:7b", "mistral:latest", "mistral", "mistral:7b-instruct-v0.3-q4_K_M"],
    capabilities: ["chat", "completion"],
    contextK: 32,
    parametersB: 7,
  },
};

/** The six default models, in the order of preference. An entry of the same id in the registry takes a default's place. */
export const DEFAULT_MODELS: readonly ModelEntry[] = Object.entries(SEEDS).map(([id, seed]) => ({
  id,
  source: seed.source,
  ...(seed.ollama && { names: { ollama: [...seed.ollama] } }),
  engineKinds: engineKinds.filter((kind: EngineKind) => seed.kinds.includes(kind)),
  capabilities: [...seed.capabilities],
  contextLength: seed.contextK * K,
  parametersB: seed.parametersB,
  format: "safetensors",
}));
