import type { EngineRequest, ModelControl } from "./engine.ts";
import { asObject, parseJson } from "../kernel/json.ts";

// What operators may have engines do with models. None of it is reachable by the callers of the API.

const post = (path: string, body?: object): EngineRequest => ({
  path,
  body: body === undefined ? "" : JSON.stringify(body),
});

/**
 * vLLM loads adapters at run time where it was started with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, and sleeps with
 * VLLM_SERVER_DEV_MODE=1: https://docs.vllm.ai/en/latest/features/lora/, https://docs.vllm.ai/en/latest/features/sleep_mode/
 */
export const vllmControl: ModelControl = {
  loads: "adapters",
  load: (model, { source }) =>
    post("/v1/load_lora_adapter", { lora_name: model, lora_path: source ?? model }),
  unload: (model) => post("/v1/unload_lora_adapter", { lora_name: model }),
  // Level 1: weights go to the host's memory, from where they are soon back.
  sleep: () => post("/sleep?level=1"),
  wake: () => post("/wake_up"),
};

/** SGLang likewise, with `--enable-lora` and `--enable-memory-saver`; its admin key, where it has one, must be the engine's key here. */
export const sglangControl: ModelControl = {
  loads: "adapters",
  load: (model, { source }) => post("/load_lora_adapter", { lora_name: model, lora_path: source ?? model }),
  unload: (model) => post("/unload_lora_adapter", { lora_name: model }),
  sleep: () => post("/release_memory_occupation", {}),
  wake: () => post("/resume_memory_occupation", {}),
};

/** LMDeploy cannot load at run time: https://github.com/InternLM/lmdeploy/blob/main/lmdeploy/serve/openai/api_server.py */
export const lmdeployControl: ModelControl = {
  sleep: () => post("/sleep?level=1"),
  wake: () => post("/wakeup"),
};

/**
 * Ollama has its models on disk and loads them when they are asked for; a request without a prompt does nothing else.
 * https://github.com/ollama/ollama/blob/main/docs/api.md#load-a-model
 */
export const ollamaControl: ModelControl = {
  pull: (model) => post("/api/pull", { model, stream: true }),
  load: (model) => post("/api/generate", { model, stream: false }),
  unload: (model) => post("/api/generate", { model, stream: false, keep_alive: 0 }),
  readProgress: readPull,
};

/** One line of the answer to a pull. It is 200 whatever comes after: only the line `success` is one. */
function readPull(text: string): ReturnType<NonNullable<ModelControl["readProgress"]>> {
  const line = asObject(parseJson(text));
  if (!line) return undefined;
  const done = numberOf(line.completed);
  const total = numberOf(line.total);
  if (typeof line.error === "string") return { status: line.error, done, total, outcome: "failed" };
  const status = typeof line.status === "string" ? line.status : "";
  return { status, done, total, ...(status === "success" && { outcome: "finished" as const }) };
}

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);
