import { deepspeedNativeStyle, deepspeedRestStyle, deepspeedStyle } from "./exchanges-deepspeed.ts";
import { tritonStyle } from "./exchanges-triton.ts";
import { type SimulatedKind, kinds } from "./kinds/registry.ts";
import type { JsonObject } from "./model/json.ts";
import { NOTE_SCHEMA, WEATHER_TOOL } from "./samples.ts";

/** One request of the contract's recordings. */
export type Exchange = {
  name: string;
  method: "GET" | "POST";
  path: string;
  body?: JsonObject;
  headers?: Record<string, string>;
  /** Needs a fault that only the simulator can be asked for. */
  simulatorOnly?: boolean;
};

/**
 * The same list for every kind: OpenAI's routes, and for Ollama its native chat and embeddings instead; a ranking where
 * the kind can make one.
 */
export function exchanges(kind: SimulatedKind, model: string): Exchange[] {
  // Behind all others: the ids in a recording count the requests before it.
  return [...listOf(kind, model), ...rerank(kind, model)];
}

function listOf(kind: SimulatedKind, model: string): Exchange[] {
  if (kind === "ollama") return native(model);
  if (kind === "triton") return tritonStyle(model);
  if (kind === "lmdeploy") return lmdeployStyle(model);
  if (kind === "deepspeed") return deepspeedStyle(model);
  if (kind === "deepspeed-native") return deepspeedNativeStyle();
  if (kind === "deepspeed-rest") return deepspeedRestStyle(model);
  return kind === "tgi" ? tgiStyle(model) : openAiStyle(model);
}

/** OpenAI's routes but for what TGI has natively, or in another form; it embeds nothing. */
function tgiStyle(model: string): Exchange[] {
  const parameters = { max_new_tokens: 16, do_sample: true, details: true };
  const json = { type: "json_schema", value: { name: "note", schema: NOTE_SCHEMA } };
  const own: Record<string, Partial<Exchange>> = {
    json: { body: { model, messages: user("Write a note as JSON"), response_format: json, max_tokens: 64 } },
    "completion-stream": { path: "/generate_stream", body: { inputs: "Once upon a time", parameters } },
    models: { path: "/info" },
  };
  return openAiStyle(model)
    .filter(({ name }) => name !== "embeddings")
    .map((each) => ({ ...each, ...own[each.name] }));
}

/** OpenAI's routes; it embeds nothing, and messages may be a text. */
function lmdeployStyle(model: string): Exchange[] {
  const hot = { model, messages: user("Hello"), temperature: 3 };
  return openAiStyle(model)
    .filter(({ name }) => name !== "embeddings")
    .map((each) => (each.name === "error-400" ? { ...each, body: hot } : each));
}

function user(content: string): JsonObject[] {
  return [{ role: "user", content }];
}

function openAiStyle(model: string): Exchange[] {
  const chat = (name: string, body: JsonObject, rest: Partial<Exchange> = {}): Exchange => ({
    name,
    method: "POST",
    path: "/v1/chat/completions",
    body: { model, max_tokens: 64, ...body },
    ...rest,
  });
  const tools = {
    messages: user("[tool] What is the weather in Paris?"),
    tools: [WEATHER_TOOL],
    tool_choice: "auto",
  };
  const json = { type: "json_schema", json_schema: { name: "note", schema: NOTE_SCHEMA } };
  const hello = user("Say hello to the gateway");
  return [
    chat("chat", { messages: hello }),
    chat("chat-stream", { messages: hello, stream: true }),
    chat("chat-stream-usage", { messages: hello, stream: true, stream_options: { include_usage: true } }),
    chat("tools", tools),
    chat("tools-stream", { ...tools, stream: true }),
    chat("reasoning-stream", { messages: user("[think] How many r are in strawberry?"), stream: true }),
    chat("json", { messages: user("Write a note as JSON"), response_format: json }),
    ...completions(model),
    embeddings("/v1/embeddings", { model, input: ["first text", "second text"] }),
    { name: "models", method: "GET", path: "/v1/models" },
    chat("error-400", { messages: "not a list" }),
    { name: "error-404", method: "POST", path: "/v1/no-such-route", body: { model } },
    chat(
      "error-midstream",
      { messages: user("[sim error=6] Fail half-way"), stream: true },
      { simulatorOnly: true },
    ),
    chat("cut", { messages: user("[sim die=6] Die half-way"), stream: true }, { simulatorOnly: true }),
  ];
}

function native(model: string): Exchange[] {
  const chat = (name: string, body: JsonObject, rest: Partial<Exchange> = {}): Exchange => ({
    name,
    method: "POST",
    path: "/api/chat",
    body: { model, stream: true, options: { num_predict: 64 }, ...body },
    ...rest,
  });
  const tools = { messages: user("[tool] What is the weather in Paris?"), tools: [WEATHER_TOOL] };
  const hello = user("Say hello to the gateway");
  return [
    chat("chat", { messages: hello, stream: false }),
    chat("chat-stream", { messages: hello }),
    // The native protocol always tells; asking for it exists on /v1 only.
    {
      name: "chat-stream-usage",
      method: "POST",
      path: "/v1/chat/completions",
      body: { model, messages: hello, max_tokens: 64, stream: true, stream_options: { include_usage: true } },
    },
    chat("tools", { ...tools, stream: false }),
    chat("tools-stream", tools),
    chat("reasoning-stream", { messages: user("[think] How many r are in strawberry?") }),
    chat("json", { messages: user("Write a note as JSON"), format: NOTE_SCHEMA, stream: false }),
    ...completions(model),
    embeddings("/api/embed", { model, input: ["first text", "second text"] }),
    { name: "models", method: "GET", path: "/api/tags" },
    chat("error-400", { messages: [{ role: "user", content: ["not a text"] }] }),
    chat("error-404", { model: "no-such-model", messages: hello }),
    chat("error-midstream", { messages: user("[sim error=6] Fail half-way") }, { simulatorOnly: true }),
    chat("cut", { messages: user("[sim die=6] Die half-way") }, { simulatorOnly: true }),
  ];
}

function completions(model: string): Exchange[] {
  const body = { model, prompt: "Once upon a time", max_tokens: 16 };
  return [
    { name: "completion", method: "POST", path: "/v1/completions", body },
    { name: "completion-stream", method: "POST", path: "/v1/completions", body: { ...body, stream: true } },
  ];
}

const RERANK = "/v1/rerank";

function rerank(kind: SimulatedKind, model: string): Exchange[] {
  const documents = ["The tax form is due in May", "A kitten is a young cat", "Dogs chase cats"];
  const body = { model, query: "What is a kitten?", documents };
  return `POST ${RERANK}` in kinds[kind].routes
    ? [{ name: "rerank", method: "POST", path: RERANK, body }]
    : [];
}

function embeddings(path: string, body: JsonObject): Exchange {
  return { name: "embeddings", method: "POST", path, body };
}
