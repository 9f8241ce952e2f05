import type {
  ChatCompletion,
  ChatLogprobs,
  ChatRequest,
  FinishReason,
  ToolCall,
  ToolCallDelta,
} from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingList, EmbeddingRequest } from "../contracts/embeddings.ts";
import { isVector } from "../contracts/vector.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { estimateChatTokens, estimatePromptTokens, estimateTextTokens } from "./estimate.ts";
import { broken, faultIn } from "./ollama-fault.ts";
import { eventsOf } from "./ollama-stream.ts";
import { asList, asObject } from "../kernel/json.ts";
import { countInputs, estimatedUsage } from "./openai-dialect.ts";

/** The parts of a whole answer that chat and completion share. */
type Answer = {
  content: string;
  reasoning: string;
  toolCalls: readonly ToolCallDelta[];
  logprobs: ChatLogprobs | null;
  finish: FinishReason;
  usage: Usage;
};

const textOfCalls = (calls: readonly ToolCallDelta[]): string =>
  calls.map((each) => JSON.stringify(each.function)).join("");

/** `promptTokens` estimates them where the engine does not tell. */
function readAnswer(json: unknown, promptTokens: () => number): Result<Answer, EngineFault> {
  const object = asObject(json);
  if (!object) return err(broken("its answer is not a JSON object"));
  const events = eventsOf(object, { calls: 0 });
  const fault = events.find((event) => event.type === "error")?.fault;
  if (fault) return err(fault);
  const finish = events.find((event) => event.type === "finish")?.reason;
  if (!finish) return err(broken("its answer has no end (`done` is missing)"));
  const delta = events.find((event) => event.type === "delta");
  const content = delta?.content ?? "";
  const reasoning = delta?.reasoning ?? "";
  const toolCalls = delta?.toolCalls ?? [];
  const told = object.eval_count;
  return ok({
    content,
    reasoning,
    toolCalls,
    logprobs: delta?.logprobs ?? null,
    finish,
    usage:
      events.find((event) => event.type === "usage")?.usage ??
      estimatedUsage(
        promptTokens(),
        typeof told === "number" ? told : estimateTextTokens(reasoning + content + textOfCalls(toolCalls)),
      ),
  });
}

/** Reads a whole answer of `/api/chat` into OpenAI's form. */
export function answerChat(
  json: unknown,
  call: EngineCall<ChatRequest>,
  nowMs: number,
): Result<ChatCompletion, EngineFault> {
  const read = readAnswer(json, () => estimateChatTokens(call.body.messages));
  if (!read.ok) return read;
  const { content, reasoning, toolCalls, logprobs, finish, usage } = read.value;
  return ok({
    id: `chatcmpl-${call.requestId}`,
    object: "chat.completion",
    created: Math.floor(nowMs / 1000),
    model: call.body.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: content === "" && toolCalls.length > 0 ? null : content,
          refusal: null,
          ...(reasoning !== "" && { reasoning_content: reasoning }),
          ...(toolCalls.length > 0 && {
            tool_calls: toolCalls.map(({ index: _, ...each }) => each as ToolCall),
          }),
        },
        logprobs,
        finish_reason: finish,
      },
    ],
    usage,
  });
}

/** Reads a whole answer of `/api/generate` into the form of OpenAI's legacy completions. */
export function answerCompletion(
  json: unknown,
  call: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const read = readAnswer(json, () => estimatePromptTokens(call.body.prompt));
  if (!read.ok) return read;
  const { content, finish, usage } = read.value;
  return ok({
    id: `cmpl-${call.requestId}`,
    object: "text_completion",
    created: Math.floor(nowMs / 1000),
    model: call.body.model,
    choices: [
      { index: 0, text: content, logprobs: null, finish_reason: finish === "length" ? "length" : "stop" },
    ],
    usage,
  });
}

/** Reads the vectors of `/api/embed`. Fails where they are not one for each input, or no vectors. */
export function answerEmbedding(
  json: unknown,
  call: EngineCall<EmbeddingRequest>,
): Result<EmbeddingList, EngineFault> {
  const { input, model } = call.body;
  const object = asObject(json);
  if (object?.error !== undefined) return err(faultIn(object));
  const vectors = asList(object?.embeddings);
  const inputs = countInputs(input);
  if (vectors.length !== inputs)
    return err(broken(`it gave ${vectors.length} embeddings for ${inputs} inputs`));
  if (!vectors.every(isVector)) return err(broken("one of its embeddings is not a vector"));
  const told = object?.prompt_eval_count;
  const tokens = typeof told === "number" ? told : estimatePromptTokens(input);
  return ok({
    object: "list",
    model,
    data: vectors.map((embedding, index) => ({ object: "embedding" as const, index, embedding })),
    usage: {
      prompt_tokens: tokens,
      total_tokens: tokens,
      ...(typeof told !== "number" && { estimated: true }),
    },
  });
}
