import type { ChatRequest } from "../contracts/chat.ts";
import { FEATURES, type Feature } from "./abilities.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { continuedChat, continuedCompletion } from "./continued.ts";
import type { ChunkRules, EmbeddingAdapter, EngineCall, EngineModel, EngineRequest } from "./engine.ts";
import {
  type Edits,
  allowedTools,
  countChoices,
  edited,
  joinEdits,
  onlyTools,
  openaiDialect,
  openaiEdits,
  openaiRules,
  readOpenaiModels,
  refuseForAll,
  rerankEdits,
  unsupported,
} from "./openai-dialect.ts";
import { asList, asObject } from "../kernel/json.ts";
import { classifyLlamaCpp, judgeLlamaCpp } from "./llama-cpp-fault.ts";
import { opensAgain, unsaid, withBeginning } from "./llama-cpp-beginning.ts";
import { completionMender } from "./llama-cpp-logprobs.ts";
import { gauge } from "./prometheus-text.ts";

// llama.cpp's llama-server: https://github.com/ggml-org/llama.cpp/tree/master/tools/server

/** llama-server takes `repeat_penalty`; vLLM's name for it would be ignored silently. */
function renames(body: Record<string, unknown>): Edits {
  if (body.repetition_penalty === undefined || body.repeat_penalty !== undefined) return {};
  return { set: { repeat_penalty: body.repetition_penalty }, remove: ["repetition_penalty"] };
}

/**
 * A named tool_choice turns silently into `auto` there: with that tool alone and `required` it means the same.
 * Undefined when the named tool is not among the tools.
 */
function namedTool(body: ChatRequest): Edits | undefined {
  if (typeof body.tool_choice !== "object" || body.tool_choice?.type !== "function")
    return allowedTools(body);
  return onlyTools(body, [body.tool_choice.function.name], "required");
}

const ANY_OBJECT = { type: "object" };

const isEmpty = (schema: unknown): boolean => Object.keys(asObject(schema) ?? {}).length === 0;

/** A schema that is not there, or says nothing, is no constraint at all for llama-server, not even that of JSON. */
function jsonForm({ response_format: format, json_schema: own }: ChatRequest): Edits {
  if (format?.type === "json_object" && isEmpty(format.schema) && own == null)
    return { set: { response_format: { ...format, schema: ANY_OBJECT } } };
  if (format?.type === "json_schema" && isEmpty(format.json_schema.schema)) {
    const json_schema = { ...format.json_schema, schema: ANY_OBJECT };
    return { set: { response_format: { ...format, json_schema } } };
  }
  return {};
}

/** Of vLLM: ignored here, and the text unconstrained. */
const IGNORED = [
  "structured_outputs",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "guided_whitespace_pattern",
];

function refuseIgnored({ body, engine }: EngineCall<Record<string, unknown>>) {
  const field = IGNORED.find((name) => body[name] != null);
  return field === undefined ? undefined : unsupported(engine, field, "is not supported by llama.cpp");
}

/** The server itself reads no effort but `none`; templates that know one (gpt-oss) take it as an argument. */
function effort({ reasoning_effort, chat_template_kwargs }: ChatRequest): Edits {
  if (!["low", "medium", "high"].includes(reasoning_effort ?? "")) return {};
  return { set: { chat_template_kwargs: { reasoning_effort, ...asObject(chat_template_kwargs) } } };
}

/** Without a limit llama-server generates to the end of the context: the same, said openly, ends a runaway sampler. */
function limit(call: EngineCall<Record<string, unknown>>): Edits {
  const { body, model } = call;
  // The embedded engine has a sensible limit of its own: a tiny model rambles.
  if (model.ownedBy === "eco-base") return {};
  const given = body.max_tokens ?? body.max_completion_tokens ?? body.n_predict;
  return given == null && model.contextLength !== undefined
    ? { set: { max_tokens: model.contextLength } }
    : {};
}

const rules: ChunkRules = { ...openaiRules, usagePerChoice: true, judge: judgeLlamaCpp };

function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const refused = refuseForAll(call);
  if (refused) return err(refused);
  const named = namedTool(call.body);
  if (!named) return unsupported(call.engine, "tool_choice", "names a tool that is not among `tools`");
  const ignored = refuseIgnored(call);
  if (ignored) return ignored;
  const { body } = call;
  const edits = joinEdits(
    usageEdits(body),
    renames(body),
    effort(body),
    jsonForm(body),
    withBeginning(call),
    named,
    limit(call),
  );
  return ok(edited("/v1/chat/completions", call, edits));
}

function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  // Read by nothing since its completions go straight to the native parser.
  if (body.echo) return unsupported(engine, "echo", "is not supported by llama.cpp");
  if (body.suffix) return unsupported(engine, "suffix", "is not supported by llama.cpp");
  if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by llama.cpp");
  return refuseIgnored(call) ?? ok(edited("/v1/completions", call, joinEdits(renames(body), legacy(body))));
}

