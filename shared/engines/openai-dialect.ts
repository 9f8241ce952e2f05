import type { Usage } from "../contracts/common.ts";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { editBody } from "./edit-body.ts";
import type {
  AskedFor,
  ChunkRules,
  EngineAdapter,
  EngineCall,
  EngineModel,
  EngineRequest,
} from "./engine.ts";
import { estimateChatTokens, estimatePromptTokens, estimateTextTokens } from "./estimate.ts";
import {
  BROKEN_FINISH,
  asList,
  asObject,
  mendLogprobs,
  readChatAnswer,
  readCompletionAnswer,
  readEmbeddingAnswer,
} from "./openai-answer.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** Members to set in, and to remove from, a request before it is sent. */
export type Edits = { set?: Record<string, unknown>; remove?: string[] };

/** Refuses a field in the caller's terms. */
export const unsupported = (engine: string, param: string, what: string): { ok: false; error: Failure } =>
  err({ kind: "unsupported", param, engine, message: `\`${param}\` ${what} (engine \`${engine}\`).` });

/** What no text engine does, whatever its kind; silence would pass for obedience. */
export function refuseForAll(call: EngineCall<ChatRequest>): Failure | undefined {
  const { body, engine, model } = call;
  const refuse = (param: string, what: string): Failure =>
    unsupported(engine, param, `${what}; model \`${model.names[0] ?? ""}\``).error;
  if (body.functions !== undefined)
    return refuse("functions", "is deprecated and not supported: send `tools`");
  if (body.function_call !== undefined)
    return refuse("function_call", "is deprecated and not supported: send `tool_choice`");
  if (body.audio || body.modalities?.includes("audio"))
    return refuse(body.audio ? "audio" : "modalities", "asks for sound, which this engine does not make");
  if (body.web_search_options)
    return refuse("web_search_options", "is not supported: the engine has no web search");
  if (body.verbosity && body.verbosity !== "medium")
    return refuse("verbosity", "is not supported by this engine");
  return undefined;
}

/** The edits that every engine in OpenAI's format needs. */
export function openaiEdits(body: ChatRequest | CompletionRequest): Edits {
  const set: Record<string, unknown> = {};
  const remove: string[] = [];
  // Usage is always asked for; the relay hides the extra chunk from clients that did not ask.
  if (body.stream && body.stream_options?.include_usage !== true)
    set.stream_options = { ...body.stream_options, include_usage: true };
  // OpenAI takes an empty list for no tools; vLLM answers 400.
  if (Array.isArray(body.tools) && body.tools.length === 0)
    remove.push("tools", "tool_choice", "parallel_tool_calls");
  return { set, remove };
}

/** Joins edits; the later ones win. */
export const joinEdits = (...all: Edits[]): Edits => ({
  set: Object.assign({}, ...all.map((edits) => edits.set ?? {})) as Record<string, unknown>,
  remove: all.flatMap((edits) => edits.remove ?? []),
});

/** The request with its edits, for `path`. */
export function edited(path: string, call: EngineCall<Record<string, unknown>>, edits: Edits): EngineRequest {
  // The caller may use another of the model's names than the engine's own.
  const own = call.model.names[0];
  const set = own !== undefined && own !== call.body.model ? { ...edits.set, model: own } : (edits.set ?? {});
  return { path, body: editBody(call.text, call.body, set, edits.remove) };
}

/** OpenAI's rules for chunks: errors, ends and usage are looked at, all else passes. */
export const openaiRules: ChunkRules = {
  mark: /"error"|"usage":\s*\{|"timings"|"finish_reason":\s*"|"logprobs":\s*\{|\[DONE\]|^error:/m,
  mend: mendChunkLogprobs,
  brokenFinish: BROKEN_FINISH,
};

/** The log probabilities of a chat's chunk; those of a legacy completion, which has no delta, are of another form. */
export function mendChunkLogprobs(chunk: Record<string, unknown>): void {
  for (const each of asList(chunk.choices)) {
    const choice = asObject(each);
    if (choice?.delta !== undefined && asObject(choice.logprobs))
      choice.logprobs = mendLogprobs(choice.logprobs);
  }
}

/** Usage that nobody told: counted from texts and marked. */
export const estimatedUsage = (promptTokens: number, completionTokens: number): Usage => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  estimated: true,
});

const textOfChoices = (json: unknown): string =>
  asList(asObject(json)?.choices)
    .map((choice) => asObject(choice))
    .map((choice) => String(asObject(choice?.message)?.content ?? choice?.text ?? ""))
    .join("");

/** How many inputs a request has: a list of token ids is one. */
export function countInputs(input: EmbeddingRequest["input"]): number {
  return typeof input === "string" || typeof input[0] === "number" ? 1 : input.length;
}

/** Reads `GET /v1/models`; `max_model_len` is vLLM's and SGLang's, `meta.n_ctx` llama.cpp's. */
export function readOpenaiModels(json: unknown): EngineModel[] {
  return asList(asObject(json)?.data).flatMap((each) => {
    const model = asObject(each);
    if (typeof model?.id !== "string" || model.id === "") return [];
    const context = model.max_model_len ?? asObject(model.meta)?.n_ctx ?? model.context_length;
    return [
      {
        names: [model.id],
        ...(typeof model.created === "number" && { created: Math.floor(model.created) }),
        ...(typeof model.owned_by === "string" && { ownedBy: model.owned_by }),
        ...(typeof context === "number" && context > 0 && { contextLength: context }),
      },
    ];
  });
}

/** A base URL without `/v1` and slashes at its end, so that paths can be joined to it. */
export const trimBaseUrl = (baseUrl: string): string => baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "");

/** OpenAI's protocol with nothing special: what the kinds that speak it override. */
export const openaiDialect = {
  label: "OpenAI-compatible server",
  chat: {
    encode(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
      const refused = refuseForAll(call);
      return refused ? err(refused) : ok(edited("/v1/chat/completions", call, openaiEdits(call.body)));
    },
    answer: (json: unknown, call: EngineCall<ChatRequest>) =>
      readChatAnswer(json, () =>
        estimatedUsage(estimateChatTokens(call.body.messages), estimateTextTokens(textOfChoices(json))),
      ),
    // Hiding the usage chunk from a client that did not ask for it, or mending log probabilities, takes a look at every event.
    stream: {
      format: "openai",
      relay: ({ usage, logprobs }: AskedFor) => (usage && !logprobs ? "native" : "exact"),
      rules: openaiRules,
    },
  },
  completion: {
    encode: (call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> =>
      ok(edited("/v1/completions", call, openaiEdits(call.body))),
    answer: (json: unknown, call: EngineCall<CompletionRequest>) =>
      readCompletionAnswer(json, () =>
        estimatedUsage(estimatePromptTokens(call.body.prompt), estimateTextTokens(textOfChoices(json))),
      ),
    stream: {
      format: "openai",
      relay: ({ usage }: AskedFor) => (usage ? "native" : "exact"),
      rules: openaiRules,
    },
  },
  embedding: {
    encode: (call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> =>
      ok(edited("/v1/embeddings", call, {})),
    answer: (json: unknown, call: EngineCall<EmbeddingRequest>) =>
      readEmbeddingAnswer(json, countInputs(call.body.input), () =>
        estimatedUsage(estimatePromptTokens(call.body.input), 0),
      ),
  },
  classify: classifyOpenai,
  models: { path: "/v1/models", read: readOpenaiModels },
  health: {
    path: "/v1/models",
    read: (status: number) => (status >= 200 && status < 300 ? "ready" : status === 503 ? "loading" : "down"),
  },
  trimBaseUrl,
} as const satisfies EngineAdapter;
