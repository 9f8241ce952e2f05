import type { ChatCompletion } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { continuedCompletion } from "./continued.ts";
import { DEEPSPEED_ABILITIES, refuseTurns } from "./deepspeed.ts";
import { classifyDeepspeedRest } from "./deepspeed-fault.ts";
import {
  type Sampling,
  isGreedy,
  promptTexts,
  refuseCompletion,
  samplingOf,
  tokensMaxOf,
} from "./deepspeed-request.ts";
import { answerCompletion, wholeDecoder } from "./deepspeed-whole.ts";
import type { EngineAdapter, EngineCall, EngineFault, EngineRequest, StreamFormat } from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";

// DeepSpeed-MII's RESTful gateway, `mii.serve(..., enable_restful_api=True)`: prompts alone, answers whole, no keys.
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/grpc_related/restful_gateway.py

/** Its own: no temperature is a temperature of 1, which is sent lest requests differ in what they have. */
const REST_SAMPLING: Sampling = { temperature: 1, top_p: 0.9 };

/**
 * The deployment's path. A hub's name has a slash in it, and so has the route. Undefined for a name that would lead
 * elsewhere: `GET /terminate` ends the server.
 */
function pathOf(deployment: string): string | undefined {
  const parts = deployment.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return undefined;
  return `/mii/${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * The members become arguments of a call, and then values of a protocol that has no null and no list: what is unknown,
 * null or a list, other than `prompts`, is a 500.
 */
function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const refused = refuseCompletion(call);
  if (refused) return refused;
  const prompts = promptTexts(call);
  if (!prompts.ok) return prompts;
  const { body, model, engine } = call;
  const path = pathOf(model.names[0] ?? "");
  if (path === undefined) return unsupported(engine, "model", "is no name of a deployment");
  const sampling = samplingOf(body, REST_SAMPLING);
  return ok({
    path,
    body: JSON.stringify({
      prompts: prompts.value,
      max_new_tokens: tokensMaxOf(body),
      max_length: model.contextLength,
      do_sample: !isGreedy(sampling),
      ...sampling,
    }),
  });
}

/** A stream is made of the whole answer: there is no other. */
const stream: StreamFormat = { format: "translated", decoder: wholeDecoder };

const noChat = (): Result<ChatCompletion, EngineFault> =>
  err({ class: "failure", status: 502, message: "it has no chat" });

export const deepspeedRest: EngineAdapter = {
  label: "DeepSpeed-MII (RESTful)",
  chat: { encode: refuseTurns, answer: noChat, stream },
  completion: {
    encode: encodeCompletion,
    answer: answerCompletion,
    stream,
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  classify: classifyDeepspeedRest,
  abilities: { ...DEEPSPEED_ABILITIES, chat: "refused", usage_in_streams: "engine", continuation: "engine" },
  // A request keeps one of its 32 processes to the end, and its first byte is its last: the answer comes whole.
  defaults: { concurrencyMax: 32, firstByteTimeoutMs: 600_000 },
  // It does not say what it serves: its operator names the deployment, under `models`.
  models: { path: "/healthz", read: () => [], listsNone: true },
  health: { path: "/healthz", read: (status) => (status === 200 ? "ready" : "down") },
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/(v1|mii(\/[^/]+)?)$/, ""),
};
