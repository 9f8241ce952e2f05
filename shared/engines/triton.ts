import type { ChatCompletion, ChatRequest } from "../contracts/chat.ts";
import { type Result, err } from "../kernel/result.ts";
import { continuedCompletion } from "./continued.ts";
import type {
  EngineAdapter,
  EngineCall,
  EngineFault,
  EngineLoad,
  EngineRequest,
  StreamFormat,
} from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";
import { gauge } from "./prometheus-text.ts";
import { answerCompletion } from "./triton-answer.ts";
import { broken, classifyTriton } from "./triton-fault.ts";
import { readModelStats } from "./triton-models.ts";
import { encodeCompletion } from "./triton-request.ts";
import { tritonDecoder } from "./triton-stream.ts";

// Triton Inference Server with models of TensorRT-LLM, by its generate extension:
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md

const stream: StreamFormat = { format: "translated", decoder: tritonDecoder };

/**
 * It takes a prompt and knows no conversation: how a model writes turns is in a template that stays on its machine, and
 * a guess would be answered all the same, only worse.
 */
const refuseChat = ({ engine }: EngineCall<ChatRequest>) =>
  unsupported(
    engine,
    "messages",
    "is not supported by Triton, which has no chat template: send the prompt to /v1/completions",
  );

const noChat = (): Result<ChatCompletion, EngineFault> => err(broken("it has no chat"));

/** The sum of a metric's samples that have a label. */
const labelled = (text: string, name: string, label: string): number | undefined =>
  gauge(
    text
      .split("\n")
      .filter((line) => line.includes(label))
      .join("\n"),
    name,
  );

const requests = (text: string, type: string) =>
  labelled(text, "nv_trt_llm_request_metrics", `request_type="${type}"`);

const readLoad = (text: string): EngineLoad => ({
  running: requests(text, "active"),
  waiting: requests(text, "waiting"),
  slots: requests(text, "max"),
  kvUse: labelled(text, "nv_trt_llm_kv_cache_block_metrics", 'kv_cache_block_type="fraction"'),
});

/** Only a server in explicit mode obeys. */
const control = (model: string, action: "load" | "unload"): EngineRequest => ({
  path: `/v2/repository/models/${encodeURIComponent(model)}/${action}`,
  body: "{}",
});

/** Triton with models of TensorRT-LLM. */
export const triton: EngineAdapter = {
  label: "Triton",
  chat: { encode: refuseChat, answer: noChat, stream },
  completion: {
    encode: encodeCompletion,
    answer: answerCompletion,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  classify: classifyTriton,
  abilities: {
    chat: "refused",
    completion: "engine",
    embedding: "refused",
    rerank: "refused",
    // Of a chat, all of them.
    images: "refused",
    tools: "refused",
    tool_choice: "refused",
    json_object: "refused",
    json_schema: "refused",
    reasoning: "refused",
    logprobs: "refused",
    several_choices: "gateway",
    stop: "engine",
    seed: "engine",
    logit_bias: "refused",
    penalties: "engine",
    // Classic models count; of the others we do.
    usage_in_streams: "gateway",
    continuation: "engine",
  },
  // Its queue has no bound unless its operator gives it one; the samples of its model repository batch 64.
  defaults: { concurrencyMax: 64 },
  models: { path: "/v2/models/stats", read: readModelStats },
  // 400, and not 503, is its word for a server whose models are not all loaded yet.
  health: {
    path: "/v2/health/ready",
    read: (status) => (status === 200 ? "ready" : status === 400 ? "loading" : "down"),
  },
  // It listens for this on a port of its own, 8002: the way to the engine has to lead the path there.
  load: { path: "/metrics", read: readLoad },
  control: {
    load: (model) => control(model, "load"),
    unload: (model) => control(model, "unload"),
  },
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/v[12]$/, ""),
};
