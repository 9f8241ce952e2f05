import { ChatRequest } from "../contracts/chat.ts";
import { CompletionRequest } from "../contracts/completions.ts";
import { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineRequest } from "./engine.ts";
import { encodeMessages } from "./ollama-messages.ts";
import { refuseForAll, unsupported } from "./openai-dialect.ts";

// `truncate: false` in every request: an honest error where the context overflows, not the silent loss of the oldest
// messages. Members that are undefined are left out of the JSON.

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

/** Sampling options that have one name here and there. */
const SAMPLING = [
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

/** What a chat and a completion may say beyond OpenAI's fields. */
const OWN = [...SAMPLING, "repetition_penalty", "num_predict", "format"];

const CHAT_FIELDS = new Set([...Object.keys(ChatRequest.shape), ...OWN, "think"]);
const COMPLETION_FIELDS = new Set([...Object.keys(CompletionRequest.shape), ...OWN]);
const EMBEDDING_FIELDS = new Set(Object.keys(EmbeddingRequest.shape));

/**
 * A field that is neither OpenAI's nor translated. Ollama would drop most of them in silence; the others (`options`,
 * `num_ctx`, `keep_alive`, `raw` ...) reload the model for everyone or reach past the gateway.
 */
function refuseUnknown({ body, engine }: EngineCall<Json>, known: ReadonlySet<string>): Refusal | undefined {
  const field = Object.keys(body).find((name) => body[name] != null && !known.has(name));
  return field === undefined
    ? undefined
    : unsupported(
        engine,
        field,
        "is no field of OpenAI's for this operation, and is not passed on to Ollama",
      );
}

/** The sampling options, under Ollama's names. */
function options(body: Json): Json {
  const set: Json = {};
  for (const name of SAMPLING) if (body[name] != null) set[name] = body[name];
  if (set.repeat_penalty === undefined && body.repetition_penalty != null)
    set.repeat_penalty = body.repetition_penalty;
  const limit = body.max_completion_tokens ?? body.max_tokens ?? body.num_predict;
  if (limit != null) set.num_predict = limit;
  if (typeof body.stop === "string") set.stop = [body.stop];
  else if (Array.isArray(body.stop)) set.stop = body.stop;
  return set;
}

/** What of OpenAI's fields Ollama has none for. It would answer as if it had not been asked. */
function refuse({ body, engine }: EngineCall<ChatRequest | CompletionRequest>): Refusal | undefined {
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
function think({ reasoning_effort: effort, think: own }: ChatRequest): unknown {
  if (effort === "none") return false;
  if (effort === "minimal") return "low";
  return effort === "xhigh" ? "max" : (effort ?? own ?? undefined);
}

/** `json`, or the schema itself. */
function format({ response_format: asked, format: own }: ChatRequest): unknown {
  if (asked?.type === "json_object") return "json";
  if (asked?.type === "json_schema") return asked.json_schema.schema ?? "json";
  return own ?? undefined;
}

/**
 * A chat for `POST /api/chat`: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
 * Fails by name for what Ollama cannot do.
 */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const { body } = call;
  const refusedForAll = refuseForAll(call);
  if (refusedForAll) return err(refusedForAll);
  const refused = refuseUnknown(call, CHAT_FIELDS) ?? refuse(call) ?? refuseTools(call);
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
      format: format(body),
      think: think(body),
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
  const refused = refuseUnknown(call, COMPLETION_FIELDS) ?? refuse(call);
  if (refused) return refused;
  if (body.echo) return unsupported(engine, "echo", "is not supported by Ollama");
  if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by Ollama");
  if (body.logprobs != null)
    return unsupported(engine, "logprobs", "of completions is not supported by Ollama; use chat");
  const prompt = Array.isArray(body.prompt) && body.prompt.length === 1 ? body.prompt[0] : body.prompt;
  // Without a text it loads the model and says nothing, which would pass for its failure.
  if (typeof prompt !== "string" || prompt === "")
    return unsupported(
      engine,
      "prompt",
      "must be one text with Ollama: not empty, no token ids, and one prompt a request",
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
      options: { num_predict: 16, ...options(body) },
      format: body.format ?? undefined,
    }),
  });
}

/**
 * Texts for `POST /api/embed`: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
 * Fails by name for token ids and for fields that Ollama does not have.
 */
export function encodeEmbedding(call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> {
  const refused = refuseUnknown(call, EMBEDDING_FIELDS);
  if (refused) return refused;
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
