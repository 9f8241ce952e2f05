import type {
  ChatCompletion,
  ChatLogprobs,
  ChatMessage,
  ChatRequest,
  FinishReason,
  ToolCallDelta,
} from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { LineScanner } from "../streams/lines.ts";
import type {
  EngineAdapter,
  EngineCall,
  EngineEvent,
  EngineFault,
  EngineModel,
  EngineRequest,
  StreamDecoder,
} from "./engine.ts";
import { countInputs, estimatedUsage, refuseForAll, unsupported } from "./openai-dialect.ts";
import { asList, asObject } from "./openai-answer.ts";
import { classifyOpenai } from "./openai-fault.ts";
import { estimatePromptTokens } from "./estimate.ts";

// Ollama's own API, not its /v1 layer: that one loses the text of an error in mid-stream, ignores
// max_completion_tokens, and overrides the model file's temperature.
// https://github.com/ollama/ollama/blob/main/docs/api.md

type Json = Record<string, unknown>;

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
  for (const name of PLAIN) if (body[name] !== undefined && body[name] !== null) set[name] = body[name];
  if (set.repeat_penalty === undefined && body.repetition_penalty != null)
    set.repeat_penalty = body.repetition_penalty;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  if (limit !== undefined && limit !== null) set.num_predict = limit;
  if (typeof body.stop === "string") set.stop = [body.stop];
  else if (Array.isArray(body.stop)) set.stop = body.stop;
  return set;
}

/** What Ollama has no field for. It would answer as if it had not been asked. */
function refuse(
  call: EngineCall<ChatRequest | CompletionRequest>,
): { ok: false; error: Failure } | undefined {
  const { body, engine } = call;
  const field = OPERATORS_ONLY.find((name) => (body as Json)[name] !== undefined);
  if (field !== undefined) return unsupported(engine, field, "is not accepted from callers");
  if ((body.n ?? 1) > 1) return unsupported(engine, "n", "greater than 1 is not supported by Ollama");
  if (body.logit_bias && Object.keys(body.logit_bias).length > 0)
    return unsupported(engine, "logit_bias", "is not supported by Ollama");
  return undefined;
}

/** The text parts of a message joined, its images as Ollama takes them. */
function content(
  message: ChatMessage,
  at: number,
  engine: string,
): Result<{ content: string; images?: string[] }, Failure> {
  if (typeof message.content === "string" || !message.content) return ok({ content: message.content ?? "" });
  const texts: string[] = [];
  const images: string[] = [];
  for (const [n, part] of message.content.entries()) {
    const param = `messages[${at}].content[${n}]`;
    if (part.type === "text") texts.push(part.text);
    else if (part.type === "refusal") texts.push(part.refusal);
    else if (part.type === "image_url") {
      const data = /^data:[^,]*;base64,(.+)$/s.exec(part.image_url.url)?.[1];
      // The engine would have to fetch it, and so would we: no caller chooses a host.
      if (data === undefined)
        return unsupported(
          engine,
          `${param}.image_url.url`,
          "must be a `data:` URL with base64; Ollama fetches no images",
        );
      images.push(data);
    } else return unsupported(engine, `${param}.type`, `\`${part.type}\` is not supported by Ollama`);
  }
  return ok({ content: texts.join("\n"), ...(images.length > 0 && { images }) });
}

/** A conversation in Ollama's form: tool arguments as objects, images beside the text, results by the tool's name. */
function messages(call: EngineCall<ChatRequest>): Result<Json[], Failure> {
  const names = new Map<string, string>();
  const list: Json[] = [];
  for (const [at, message] of call.body.messages.entries()) {
    const read = content(message, at, call.engine);
    if (!read.ok) return read;
    const out: Json = {
      role: message.role === "developer" ? "system" : message.role === "function" ? "tool" : message.role,
      ...read.value,
    };
    if (message.role === "assistant") {
      if (message.reasoning_content) out.thinking = message.reasoning_content;
      const calls: Json[] = [];
      for (const [n, each] of (message.tool_calls ?? []).entries()) {
        names.set(each.id, each.function.name);
        const args = parseArguments(each.function.arguments);
        if (!args) {
          return err({
            kind: "invalid_request",
            param: `messages[${at}].tool_calls[${n}].function.arguments`,
            message: `\`messages[${at}].tool_calls[${n}].function.arguments\` must be a JSON object, as text.`,
          });
        }
        calls.push({ id: each.id, function: { name: each.function.name, arguments: args } });
      }
      if (calls.length > 0) out.tool_calls = calls;
    }
    if (message.role === "tool") {
      out.tool_call_id = message.tool_call_id;
      const name = names.get(message.tool_call_id);
      if (name !== undefined) out.tool_name = name;
    }
    if (message.role === "function") out.tool_name = message.name;
    list.push(out);
  }
  return ok(list);
}

