import { describe, expect, it } from "vitest";
import type { SimulatedKind } from "./kinds/registry.ts";
import type { SimulatorOptions } from "./simulator.ts";
import { chat, get, post, withSimulator } from "./testing.ts";

const CHAT = "/v1/chat/completions";
const TOOL = { type: "function", function: { name: "f", parameters: {} } };
const IMAGE = [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }];
const whole = (more: Record<string, unknown> = {}) => ({ ...chat("Hello"), stream: false, ...more });
const vllm = (message: string, type: string, param: string | null, code: number) => ({
  error: { message, type, param, code },
});
const llama = (code: number, message: string, type: string) => ({ error: { code, message, type } });
const layer = (message: string, type: string) => ({ error: { message, type, param: null, code: null } });

type Row = [
  what: string,
  path: string,
  body: unknown,
  status: number,
  answer: unknown,
  options?: Partial<SimulatorOptions>,
];

const ROWS: Record<SimulatedKind, Row[]> = {
  vllm: [
    [
      "an unknown model",
      CHAT,
      whole({ model: "x" }),
      404,
      vllm("The model `x` does not exist.", "NotFoundError", "model", 404),
    ],
    [
      "an empty tool list",
      CHAT,
      whole({ tools: [] }),
      400,
      { error: { type: "Bad Request", param: "body", code: 400 } },
    ],
    [
      "a tool choice without tools",
      CHAT,
      whole({ tool_choice: "required" }),
      400,
      { error: { type: "Bad Request" } },
    ],
    [
      "stream options without a stream",
      CHAT,
      whole({ stream_options: {} }),
      400,
      { error: { type: "Bad Request" } },
    ],
    [
      "alternatives without logprobs",
      CHAT,
      whole({ top_logprobs: 2 }),
      400,
      { error: { type: "Bad Request" } },
    ],
    [
      "five stop strings",
      CHAT,
      whole({ stop: ["1", "2", "3", "4", "5"] }),
      400,
      { error: { type: "BadRequestError" } },
    ],
    [
      "prompt logprobs in a stream",
      CHAT,
      whole({ stream: true, prompt_logprobs: 1 }),
      400,
      { error: { type: "Bad Request" } },
    ],
    [
      "a template from the caller",
      CHAT,
      whole({ chat_template: "{{ x }}" }),
      400,
      { error: { type: "BadRequestError" } },
    ],
    [
      "a suffix",
      "/v1/completions",
      { prompt: "a", suffix: "b" },
      400,
      { error: { message: "suffix is not currently supported" } },
    ],
    [
      "a value of the wrong type",
      CHAT,
      whole({ temperature: "hot" }),
      400,
      vllm(
        "1 validation error:\n  {'type': 'float_parsing', 'loc': ('body', 'temperature'), 'msg': 'Input should be a valid number, unable to parse string as a number', 'input': 'hot'}",
        "Bad Request",
        "body.temperature",
        400,
      ),
    ],
    [
      "automatic tools without a parser",
      CHAT,
      whole({ tools: [TOOL] }),
      400,
      { error: { code: 400 } },
      { lacks: ["tools"] },
    ],
    [
      "a prompt over the context",
      CHAT,
      whole({ max_tokens: 10 }),
      400,
      {
        error: {
          type: "BadRequestError",
          param: "input_tokens",
          message: expect.stringMatching(
            /^This model's maximum context length is 4 tokens\. However, you requested 10 output tokens and your prompt contains 8 input tokens.*\(parameter=input_tokens, value=8\)$/s,
          ),
        },
      },
      { contextTokens: 4 },
    ],
    [
      "dimensions without Matryoshka",
      "/v1/embeddings",
      { input: "a", dimensions: 8 },
      400,
      { error: { param: "dimensions" } },
    ],
    [
      "embeddings it cannot make",
      "/v1/embeddings",
      { input: "a" },
      404,
      { detail: "Not Found" },
      { lacks: ["embeddings"] },
    ],
    ["malformed JSON", CHAT, "{", 400, { error: { type: "Bad Request" } }],
    ["an unknown path", "/v1/none", {}, 404, { detail: "Not Found" }],
    ["a wrong method", "/version", {}, 405, { detail: "Method Not Allowed" }],
  ],
  "llama-cpp": [
    [
      "more choices than slots",
      CHAT,
      whole({ n: 5 }),
      400,
      llama(400, "Field 'n': Value must be between 1 and 4", "invalid_request_error"),
    ],
    [
      "a grammar with tools",
      CHAT,
      whole({ tools: [TOOL], grammar: "root" }),
      400,
      { error: { type: "invalid_request_error" } },
    ],
    [
      "a schema with a grammar",
      CHAT,
      whole({ json_schema: {}, grammar: "root" }),
      500,
      { error: { type: "server_error" } },
    ],
    [
      "alternatives without logprobs",
      CHAT,
      whole({ top_logprobs: 1 }),
      400,
      { error: { type: "invalid_request_error" } },
    ],
    [
      "logprobs of a streamed tool call",
      CHAT,
      whole({ tools: [TOOL], logprobs: true, stream: true }),
      400,
      { error: { type: "invalid_request_error" } },
    ],
    [
      "a thinking switch that is not a boolean",
      CHAT,
      whole({ chat_template_kwargs: { enable_thinking: "no" } }),
      400,
      { error: { type: "invalid_request_error" } },
    ],
    [
      "an image to a text model, as a fault of its own",
      CHAT,
      whole({ messages: [{ role: "user", content: IMAGE }] }),
      500,
      { error: { message: expect.stringMatching(/^image input is not supported - hint:/) } },
      { lacks: ["vision"] },
    ],
    ["malformed JSON, as a fault of its own", CHAT, "{", 500, { error: { type: "server_error", code: 500 } }],
    [
      "a prompt over the context",
      CHAT,
      whole(),
      400,
      {
        error: {
          code: 400,
          message: "request (8 tokens) exceeds the available context size (8 tokens), try increasing it",
          type: "exceed_context_size_error",
          n_prompt_tokens: 8,
          n_ctx: 8,
        },
      },
      { contextTokens: 8 },
    ],
    [
      "embeddings it was started without",
      "/v1/embeddings",
      { input: "a" },
      501,
      { error: { type: "not_supported_error" } },
      { lacks: ["embeddings"] },
    ],
    [
      "an input over the micro-batch",
      "/v1/embeddings",
      { input: `${"a ".repeat(512)}a` },
      500,
      { error: { message: expect.stringMatching(/^input \(513 tokens\) is too large to process/) } },
    ],
    ["an unknown path", "/none", {}, 404, llama(404, "File Not Found", "not_found_error")],
  ],
  openai: [
    [
      "an unknown model",
      CHAT,
      whole({ model: "x" }),
      404,
      { error: { type: "invalid_request_error", param: null, code: "model_not_found" } },
    ],
    ["no model", CHAT, { messages: [] }, 400, { error: { message: "you must provide a model parameter" } }],
    [
      "no messages",
      CHAT,
      { model: "sim-model" },
      400,
      { error: { param: "messages", code: "missing_required_parameter" } },
    ],
    [
      "an empty tool list",
      CHAT,
      whole({ tools: [] }),
      400,
      { error: { param: "tools", code: "empty_array" } },
    ],
    [
      "five stop strings",
      CHAT,
      whole({ stop: ["1", "2", "3", "4", "5"] }),
      400,
      { error: { code: "array_above_max_length" } },
    ],
    [
      "stream options without a stream",
      CHAT,
      whole({ stream_options: {} }),
      400,
      { error: { param: "stream_options" } },
    ],
    [
      "a temperature over 2",
      CHAT,
      whole({ temperature: 3 }),
      400,
      { error: { code: "decimal_above_max_value" } },
    ],
    [
      "a prompt over the context",
      CHAT,
      whole(),
      400,
      { error: { code: "context_length_exceeded" } },
      { contextTokens: 4 },
    ],
    ["an unknown path", "/v1/none", {}, 404, { error: { message: "Invalid URL (POST /v1/none)" } }],
  ],
  ollama: [
    ["no model", "/api/chat", { messages: [] }, 400, { error: "model is required" }],
    ["an unknown model", "/api/chat", { model: "x" }, 404, { error: "model 'x' not found" }],
    [
      "an unknown model on /v1",
      CHAT,
      whole({ model: "x" }),
      404,
      layer("model 'x' not found", "not_found_error"),
    ],
    [
      "no messages on /v1",
      CHAT,
      { model: "sim-model", messages: [] },
      400,
      layer("[] is too short - 'messages'", "invalid_request_error"),
    ],
    [
      "content parts on the native route",
      "/api/chat",
      { model: "sim-model", messages: [{ role: "user", content: IMAGE }] },
      400,
      { error: expect.stringMatching(/^json: cannot unmarshal array/) },
    ],
    [
      "an image with a data prefix on the native route",
      "/api/chat",
      {
        model: "sim-model",
        messages: [{ role: "user", content: "a", images: ["data:image/png;base64,AA=="] }],
      },
      400,
      { error: "illegal base64 data at input byte 4" },
    ],
    [
      "an image by URL on /v1",
      CHAT,
      whole({ messages: [{ role: "user", content: IMAGE }] }),
      400,
      layer("invalid image input", "invalid_request_error"),
    ],
    [
      "null content",
      CHAT,
      whole({ messages: [{ role: "user", content: null }] }),
      400,
      layer("invalid message content type: <nil>", "invalid_request_error"),
    ],
    [
      "tool arguments that are no JSON",
      CHAT,
      whole({
        messages: [
          { role: "assistant", content: "", tool_calls: [{ function: { name: "f", arguments: "{" } }] },
        ],
      }),
      400,
      layer("invalid tool call arguments", "invalid_request_error"),
    ],
    [
      "an unknown effort",
      CHAT,
      whole({ reasoning_effort: "heroic" }),
      400,
      { error: { type: "invalid_request_error" } },
    ],
    [
      "a keep-alive without a unit",
      "/api/chat",
      { ...chat("a"), keep_alive: "-1" },
      400,
      { error: 'time: missing unit in duration "-1"' },
    ],
    [
      "too many alternatives",
      "/api/chat",
      { ...chat("a"), top_logprobs: 21 },
      400,
      { error: "top_logprobs must be between 0 and 20" },
    ],
    [
      "thinking of a model that cannot",
      "/api/chat",
      { ...chat("a"), think: true },
      400,
      { error: '"sim-model" does not support thinking' },
      { lacks: ["thinking"] },
    ],
    [
      "tools for a model that cannot",
      "/api/chat",
      { ...chat("a"), tools: [TOOL] },
      400,
      { error: "registry.ollama.ai/library/sim-model:latest does not support tools" },
      { lacks: ["tools"] },
    ],
    [
      "token ids on embeddings",
      "/v1/embeddings",
      { model: "sim-model", input: [1, 2] },
      400,
      layer("invalid input type", "invalid_request_error"),
    ],
    [
      "token ids on native embeddings",
      "/api/embed",
      { model: "sim-model", input: [1, 2] },
      400,
      { error: "invalid input type" },
    ],
    [
      "an empty input on /v1",
      "/v1/embeddings",
      { model: "sim-model", input: [] },
      400,
      layer("invalid input", "invalid_request_error"),
    ],
    [
      "too long an input that may not be cut",
      "/api/embed",
      { model: "sim-model", input: "a b c", truncate: false },
      400,
      { error: "the input length exceeds the context length" },
      { contextTokens: 2 },
    ],
    [
      "prompts in a list",
      "/v1/completions",
      { model: "sim-model", prompt: ["a"] },
      400,
      { error: { type: "invalid_request_error" } },
    ],
  ],
};

