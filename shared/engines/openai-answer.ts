import type { ChatCompletion, ChatLogprobs, FinishReason, ToolCall } from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion } from "../contracts/completions.ts";
import type { EmbeddingList } from "../contracts/embeddings.ts";
import { isVector } from "../contracts/vector.ts";
import { type Json, asList, asObject } from "../kernel/json.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineFault } from "./engine.ts";
import { faultOfErrorObject } from "./openai-fault.ts";

const count = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

const withoutNulls = (object: Json): Json =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

/** Usage as an engine writes it, in OpenAI's form: nulls left out, the sum filled in. */
export function readUsage(value: unknown): Usage | undefined {
  const usage = asObject(value);
  if (!usage || typeof usage.prompt_tokens !== "number") return undefined;
  const prompt = count(usage.prompt_tokens);
  const completion = count(usage.completion_tokens);
  const promptDetails = asObject(usage.prompt_tokens_details);
  // SGLang tells the tokens of the reasoning beside the others.
  const reasoning = count(usage.reasoning_tokens);
  const completionDetails =
    asObject(usage.completion_tokens_details) ??
    (reasoning > 0 ? { reasoning_tokens: reasoning } : undefined);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: count(usage.total_tokens) || prompt + completion,
    ...(promptDetails && {
      prompt_tokens_details: {
        ...withoutNulls(promptDetails),
        cached_tokens: count(promptDetails.cached_tokens),
      },
    }),
    ...(completionDetails && {
      completion_tokens_details: {
        ...withoutNulls(completionDetails),
        reasoning_tokens: count(completionDetails.reasoning_tokens),
      },
    }),
  };
}

/**
 * llama.cpp tells its counts in `timings` at the end of every answer, asked or not:
 * https://github.com/ggml-org/llama.cpp/tree/master/tools/server
 */