function parseArguments(text: string): Json | undefined {
  try {
    return asObject(text.trim() === "" ? {} : JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `none` and absent are kept apart: absent leaves it to the model's template. */
function think(effort: NonNullable<ChatRequest["reasoning_effort"]>): boolean | string {
  if (effort === "none") return false;
  if (effort === "minimal") return "low";
  return effort === "xhigh" ? "max" : effort;
}

function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const refusedForAll = refuseForAll(call);
  if (refusedForAll) return err(refusedForAll);
  const refused = refuse(call);
  if (refused) return refused;
  const tools = body.tools ?? [];
  if (tools.length > 0 && body.tool_choice && body.tool_choice !== "auto" && body.tool_choice !== "none") {
    return unsupported(engine, "tool_choice", "other than `auto` and `none` is not supported by Ollama");
  }
  if (tools.length > 0 && body.parallel_tool_calls === false)
    return unsupported(engine, "parallel_tool_calls", "cannot be switched off with Ollama");
  const list = messages(call);
  if (!list.ok) return list;
  const out: Json = {
    model: call.model.names[0],
    messages: list.value,
    stream: body.stream === true,
    // An honest error where the context overflows, not the silent loss of the oldest messages.
    truncate: false,
    options: options(body),
  };
  if (tools.length > 0 && body.tool_choice !== "none") out.tools = tools;
  if (body.response_format?.type === "json_object") out.format = "json";
  if (body.response_format?.type === "json_schema")
    out.format = body.response_format.json_schema.schema ?? "json";
  if (body.reasoning_effort) out.think = think(body.reasoning_effort);
  if (body.logprobs) out.logprobs = true;
  if (body.top_logprobs) out.top_logprobs = body.top_logprobs;
  return ok({ path: "/api/chat", body: JSON.stringify(out) });
}

function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const refused = refuse(call);
  if (refused) return refused;
  if (body.echo) return unsupported(engine, "echo", "is not supported by Ollama");
  if ((body.best_of ?? 1) > 1) return unsupported(engine, "best_of", "is not supported by Ollama");
  if (body.logprobs !== undefined && body.logprobs !== null)
    return unsupported(engine, "logprobs", "of completions is not supported by Ollama; use chat");
  const prompt =
    typeof body.prompt === "string" ? body.prompt : body.prompt.length === 1 ? body.prompt[0] : undefined;
  if (typeof prompt !== "string")
    return unsupported(
      engine,
      "prompt",
      "must be one text with Ollama: no token ids, and one prompt a request",
    );
  const fill = body.suffix ? { suffix: body.suffix } : { raw: true };
  // OpenAI generates 16 tokens where no limit is given.
  const limit = body.max_tokens ?? 16;
  return ok({
    path: "/api/generate",
    body: JSON.stringify({
      model: call.model.names[0],
      prompt,
      ...fill,
      stream: body.stream === true,
      truncate: false,
      options: { ...options(body), num_predict: limit },
    }),
  });
}

/** One object of Ollama's as events; `calls` counts the tool calls of the answer so far. */
function eventsOf(object: Json, state: { calls: number }): EngineEvent[] {
  if (object.error !== undefined)
    return [
      { type: "error", fault: { ...classifyOllama(500, JSON.stringify(object), undefined), status: 502 } },
    ];
  const events: EngineEvent[] = [];
  const message = asObject(object.message);
  const text = message?.content ?? object.response;
  const thinking = message?.thinking ?? object.thinking;
  const toolCalls = asList(message?.tool_calls).map((each): ToolCallDelta => {
    const call = asObject(asObject(each)?.function) ?? {};
    const index = state.calls++;
    return {
      index,
      id: String(asObject(each)?.id ?? `call_${index}`),
      type: "function",
      function: {
        name: String(call.name ?? ""),
        arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments ?? {}),
      },
    };
  });
  const logprobs = asList(object.logprobs);
  if (text || thinking || toolCalls.length > 0) {
    events.push({
      type: "delta",
      index: 0,
      ...(typeof text === "string" && text !== "" && { content: text }),
      ...(typeof thinking === "string" && thinking !== "" && { reasoning: thinking }),
      ...(toolCalls.length > 0 && { toolCalls }),
      ...(logprobs.length > 0 && { logprobs: readLogprobs(logprobs) }),
    });
  }
  if (object.done === true) {
    const reason = finishOf(object.done_reason, state.calls > 0);
    events.push(
      reason
        ? { type: "finish", index: 0, reason }
        : {
            type: "error",
            fault: {
              class: "failure",
              status: 502,
              message: `it ended with done_reason ${JSON.stringify(object.done_reason)}`,
            },
          },
      ...(usageOf(object) ? [{ type: "usage" as const, usage: usageOf(object) as Usage }] : []),
      { type: "done" },
    );
  }
  return events;
}