describe.each(Object.entries(ROWS))("%s refuses", (kind, rows) => {
  it.each(rows)("%s", (_, path, body, status, answer, options = {}) =>
    withSimulator({ kind: kind as SimulatedKind, ...options }, async (sim) => {
      const heard = await post(sim, path, body);
      expect(heard.status).toBe(status);
      expect(JSON.parse(heard.text)).toMatchObject(answer as object);
    }),
  );
});

describe("keys", () => {
  const apiKey = "secret";
  it.each<[SimulatedKind, string, string, Record<string, string>, number, unknown]>([
    ["vllm", "GET", "/v1/models", {}, 401, { error: "Unauthorized" }],
    ["vllm", "GET", "/v1/models", { "x-api-key": apiKey }, 401, { error: "Unauthorized" }],
    ["vllm", "GET", "/version", {}, 200, {}],
    [
      "llama-cpp",
      "GET",
      "/props",
      {},
      401,
      { error: { message: "Invalid API Key", type: "authentication_error", code: 401 } },
    ],
    ["llama-cpp", "GET", "/props", { "x-api-key": apiKey }, 200, {}],
    ["llama-cpp", "GET", "/v1/models", {}, 200, {}],
    ["openai", "GET", "/v1/models", {}, 401, { error: { type: "invalid_request_error", code: null } }],
    [
      "openai",
      "GET",
      "/v1/models",
      { authorization: "Bearer wrong" },
      401,
      { error: { code: "invalid_api_key" } },
    ],
    ["ollama", "GET", "/api/tags", {}, 200, {}],
  ])("%s %s %s with %j", (kind, _, path, headers, status, answer) =>
    withSimulator({ kind, apiKey }, async (sim) => {
      const heard = await get(sim, path, headers);
      expect(heard.status).toBe(status);
      expect(JSON.parse(heard.text)).toMatchObject(answer as object);
    }),
  );

  it.each(["vllm", "llama-cpp", "openai"] as const)("%s lets a bearer key in", (kind) =>
    withSimulator({ kind, apiKey }, async (sim) => {
      expect((await get(sim, "/v1/models", { authorization: `Bearer ${apiKey}` })).status).toBe(200);
    }),
  );
});

describe("ollama on loopback", () => {
  it.each<[Record<string, string>, number]>([
    [{ origin: "https://app.example.com" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://localhost:3000" }, 200],
    [{}, 200],
  ])("answers %j with %i, and an empty body where it refuses", (headers, status) =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const heard = await get(sim, "/api/version", headers);
      expect(heard.status).toBe(status);
      if (status === 403) expect(heard.text).toBe("");
    }),
  );
});
