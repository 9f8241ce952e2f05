import type { ChatRequest, Tool } from "../contracts/chat.ts";
import { err, ok } from "../kernel/result.ts";
import type { EngineAdapter, EngineCall } from "./engine.ts";
import {
  type Edits,
  edited,
  joinEdits,
  openaiDialect,
  openaiEdits,
  readOpenaiModels,
  refuseForAll,
  unsupported,
} from "./openai-dialect.ts";
import { asObject } from "./openai-answer.ts";
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
  if (typeof body.tool_choice !== "object" || body.tool_choice === null) return {};
  const name = body.tool_choice.function.name;
  const tools = (body.tools ?? []).filter((tool: Tool) => tool.function.name === name);
  return tools.length > 0 ? { set: { tools, tool_choice: "required" } } : undefined;
}

/** Without a limit llama-server generates to the end of the context: the same, said openly, ends a runaway sampler. */
function limit(call: EngineCall<Record<string, unknown>>): Edits {
  const { body, model } = call;
  // The embedded engine has a sensible limit of its own: a tiny model rambles.
  if (model.ownedBy === "eco-base") return {};
  const given = body.max_tokens ?? body.max_completion_tokens ?? body.n_predict;
  return given === undefined && model.contextLength !== undefined
    ? { set: { max_tokens: model.contextLength } }
    : {};
}

export const llamaCpp: EngineAdapter = {
  ...openaiDialect,
  label: "llama.cpp",
  chat: {
    ...openaiDialect.chat,
    encode(call) {
      const refused = refuseForAll(call);
      if (refused) return err(refused);
      const named = namedTool(call.body);
      if (!named) return unsupported(call.engine, "tool_choice", "names a tool that is not among `tools`");
      const edits = joinEdits(openaiEditsWithoutUsage(call.body), renames(call.body), named, limit(call));
      return ok(edited("/v1/chat/completions", call, edits));
    },
    // Its stream ends without [DONE] after an error, and its last chunk tells the counts in `timings` unasked.
    stream: { ...openaiDialect.chat.stream, relay: ({ logprobs }) => (logprobs ? "exact" : "native") },
  },
  completion: {
    ...openaiDialect.completion,
    encode(call) {
      const { body, engine } = call;
      // Read by nothing since its completions go straight to the native parser.
      if (body.echo) return unsupported(engine, "echo", "is not supported by llama.cpp");
      if (body.suffix) return unsupported(engine, "suffix", "is not supported by llama.cpp");
      if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by llama.cpp");
      return ok(edited("/v1/completions", call, joinEdits(renames(body), limit(call))));
    },
    // Usage is in the last text chunk, always: there is no chunk to hide.
    stream: { ...openaiDialect.completion.stream, relay: () => "native" },
  },
  embedding: {
    ...openaiDialect.embedding,
    encode(call) {
      if (call.body.dimensions) return unsupported(call.engine, "dimensions", "has no effect in llama.cpp");
      return openaiDialect.embedding.encode(call);
    },
  },
  models: {
    path: "/v1/models",
    // The embedded engine and newer servers list what a model is for; a chat model's name may be a file's path.
    read: (json) => readOpenaiModels(json),
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

/** The extra usage chunk is asked for only where the client asked: the counts come in `timings` anyway. */
function openaiEditsWithoutUsage(body: ChatRequest): Edits {
  const { set, remove } = openaiEdits(body);
  const { stream_options: _, ...rest } = asObject(set) ?? {};
  return { set: rest, remove: remove ?? [] };
}
