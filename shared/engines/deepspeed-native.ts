import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import { continuedCompletion } from "./continued.ts";
import { DEEPSPEED_ABILITIES, DEEPSPEED_DEFAULTS, SAMPLING, answersWhole, refuseTurns } from "./deepspeed.ts";
import { onePrompt, refuseCompletion, samplingOf, tokensMaxOf } from "./deepspeed-request.ts";
import { generateDecoder } from "./deepspeed-stream.ts";
import type { EngineAdapter, EngineCall, EngineRequest, StreamFormat } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

// DeepSpeed-MII's simple server, mii.entrypoints.api_server: prompts alone, no model list, no keys.
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/api_server.py

const stream: StreamFormat = { format: "translated", decoder: generateDecoder };

function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const refused = refuseCompletion(call);
  if (refused) return refused;
  const prompt = onePrompt(call);
  if (!prompt.ok) return prompt;
  const { body, model } = call;
  return ok({
    path: "/generate",
    body: JSON.stringify({
      prompt: prompt.value,
      max_tokens: tokensMaxOf(body),
      // Its default, 32768, would take the place of what the model was deployed with.
      max_length: model.contextLength,
      ...samplingOf(body, SAMPLING),
      stream: true,
    }),
  });
}

export const deepspeedNative: EngineAdapter = {
  label: "DeepSpeed-MII (/generate)",
  chat: { encode: refuseTurns, answer: answersWhole, stream, assembled: true },
  completion: {
    encode: encodeCompletion,
    answer: answersWhole,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
    assembled: true,
  },
  classify: classifyOpenai,
  abilities: { ...DEEPSPEED_ABILITIES, chat: "refused", continuation: "engine" },
  defaults: DEEPSPEED_DEFAULTS,
  // It does not say what it serves: its operator does, under `models`.
  models: { path: "/health", read: () => [], listsNone: true },
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/(v1|generate)$/, ""),
};
