import type { Usage } from "../contracts/common.ts";
import { type ChatRequest, isFunctionCall, isFunctionTool } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { RerankRequest } from "../contracts/rerank.ts";
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
import { asList, asObject } from "../kernel/json.ts";
import {
  BROKEN_FINISH,
  mendLogprobs,
  readChatAnswer,
  readCompletionAnswer,
  readEmbeddingAnswer,
} from "./openai-answer.ts";
import { classifyOpenai } from "./openai-fault.ts";
import { DONE_HERE, ignoredRerankField, readReranking, textDocuments } from "./reranking.ts";

/** Members to set in, and to remove from, a request before it is sent. */
export type Edits = { set?: Record<string, unknown>; remove?: string[] };

/** Refuses a field in the caller's terms. */
export const unsupported = (engine: string, param: string, what: string): { ok: false; error: Failure } =>
  err({ kind: "unsupported", param, engine, message: `\`${param}\` ${what} (engine \`${engine}\`).` });

/**
 * What no text engine does, or only one that is `able` to; silence would pass for obedience. A hosted API of kind
 * `openai` may do all of it.
 */
export function refuseForAll(
  call: EngineCall<ChatRequest>,
  able: { readonly structuralTag?: boolean } = {},
): Failure | undefined {
  const { body, engine, model } = call;
  const refuse = (param: string, what: string): Failure =>
    unsupported(engine, param, `${what}; model \`${model.names[0] ?? ""}\``).error;
  if (body.functions != null) return refuse("functions", "is deprecated and not supported: send `tools`");
  if (body.function_call != null)
    return refuse("function_call", "is deprecated and not supported: send `tool_choice`");
  if (model.lacks?.includes("tools") && (body.tools?.length ?? 0) > 0 && body.tool_choice !== "none")
    return refuse(
      "tools",
      "cannot be called: the engine would not tell the model of them, or not read its calls",
    );
  if (model.lacks?.includes("images") && hasImage(body))
    return refuse("messages", "hold an image, and the model sees none at this engine");
  if (body.audio || body.modalities?.includes("audio"))
    return refuse(body.audio ? "audio" : "modalities", "asks for sound, which this engine does not make");
  if (body.web_search_options)
    return refuse("web_search_options", "is not supported: the engine has no web search");
  if (body.moderation != null) return refuse("moderation", "is not supported: the engine moderates nothing");
  if (body.response_format?.type === "structural_tag" && !able.structuralTag)
    return refuse("response_format", "of type `structural_tag` is not supported by this engine");
  if (body.verbosity && body.verbosity !== "medium")
    return refuse("verbosity", "is not supported by this engine");
  const custom = customTool(body);
  return custom === undefined
    ? undefined
    : refuse(custom, "of type `custom` is not supported: this engine calls functions only");
}

const hasImage = ({ messages }: ChatRequest): boolean =>
  messages.some(({ content }) => Array.isArray(content) && content.some(({ type }) => type === "image_url"));

/** The field by which a request speaks of a tool that takes free text, and is no function. */
function customTool({ tools, tool_choice: choice, messages }: ChatRequest): string | undefined {
  const at = tools?.findIndex((tool) => !isFunctionTool(tool)) ?? -1;
  if (at >= 0) return `tools[${at}].type`;
  if (typeof choice === "object" && choice?.type === "custom") return "tool_choice";
  if (typeof choice === "object" && choice?.type === "allowed_tools")
    return choice.allowed_tools.tools.some(({ type }) => type === "custom") ? "tool_choice" : undefined;
  for (const [turn, message] of messages.entries()) {
    if (message.role !== "assistant") continue;
    const call = message.tool_calls?.findIndex((each) => !isFunctionCall(each)) ?? -1;
    if (call >= 0) return `messages[${turn}].tool_calls[${call}].type`;
  }
  return undefined;
}