/** A tool call ends with `stop` there; `load` and `unload` answer no question. */
function finishOf(reason: unknown, called: boolean): FinishReason | undefined {
  if (reason === "load" || reason === "unload") return undefined;
  if (reason === "length") return "length";
  return called ? "tool_calls" : "stop";
}

/** Zero counts are left out by Ollama: a prompt that was wholly cached has no prompt_eval_count. */
function usageOf(object: Json): Usage | undefined {
  if (typeof object.eval_count !== "number" && typeof object.prompt_eval_count !== "number") return undefined;
  const prompt = Number(object.prompt_eval_count ?? 0);
  const completion = Number(object.eval_count ?? 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function readLogprobs(list: readonly unknown[]): ChatLogprobs {
  const token = (value: unknown) => {
    const each = asObject(value) ?? {};
    const text = String(each.token ?? "");
    return {
      token: text,
      logprob: Number(each.logprob ?? 0),
      bytes: Array.isArray(each.bytes) ? (each.bytes as number[]) : [...new TextEncoder().encode(text)],
    };
  };
  return {
    content: list.map((each) => ({
      ...token(each),
      top_logprobs: asList(asObject(each)?.top_logprobs).map(token),
    })),
    refusal: null,
  };
}

function decoder(): StreamDecoder {
  const scanner = new LineScanner();
  const state = { calls: 0 };
  const read = (lines: string[]) =>
    lines.flatMap((line): EngineEvent[] => {
      try {
        return eventsOf(asObject(JSON.parse(line)) ?? {}, state);
      } catch {
        return [
          {
            type: "error",
            fault: { class: "failure", status: 502, message: "it sent a line that is not JSON" },
          },
        ];
      }
    });
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

/** The parts of a whole answer that chat and completion share. */
function readAnswer(json: unknown): Result<
  {
    content: string;
    reasoning: string;
    calls: ToolCallDelta[];
    logprobs: ChatLogprobs | null;
    finish: FinishReason;
    usage: Usage | undefined;
  },
  EngineFault
> {
  const object = asObject(json);
  if (!object) return err({ class: "failure", status: 502, message: "its answer is not a JSON object" });
  let text = "";
  let reasoning = "";
  let logprobs: ChatLogprobs | null = null;
  let finish: FinishReason | undefined;
  let usage: Usage | undefined;
  const calls: ToolCallDelta[] = [];
  for (const event of eventsOf(object, { calls: 0 })) {
    if (event.type === "error") return err(event.fault);
    if (event.type === "finish") finish = event.reason;
    if (event.type === "usage") usage = event.usage;
    if (event.type !== "delta") continue;
    text += event.content ?? "";
    reasoning += event.reasoning ?? "";
    calls.push(...(event.toolCalls ?? []));
    logprobs = event.logprobs ?? logprobs;
  }
  if (!finish)
    return err({ class: "failure", status: 502, message: "its answer has no end (`done` is missing)" });
  return ok({ content: text, reasoning, calls, logprobs, finish, usage });
}

function answerChat(
  json: unknown,
  call: EngineCall<ChatRequest>,
  nowMs: number,
): Result<ChatCompletion, EngineFault> {
  const read = readAnswer(json);
  if (!read.ok) return read;
  const { content: text, reasoning, calls, logprobs, finish, usage } = read.value;
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
          content: text === "" && calls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning !== "" && { reasoning_content: reasoning }),
          ...(calls.length > 0 && {
            tool_calls: calls.map(
              ({ index: _, ...each }) => each,
            ) as ChatCompletion["choices"][number]["message"]["tool_calls"],
          }),
        },
        logprobs,
        finish_reason: finish,
      },
    ],
    usage: usage ?? estimatedUsage(0, 0),
  });
}

