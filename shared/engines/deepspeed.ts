import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { Abilities } from "./abilities.ts";
import { continuedCompletion } from "./continued.ts";
import { classifyDeepspeed } from "./deepspeed-fault.ts";
import {
  type Sampling,
  onePrompt,
  refuseChat,
  refuseCompletion,
  samplingOf,
  tokensMaxOf,
} from "./deepspeed-request.ts";
import { openaiStyleDecoder } from "./deepspeed-stream.ts";
import type { EngineAdapter, EngineCall, EngineFault, EngineRequest, StreamFormat } from "./engine.ts";
import { openaiDialect, unsupported } from "./openai-dialect.ts";
import { plainMessages } from "./plain-messages.ts";

// DeepSpeed-MII's OpenAI-style server, mii.entrypoints.openai_api_server:
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/openai_api_server.py

/** Its own, said openly: a request without them would not be like its neighbours. */
export const SAMPLING: Sampling = { temperature: 0.7, top_p: 0.9 };

/** Translated, for its stop text would be a single token, and take the place of the model's end. */
const stream: StreamFormat = { format: "translated", decoder: openaiStyleDecoder };

function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const refused = refuseChat(call);
  if (refused) return refused;
  const messages = plainMessages(call);
  if (!messages.ok) return messages;
  const { body, model } = call;
  return ok({
    path: "/v1/chat/completions",
    body: JSON.stringify({
      // It serves one model, under exactly the name that it was started with.
      model: model.names[0],
      messages: messages.value,
      max_tokens: tokensMaxOf(body),
      ...samplingOf(body, SAMPLING),
      stream: true,
    }),
  });
}

function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const refused = refuseCompletion(call);
  if (refused) return refused;
  const prompt = onePrompt(call);
  if (!prompt.ok) return prompt;
  const { body, model } = call;
  return ok({
    path: "/v1/completions",
    body: JSON.stringify({
      model: model.names[0],
      prompt: prompt.value,
      max_tokens: tokensMaxOf(body),
      // Its default, 32768, would take the place of what the model was deployed with.
      max_length: model.contextLength,
      ...samplingOf(body, SAMPLING),
      stream: true,
    }),
  });
}

/**
 * Whole answers lose their beginning where the KV cache was too small, and end in silence where a replica has failed:
 * streams alone are asked for, and assembled.
 */
export const answersWhole = (): { ok: false; error: EngineFault } =>
  err({ class: "failure", status: 502, message: "it answered whole where a stream was asked for" });

/**
 * The other two servers take prompts alone. How a model writes turns is in its tokenizer, on the engine's machine, and a
 * guess would be answered all the same, only worse.
 */
export const refuseTurns = ({ engine }: EngineCall<ChatRequest>): Result<EngineRequest, Failure> =>
  unsupported(
    engine,
    "messages",
    "is not supported by this server of DeepSpeed-MII, which has no chat template: send the prompt to /v1/completions, or have the operator run its OpenAI-style server (kind `deepspeed`) beside it",
  );

/** What all three servers of DeepSpeed-MII can do: text, and what of the rest can be done in their place. */
export const DEEPSPEED_ABILITIES = {
  chat: "engine",
  completion: "engine",
  embedding: "refused",
  rerank: "refused",
  images: "refused",
  tools: "refused",
  tool_choice: "refused",
  json_object: "refused",
  json_schema: "refused",
  reasoning: "refused",
  logprobs: "refused",
  several_choices: "gateway",
  stop: "gateway",
  seed: "refused",
  logit_bias: "refused",
  penalties: "refused",
  usage_in_streams: "gateway",
  // A completion can be continued; a chat's template always closes the assistant's turn.
  continuation: "refused",
} as const satisfies Abilities;

/** Its balancer has 256 threads, each taken by a stream to its very end, and clients that leave end none. */
export const DEEPSPEED_DEFAULTS = { concurrencyMax: 64 } as const;

export const deepspeed: EngineAdapter = {
  label: "DeepSpeed-MII",
  chat: {
    encode: encodeChat,
    answer: answersWhole,
    stream,
    assembled: true,
  },
  completion: {
    encode: encodeCompletion,
    answer: answersWhole,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
    assembled: true,
  },
  classify: classifyDeepspeed,
  abilities: DEEPSPEED_ABILITIES,
  defaults: DEEPSPEED_DEFAULTS,
  models: openaiDialect.models,
  // That it answers says that the process lives; whether its replicas do, only a generation tells.
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  trimBaseUrl: openaiDialect.trimBaseUrl,
};