export const llamaCpp: EmbeddingAdapter = {
  ...openaiDialect,
  label: "llama.cpp",
  classify: classifyLlamaCpp,
  chat: {
    ...openaiDialect.chat,
    encode: encodeChat,
    answer(json, call) {
      const read = openaiDialect.chat.answer(withWholeUsage(json, call), call);
      return read.ok && opensAgain(call) ? ok(unsaid(read.value, call.body)) : read;
    },
    // Its stream ends without [DONE] after an error, and its last chunk tells the counts in `timings` unasked. Those of
    // several choices have to be added up.
    stream: {
      format: "openai",
      relay: ({ logprobs, choices }) => (logprobs || choices > 1 ? "exact" : "native"),
      rules,
    },
    // A closing assistant message is the beginning of its answer in any case.
    continue: (call, written) => encodeChat(continuedChat(call, written, { merges: true })),
  },
  completion: {
    ...openaiDialect.completion,
    encode: encodeCompletion,
    answer(json, call) {
      const read = openaiDialect.completion.answer(withWholeUsage(json, call), call);
      if (read.ok) completionMender()(read.value);
      return read;
    },
    // Usage is in the last text chunk, asked or not, and never in a chunk of its own.
    stream: {
      format: "openai",
      relay: () => "exact",
      rules: { ...rules, mender: completionMender },
    },
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  embedding: {
    ...openaiDialect.embedding,
    encode(call) {
      if (call.body.dimensions) return unsupported(call.engine, "dimensions", "has no effect in llama.cpp");
      return openaiDialect.embedding.encode(call);
    },
  },
  rerank: {
    ...openaiDialect.rerank,
    // Where the server was not started with --reranking, its 501 says so.
    encode(call) {
      if (call.model.ownedBy === "eco-base")
        return unsupported(call.engine, "model", "is of the embedded engine, which ranks no documents");
      const edits = rerankEdits(call);
      return edits.ok ? ok(edited("/v1/rerank", call, edits.value)) : edits;
    },
  },
  abilities: { ...openaiDialect.abilities, continuation: "engine" },
  // Its slots are a start-up flag, 4 by default; what does not fit waits there without a word.
  defaults: { concurrencyMax: 4 },
  models: {
    path: "/v1/models",
    read: readModels,
    details: { path: "/props", read: readProps },
  },
  health: {
    path: "/health",
    read: (status, text) =>
      status === 200 ? "ready" : status === 503 && /loading/i.test(text) ? "loading" : "down",
  },
  load: {
    path: "/metrics",
    read: (text) => ({
      running: gauge(text, "llamacpp:requests_processing"),
      waiting: gauge(text, "llamacpp:requests_deferred"),
    }),
  },
};

/** A template that has no place for tools drops them without a word, and `required` with them. */
function readProps(json: unknown): Pick<EngineModel, "lacks"> {
  const { chat_template_caps: template, modalities } = asObject(json) ?? {};
  const lacks: Feature[] = [];
  if (asObject(template)?.supports_tools === false) lacks.push("tools", "tool_choice");
  if (asObject(modalities)?.vision === false) lacks.push("images");
  return lacks.length > 0 ? { lacks } : {};
}

/** The embedded engine has a model for texts and one for embeddings behind one address, and says which is which. */
function readModels(json: unknown): EngineModel[] {
  const purposes = new Map(
    asList(asObject(json)?.data).map((each) => {
      const { id, meta } = asObject(each) ?? {};
      return [id, asList(asObject(meta)?.capabilities)[0]];
    }),
  );
  return readOpenaiModels(json).map((model) => {
    const purpose = model.ownedBy === "eco-base" ? purposes.get(model.names[0]) : undefined;
    if (purpose === "completion") return { ...model, lacks: ["embedding", "rerank", "images"] };
    if (purpose === "embedding") return { ...model, lacks: FEATURES.filter((each) => each !== "embedding") };
    return model;
  });
}

/**
 * The extra usage chunk is asked for where the client asked, or where it is needed to add up several choices: that of
 * one choice comes in `timings` anyway.
 */
function usageEdits(body: ChatRequest): Edits {
  const { set, remove } = openaiEdits(body);
  if (countChoices(body) > 1) return { set: set ?? {}, remove: remove ?? [] };
  const { stream_options: _, ...rest } = set ?? {};
  return { set: rest, remove: remove ?? [] };
}

/** OpenAI's legacy completions end after 16 tokens where nothing is said, and 0 asks for the chosen tokens' logprobs. */
function legacy(body: CompletionRequest): Edits {
  const given = body.max_tokens ?? body.n_predict;
  return {
    set: {
      ...(given == null && { max_tokens: 16 }),
      ...(body.logprobs === 0 && { logprobs: 1 }),
    },
  };
}

/** The answers to several choices are merged there with the usage of the first one only; the embedded engine's is right. */
function withWholeUsage(json: unknown, { model }: EngineCall<unknown>): unknown {
  const answer = asObject(json);
  if (!answer || asList(answer.choices).length < 2 || model.ownedBy === "eco-base") return json;
  return { ...answer, usage: undefined, timings: undefined };
}