/** The edits of a reranking for an engine that takes texts alone; fails by name for a field that it would ignore. */
export function rerankEdits({ body, engine }: EngineCall<RerankRequest>): Result<Edits, Failure> {
  const ignored = ignoredRerankField(body);
  if (ignored !== undefined) return unsupported(engine, ignored, "is not supported by this engine");
  return ok({ ...textDocuments(body), remove: DONE_HERE });
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

/** The tools of these names alone, to be chosen by `mode`. Undefined where one of them is not among the tools. */
export function onlyTools(
  { tools }: ChatRequest,
  names: readonly string[],
  mode: "auto" | "required",
): Edits | undefined {
  const kept = (tools ?? []).filter(isFunctionTool).filter((tool) => names.includes(tool.function.name));
  const all = names.every((name) => kept.some((tool) => tool.function.name === name));
  return all ? { set: { tools: kept, tool_choice: mode } } : undefined;
}

/** `allowed_tools`, which only OpenAI knows, as every engine knows it. Undefined where a tool is not among the tools. */
export function allowedTools(body: ChatRequest): Edits | undefined {
  if (typeof body.tool_choice !== "object" || body.tool_choice?.type !== "allowed_tools") return {};
  const { mode, tools } = body.tool_choice.allowed_tools;
  return onlyTools(
    body,
    tools.flatMap((tool) => (tool.type === "function" ? [tool.function.name] : [])),
    mode,
  );
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

/** OpenAI's rules for chunks: errors, ends, usage, tool calls and what needs mending are looked at, all else passes. */
export const openaiRules: ChunkRules = {
  mark: /"error"|"usage":\s*\{|"timings"|"finish_reason":\s*"|"logprobs":\s*\{|"tool_calls":\s*\[|"reasoning":|"system_fingerprint":\s*null|\[DONE\]|^error:/m,
  mender: () => mendChunk,
  brokenFinish: BROKEN_FINISH,
};

/** Brings a chunk to OpenAI's form, in place. A legacy completion's choices have no delta, and nothing to mend. */
function mendChunk(chunk: Record<string, unknown>): void {
  if (chunk.system_fingerprint === null) delete chunk.system_fingerprint;
  for (const each of asList(chunk.choices)) {
    const choice = asObject(each);
    const delta = asObject(choice?.delta);
    if (!choice || !delta) continue;
    if (asObject(choice.logprobs)) choice.logprobs = mendLogprobs(choice.logprobs);
    // Newer builds of vLLM, and others, call the reasoning text `reasoning`; our API, `reasoning_content`.
    if (!("reasoning" in delta)) continue;
    if (delta.reasoning !== null) delta.reasoning_content ??= delta.reasoning;
    delete delta.reasoning;
  }
}

/** Usage that nobody told: counted from texts and marked. */
export const estimatedUsage = (promptTokens: number, completionTokens: number): Usage => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  estimated: true,
});

/** All that the model wrote: reasoning, text, and the calls with their arguments. */
function textOfChoices(json: unknown): string {
  const texts = asList(asObject(json)?.choices).flatMap((each) => {
    const choice = asObject(each);
    const message = asObject(choice?.message);
    const calls = asList(message?.tool_calls).map((call) => {
      const { function: called, custom } = asObject(call) ?? {};
      return asObject(called ?? custom);
    });
    return [
      message?.reasoning_content ?? message?.reasoning,
      message?.content ?? choice?.text,
      ...calls.flatMap((called) => [called?.name, called?.arguments ?? called?.input]),
    ];
  });
  return texts.filter((text) => typeof text === "string").join("");
}

/** How many inputs a request has: a list of token ids is one. */
export function countInputs(input: EmbeddingRequest["input"]): number {
  return typeof input === "string" || typeof input[0] === "number" ? 1 : input.length;
}

/** How many choices an answer must have: `n` for each prompt. */
export const countChoices = (body: ChatRequest | CompletionRequest): number =>
  (body.n ?? 1) * countPrompts(body);

/** How many prompts a request has; a conversation is one. */
export function countPrompts(body: ChatRequest | CompletionRequest): number {
  const prompt = "messages" in body ? null : (body as CompletionRequest).prompt;
  return prompt === null || typeof prompt === "string" || typeof prompt[0] === "number" ? 1 : prompt.length;
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
    encode: (call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> =>
      ok(edited("/v1/chat/completions", call, openaiEdits(call.body))),
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
  rerank: {
    encode: (call: EngineCall<RerankRequest>): Result<EngineRequest, Failure> =>
      ok(edited("/v1/rerank", call, { remove: DONE_HERE })),
    answer: (json: unknown, call: EngineCall<RerankRequest>) => readReranking(json, call),
  },
  classify: classifyOpenai,
  // A hosted API decides for itself: what it cannot, it says in its own words.
  abilities: {
    chat: "engine",
    completion: "engine",
    embedding: "engine",
    rerank: "engine",
    images: "engine",
    tools: "engine",
    tool_choice: "engine",
    json_object: "engine",
    json_schema: "engine",
    reasoning: "engine",
    logprobs: "engine",
    several_choices: "engine",
    stop: "engine",
    seed: "engine",
    logit_bias: "engine",
    penalties: "engine",
    usage_in_streams: "engine",
    continuation: "refused",
  },
  defaults: { concurrencyMax: 256 },
  models: { path: "/v1/models", read: readOpenaiModels },
  health: {
    path: "/v1/models",
    read: (status: number) => (status >= 200 && status < 300 ? "ready" : status === 503 ? "loading" : "down"),
  },
  trimBaseUrl,
} as const satisfies EngineAdapter;