function answerCompletion(
  json: unknown,
  call: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const read = readAnswer(json);
  if (!read.ok) return read;
  const { content: text, finish, usage } = read.value;
  return ok({
    id: `cmpl-${call.requestId}`,
    object: "text_completion",
    created: Math.floor(nowMs / 1000),
    model: call.body.model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish === "length" ? "length" : "stop" }],
    usage: usage ?? estimatedUsage(0, 0),
  });
}

function encodeEmbedding(call: EngineCall<EmbeddingRequest>): Result<EngineRequest, Failure> {
  const { input, dimensions } = call.body;
  if (typeof input !== "string" && input.some((each) => typeof each !== "string")) {
    return unsupported(call.engine, "input", "must be text with Ollama: it takes no token ids");
  }
  return ok({
    path: "/api/embed",
    body: JSON.stringify({
      model: call.model.names[0],
      input,
      truncate: false,
      ...(dimensions && { dimensions }),
    }),
  });
}

/** `{"error":"text"}`; the text decides where the status does not. A 403 has no body: Host or Origin were refused. */
function classifyOllama(status: number, body: string, retryAfterMs: number | undefined): EngineFault {
  const fault = classifyOpenai(status, body, retryAfterMs);
  if (status === 403 && body.trim() === "") {
    return {
      class: "failure",
      status,
      message:
        "it refused our Host header: bind it to 0.0.0.0, or set cloudflared's httpHostHeader to localhost:11434",
    };
  }
  // llama-server's error comes as JSON inside the text.
  const inner = /\{"error":.*\}$/s.exec(fault.message)?.[0];
  if (inner) return classifyOllama(status, inner, retryAfterMs);
  if (/does not support/i.test(fault.message))
    return { ...fault, class: "client_fault", status: 400, type: "invalid_request_error" };
  return fault;
}

/** `m` means `m:latest`; models that Ollama would fetch from its cloud are left out: prompts must not leave the house. */
function readTags(json: unknown): EngineModel[] {
  return asList(asObject(json)?.models).flatMap((each): EngineModel[] => {
    const model = asObject(each) ?? {};
    const name = String(model.model ?? model.name ?? "");
    if (name === "" || /(:|-)cloud$/.test(name) || model.remote_host || model.remote_model) return [];
    const created = Date.parse(String(model.modified_at ?? ""));
    const context = asObject(model.details)?.context_length;
    return [
      {
        names: name.endsWith(":latest") ? [name, name.slice(0, -":latest".length)] : [name],
        ownedBy: "library",
        ...(Number.isFinite(created) && { created: Math.floor(created / 1000) }),
        ...(typeof context === "number" && { contextLength: context }),
      },
    ];
  });
}

export const ollama: EngineAdapter = {
  label: "Ollama",
  chat: { encode: encodeChat, answer: answerChat, stream: { format: "translated", decoder } },
  completion: {
    encode: encodeCompletion,
    answer: answerCompletion,
    stream: { format: "translated", decoder },
  },
  embedding: {
    encode: encodeEmbedding,
    answer(json, call) {
      const object = asObject(json);
      const vectors = asList(object?.embeddings) as number[][];
      if (vectors.length !== countInputs(call.body.input))
        return err({
          class: "failure",
          status: 502,
          message: `it gave ${vectors.length} embeddings for ${countInputs(call.body.input)} inputs`,
        });
      const told = object?.prompt_eval_count;
      const tokens = typeof told === "number" ? told : estimatePromptTokens(call.body.input);
      return ok({
        object: "list",
        model: call.body.model,
        data: vectors.map((embedding, index) => ({ object: "embedding" as const, index, embedding })),
        usage: {
          prompt_tokens: tokens,
          total_tokens: tokens,
          ...(typeof told !== "number" && { estimated: true }),
        },
      });
    },
  },
  classify: classifyOllama,
  models: { path: "/api/tags", read: readTags },
  health: { path: "/api/version", read: (status) => (status === 200 ? "ready" : "down") },
  trimBaseUrl: (baseUrl) => baseUrl.replace(/\/+$/, "").replace(/\/(v1|api)$/, ""),
};
