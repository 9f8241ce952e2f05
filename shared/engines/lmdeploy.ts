import { continuedCompletion } from "./continued.ts";
import { lmdeployControl } from "./control.ts";
import type { EngineAdapter, EngineHealth, StreamFormat } from "./engine.ts";
import { classifyLmdeploy } from "./lmdeploy-fault.ts";
import { continueChat, encodeChat, encodeCompletion } from "./lmdeploy-request.ts";
import { lmdeployDecoder } from "./lmdeploy-stream.ts";
import { asObject } from "../kernel/json.ts";
import { openaiDialect } from "./openai-dialect.ts";
import { gauge } from "./prometheus-text.ts";

// LMDeploy's api_server: https://lmdeploy.readthedocs.io/en/latest/llm/api_server.html

/**
 * Translated: before its last chunk it has no finish reason at all, every delta opens anew with the role, completions of
 * all callers have the same id, `[DONE]` follows errors, and stop texts are found here.
 */
const stream: StreamFormat = { format: "translated", decoder: lmdeployDecoder };

/** What `/health` says; one that sleeps answers 200 as well, and older versions answer 200 with nothing. */
function readHealth(status: number, text: string): EngineHealth {
  const said = /"status":\s*"(\w+)"/.exec(text)?.[1];
  if (said === "sleeping" || said === "initializing") return "loading";
  return status === 200 ? "ready" : "down";
}

/** What waits for the engine, and what waits in front of it. */
function waiting(text: string): number | undefined {
  const inside = gauge(text, "lmdeploy:num_requests_waiting");
  const before = gauge(text, "lmdeploy:num_api_requests_waiting");
  return inside === undefined && before === undefined ? undefined : (inside ?? 0) + (before ?? 0);
}

/** An answer to a legacy completion has the id -1, whoever asked. */
const withOwnId = (json: unknown, requestId: string): unknown => {
  const answer = asObject(json);
  return answer?.id === undefined ? json : { ...answer, id: `cmpl-${requestId}` };
};

export const lmdeploy: EngineAdapter = {
  label: "LMDeploy",
  // Streams alone are asked for: what a stop text cuts short must not be generated to its end.
  chat: {
    encode: encodeChat,
    answer: openaiDialect.chat.answer,
    stream,
    continue: continueChat,
    assembled: true,
  },
  completion: {
    encode: encodeCompletion,
    answer: (json, call) => openaiDialect.completion.answer(withOwnId(json, call.requestId), call),
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
    assembled: true,
  },
  classify: classifyLmdeploy,
  abilities: {
    chat: "engine",
    completion: "engine",
    embedding: "refused",
    rerank: "refused",
    images: "engine",
    tools: "engine",
    tool_choice: "refused",
    json_object: "engine",
    json_schema: "engine",
    reasoning: "engine",
    logprobs: "engine",
    several_choices: "gateway",
    stop: "gateway",
    seed: "engine",
    logit_bias: "refused",
    // It has its own for repetition, and takes OpenAI's without any effect.
    penalties: "refused",
    usage_in_streams: "engine",
    continuation: "engine",
  },
  // Its smallest batch; what does not fit waits there without a word.
  defaults: { concurrencyMax: 128 },
  models: openaiDialect.models,
  health: { path: "/health", read: readHealth },
  // Refreshed every ten seconds only: of the requests that we have sent, we know more.
  load: {
    path: "/metrics",
    read: (text) => ({
      running: gauge(text, "lmdeploy:num_requests_running"),
      waiting: waiting(text),
      kvUse: gauge(text, "lmdeploy:gpu_cache_usage_perc"),
    }),
  },
  control: lmdeployControl,
  trimBaseUrl: openaiDialect.trimBaseUrl,
};