export function usageOfTimings(value: unknown): Usage | undefined {
  const timings = asObject(value);
  if (!timings || typeof timings.predicted_n !== "number") return undefined;
  const cached = count(timings.cache_n);
  const prompt = count(timings.prompt_n) + cached;
  const completion = count(timings.predicted_n);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

const FINISH_REASONS: ReadonlySet<string> = new Set<FinishReason>([
  "stop",
  "length",
  "tool_calls",
  "content_filter",
  "function_call",
]);

/** By these an engine of any kind says that it gave up. */
export const BROKEN_FINISH: ReadonlySet<string> = new Set([
  "abort",
  "aborted",
  "error",
  "timeout",
  "cancelled",
  "canceled",
]);

/** A finish reason in OpenAI's words; undefined when the answer is not complete. */
export function readFinish(
  value: unknown,
  broken: ReadonlySet<string> = BROKEN_FINISH,
): FinishReason | undefined {
  if (typeof value !== "string" || value === "" || broken.has(value)) return undefined;
  // vLLM's `repetition` and others' words for an end-of-sequence token: the model came to an end by itself.
  return FINISH_REASONS.has(value) ? (value as FinishReason) : "stop";
}

const broken = (message: string): { ok: false; error: EngineFault } =>
  err({ class: "failure", status: 502, message });

/** The first thing that makes a whole answer no answer: an error inside a 200, no choices, a choice without an end. */
function faultOf(answer: Json | undefined): EngineFault | undefined {
  if (!answer) return { class: "failure", status: 502, message: "its answer is not a JSON object" };
  if (answer.error !== undefined && answer.error !== null) return faultOfErrorObject(answer.error, 500);
  if (!Array.isArray(answer.choices) || answer.choices.length === 0)
    return { class: "failure", status: 502, message: "its answer has no choices" };
  return undefined;
}

/** A tool call with what OpenAI's types require. `idIfUntold` is its id where the engine gave none. */
function mendToolCall(value: unknown, idIfUntold: string): ToolCall {
  const call = asObject(value);
  // Only of a hosted API, whose own form it is.
  if (call?.type === "custom") return call as ToolCall;
  const called = asObject(call?.function);
  const args = called?.arguments;
  return {
    ...call,
    id: typeof call?.id === "string" && call.id !== "" ? call.id : idIfUntold,
    type: "function",
    function: {
      ...called,
      name: String(called?.name ?? ""),
      arguments: typeof args === "string" ? args : JSON.stringify(args ?? {}),
    },
  };
}

/** The members of an answer besides its choices and usage: no null that OpenAI's types do not know. */
function frameOf<Kind extends string>(answer: Json, object: Kind) {
  const { system_fingerprint: fingerprint, ...rest } = answer;
  return {
    ...rest,
    ...(typeof fingerprint === "string" && { system_fingerprint: fingerprint }),
    id: String(answer.id ?? ""),
    object,
    created: count(answer.created),
    model: String(answer.model ?? ""),
  };
}

/** A chat message without the nulls that OpenAI's types do not know, and with the fields that they require. */
function mendMessage(raw: Json, answerId: string): ChatCompletion["choices"][number]["message"] {
  const { reasoning, function_call, annotations, audio, tool_calls, reasoning_content, ...rest } = raw;
  const thought = reasoning_content ?? reasoning;
  return {
    ...rest,
    role: "assistant",
    content: typeof raw.content === "string" ? raw.content : null,
    refusal: typeof raw.refusal === "string" ? raw.refusal : null,
    ...(typeof thought === "string" && thought !== "" && { reasoning_content: thought }),
    ...(Array.isArray(tool_calls) &&
      tool_calls.length > 0 && {
        // The answer's id keeps calls of several turns apart.
        tool_calls: tool_calls.map((call, at) => mendToolCall(call, `call_${answerId}_${at}`)),
      }),
    ...(asObject(function_call) && { function_call }),
    ...(Array.isArray(annotations) && { annotations }),
    ...(asObject(audio) && { audio }),
  };
}

/** Log probabilities with the member that OpenAI's types require and most engines leave out. */
export function mendLogprobs(value: unknown): ChatLogprobs | null {
  const logprobs = asObject(value) as ChatLogprobs | undefined;
  return logprobs ? { ...logprobs, refusal: logprobs.refusal ?? null } : null;
}

/** Absent, or an object in which nothing is null. */
const isWholeDetails = (value: unknown): boolean =>
  value === undefined || (!!asObject(value) && !Object.values(value as Json).includes(null));

/** Whether an answer is of OpenAI's types as it is; then its very bytes can go on. */
function isWhole(answer: Json): answer is ChatCompletion {
  const usage = asObject(answer.usage);
  if (
    typeof usage?.prompt_tokens !== "number" ||
    typeof usage.completion_tokens !== "number" ||
    typeof usage.total_tokens !== "number"
  )
    return false;
  if (!isWholeDetails(usage.prompt_tokens_details) || !isWholeDetails(usage.completion_tokens_details))
    return false;
  if (answer.system_fingerprint === null) return false;
  if (
    answer.object !== "chat.completion" ||
    typeof answer.id !== "string" ||
    typeof answer.model !== "string"
  )
    return false;
  return Number.isSafeInteger(answer.created) && asList(answer.choices).every(isWholeChoice);
}

/** A choice of text alone, with every member that OpenAI's types require and no null that they do not know. */
function isWholeChoice(value: unknown): boolean {
  const choice = asObject(value);
  const message = asObject(choice?.message);
  if (!choice || !message || typeof choice.index !== "number" || choice.logprobs !== null) return false;
  if (choice.finish_reason !== "stop" && choice.finish_reason !== "length") return false;
  if (message.role !== "assistant" || typeof message.content !== "string" || message.refusal !== null)
    return false;
  for (const name in message)
    if (
      name !== "role" &&
      name !== "content" &&
      name !== "refusal" &&
      !(name === "annotations" && Array.isArray(message.annotations))
    )
      return false;
  return true;
}

/**
 * Reads a whole chat answer of an engine that speaks OpenAI's format, and mends it to OpenAI's types. The very object
 * comes back where there is nothing to mend.
 */
export function readChatAnswer(
  json: unknown,
  usageIfUntold: () => Usage,
): Result<ChatCompletion, EngineFault> {
  const answer = asObject(json);
  const fault = faultOf(answer);
  if (fault || !answer) return err(fault ?? { class: "failure", status: 502, message: "no answer" });
  if (isWhole(answer)) return ok(answer);
  const choices: ChatCompletion["choices"] = [];
  for (const [index, each] of asList(answer.choices).entries()) {
    const choice = asObject(each) ?? {};
    const message = asObject(choice.message);
    if (!message) return broken("a choice has no message");
    const calls = Array.isArray(message.tool_calls) && message.tool_calls.length > 0;
    const finish = readFinish(choice.finish_reason);
    if (!finish) return broken(`it gave up (finish_reason ${JSON.stringify(choice.finish_reason ?? null)})`);
    choices.push({
      ...choice,
      index: typeof choice.index === "number" ? choice.index : index,
      message: mendMessage(message, String(answer.id ?? "")),
      logprobs: mendLogprobs(choice.logprobs),
      // Engines that call a tool and say `stop` would make agents' loops end.
      finish_reason: calls && finish === "stop" ? "tool_calls" : finish,
    });
  }
  return ok({
    ...frameOf(answer, "chat.completion"),
    choices,
    usage: readUsage(answer.usage) ?? usageOfTimings(answer.timings) ?? usageIfUntold(),
  });
}

/** Reads a whole answer to a legacy completion. */
export function readCompletionAnswer(
  json: unknown,
  usageIfUntold: () => Usage,
): Result<Completion, EngineFault> {
  const answer = asObject(json);
  const fault = faultOf(answer);
  if (fault || !answer) return err(fault ?? { class: "failure", status: 502, message: "no answer" });
  const choices: Completion["choices"] = [];
  for (const [index, each] of asList(answer.choices).entries()) {
    const choice = asObject(each) ?? {};
    const finish = readFinish(choice.finish_reason);
    if (!finish) return broken(`it gave up (finish_reason ${JSON.stringify(choice.finish_reason ?? null)})`);
    choices.push({
      ...choice,
      index: typeof choice.index === "number" ? choice.index : index,
      text: typeof choice.text === "string" ? choice.text : "",
      logprobs: asObject(choice.logprobs) ?? null,
      finish_reason: finish === "length" || finish === "content_filter" ? finish : "stop",
    });
  }
  return ok({
    ...frameOf(answer, "text_completion"),
    choices,
    usage: readUsage(answer.usage) ?? usageOfTimings(answer.timings) ?? usageIfUntold(),
  });
}

/** The vectors in the order of their `index`, or of the list where they have none; undefined where one is missing. */
function vectorsByIndex(data: readonly unknown[]): (number[] | string)[] | undefined {
  const vectors: (number[] | string)[] = [];
  for (const [position, each] of data.entries()) {
    const { embedding, index = position } = asObject(each) ?? {};
    if (!isVector(embedding) || typeof index !== "number") return undefined;
    vectors[index] = embedding;
  }
  return Object.keys(vectors).length === data.length && vectors.length === data.length ? vectors : undefined;
}

/** Reads a list of embeddings. `inputs` is how many there must be; each must be a vector. */
export function readEmbeddingAnswer(
  json: unknown,
  inputs: number,
  usageIfUntold: () => Usage,
): Result<EmbeddingList, EngineFault> {
  const answer = asObject(json);
  if (answer?.error !== undefined && answer.error !== null) return err(faultOfErrorObject(answer.error, 500));
  const data = asList(answer?.data);
  if (!answer || data.length !== inputs)
    return broken(`it gave ${data.length} embeddings for ${inputs} inputs`);
  const vectors = vectorsByIndex(data);
  if (!vectors) return broken("one of its embeddings is not a vector, or has the index of another");
  const usage = readUsage(answer.usage) ?? usageIfUntold();
  return ok({
    object: "list",
    model: String(answer.model ?? ""),
    data: vectors.map((embedding, index) => ({ object: "embedding" as const, index, embedding })),
    usage: {
      prompt_tokens: usage.prompt_tokens,
      total_tokens: usage.prompt_tokens,
      ...(usage.estimated && { estimated: true }),
    },
  });
}
