import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineRequest } from "./engine.ts";
import { encodeMessages } from "./ollama-messages.ts";
import { refuseForAll, unsupported } from "./openai-dialect.ts";

// `truncate: false` in every request: an honest error where the context overflows, not the silent loss of the oldest
// messages. Members that are undefined are left out of the JSON.

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

const PLAIN = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "typical_p",
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "repeat_penalty",
  "repeat_last_n",
] as const;

/** Changing these reloads the model for everyone, or reaches past the gateway. */
const OPERATORS_ONLY = [
  "options",
  "num_ctx",
  "keep_alive",
  "num_gpu",
  "num_thread",
  "template",
  "raw",
  "context",
];

/** The sampling options, under Ollama's names. */
function options(body: Json): Json {
  const set: Json = {};
  for (const name of PLAIN) if (body[name] != null) set[name] = body[name];
  if (set.repeat_penalty === undefined && body.repetition_penalty != null)
    set.repeat_penalty = body.repetition_penalty;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  if (limit != null) set.num_predict = limit;
  if (typeof body.stop === "string") set.stop = [body.stop];
  else if (Array.isArray(body.stop)) set.stop = body.stop;
  return set;
}

/** What Ollama has no field for. It would answer as if it had not been asked. */
function refuse({ body, engine }: EngineCall<ChatRequest | CompletionRequest>): Refusal | undefined {
  const field = OPERATORS_ONLY.find((name) => (body as Json)[name] !== undefined);
  if (field !== undefined) return unsupported(engine, field, "is not accepted from callers");
  if ((body.n ?? 1) > 1) return unsupported(engine, "n", "greater than 1 is not supported by Ollama");
  if (body.logit_bias && Object.keys(body.logit_bias).length > 0)
    return unsupported(engine, "logit_bias", "is not supported by Ollama");
  return undefined;
}

/** Likewise for what a chat says of its tools: Ollama leaves it to the model which of them to call. */
function refuseTools({ body, engine }: EngineCall<ChatRequest>): Refusal | undefined {
  if (!body.tools?.length) return undefined;
  if (body.tool_choice && body.tool_choice !== "auto" && body.tool_choice !== "none")
    return unsupported(engine, "tool_choice", "other than `auto` and `none` is not supported by Ollama");
  if (body.parallel_tool_calls === false)
    return unsupported(engine, "parallel_tool_calls", "cannot be switched off with Ollama");
  return undefined;
}

/** `none` and absent are kept apart: absent leaves it to the model's template. */
function think(effort: ChatRequest["reasoning_effort"]): boolean | string | undefined {
  if (effort === "none") return false;
  if (effort === "minimal") return "low";
  return effort === "xhigh" ? "max" : (effort ?? undefined);
}

/** `json`, or the schema itself. */
function format(asked: ChatRequest["response_format"]): unknown {
  if (asked?.type === "json_object") return "json";
  return asked?.type === "json_schema" ? (asked.json_schema.schema ?? "json") : undefined;
}

/**
 * A chat for `POST /api/chat`: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
 * Fails by name for what Ollama cannot do.
 */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const { body } = call;
  const refusedForAll = refuseForAll(call);
  if (refusedForAll) return err(refusedForAll);
  const refused = refuse(call) ?? refuseTools(call);
  if (refused) return refused;
  const messages = encodeMessages(call);
  if (!messages.ok) return messages;
  return ok({
    path: "/api/chat",
    body: JSON.stringify({
      model: call.model.names[0],
      messages: messages.value,
      stream: body.stream === true,
      truncate: false,
      options: options(body),
      tools: body.tools?.length && body.tool_choice !== "none" ? body.tools : undefined,
      format: format(body.response_format),
      think: think(body.reasoning_effort),
      logprobs: body.logprobs || undefined,
      top_logprobs: body.top_logprobs || undefined,
    }),
  });
}

/**
 * A legacy completion for `POST /api/generate`:
 * https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
 * Fails by name for what Ollama cannot do.
 */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const refused = refuse(call);
  if (refused) return refused;
  if (body.echo) return unsupported(engine, "echo", "is not supported by Ollama");
  if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by Ollama");
  if (body.logprobs != null)
    return unsupported(engine, "logprobs", "of completions is not supported by Ollama; use chat");
  const prompt = Array.isArray(body.prompt) && body.prompt.length === 1 ? body.prompt[0] : body.prompt;
  if (typeof prompt !== "string")
    return unsupported(
      engine,
      "prompt",
      "must be one text with Ollama: no token ids, and one prompt a request",
    );
  return ok({
    path: "/api/generate",
    body: JSON.stringify({
      model: call.model.names[0],
      prompt,
      ...(body.suffix ? { suffix: body.suffix } : { raw: true }),
      stream: body.stream === true,
      truncate: false,
      // OpenAI generates 16 tokens where no limit is given.
      options: { ...options(body), num_predict: body.max_tokens ?? 16 },
    }),
  });
}

/**
 * Texts for `POST /api/embed`: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
 * Fails for token ids.
 */
export function encodeEmbedding(call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> {
  const { input, dimensions } = call.body;
  if (typeof input !== "string" && input.some((each) => typeof each !== "string"))
    return unsupported(call.engine, "input", "must be text with Ollama: it takes no token ids");
  return ok({
    path: "/api/embed",
    body: JSON.stringify({
      model: call.model.names[0],
      input,
      truncate: false,
      dimensions: dimensions || undefined,
    }),
  });
}
