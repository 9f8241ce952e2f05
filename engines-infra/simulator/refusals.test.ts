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

const flat = (message: unknown, type = "BadRequestError") => ({
  object: "error",
  message,
  type,
  param: null,
  code: 400,
});

/** TensorRT-LLM's words are a string of Python's. */
const FORBIDDEN = { error: expect.stringContaining("extra_forbidden") };

/** TGI's own words; what its JSON parser says, in plain text, is in tgi.test.ts. */
const tgi = (error: unknown, error_type = "validation") => ({ error, error_type });
const TGI_ROWS: Row[] = [
  [
    "a share of the tokens that is all of them",
    CHAT,
    whole({ top_p: 1 }),
    422,
    tgi("Input validation error: `top_p` must be > 0.0 and < 1.0"),
  ],
  [
    "five stop strings",
    CHAT,
    whole({ stop: ["1", "2", "3", "4", "5"] }),
    422,
    tgi("Input validation error: `stop` supports up to 4 stop sequences. Given: 5"),
  ],
  [
    "too many alternatives",
    CHAT,
    whole({ logprobs: true, top_logprobs: 6 }),
    422,
    tgi("Input validation error: `top_n_tokens` must be >= 0 and <= 5. Given: 6"),
  ],
  [
    "a grammar with tools",
    CHAT,
    whole({ tools: [TOOL], response_format: { type: "regex", value: "a" } }),
    422,
    tgi("Tool error: Grammar and tools are mutually exclusive", "tool_error"),
  ],
  [
    "a schema without properties",
    CHAT,
    whole({ response_format: { type: "json_object", value: { type: "object" } } }),
    422,
    tgi("Input validation error: grammar is not valid: Grammar must have a 'properties' field"),
  ],
  [
    "a tool that is not there",
    CHAT,
    whole({ tools: [TOOL], tool_choice: "g" }),
    422,
    tgi("Tool error: Tool with name g not found", "tool_error"),
  ],
  [
    "a call that the limit cut",
    CHAT,
    whole({
      tools: [{ type: "function", function: { name: "f", parameters: { required: ["a"] } } }],
      tool_choice: "required",
      max_tokens: 3,
    }),
    422,
    tgi(
      expect.stringMatching(/^Tool error: Failed to parse generated text: EOF while parsing/),
      "tool_error",
    ),
  ],
  [
    "a prompt that leaves no room",
    CHAT,
    whole({ max_tokens: 10 }),
    422,
    tgi(
      "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 12. Given: 8 `inputs` tokens and 10 `max_new_tokens`",
    ),
    { contextTokens: 12 },
  ],
  [
    "a prompt over the context",
    CHAT,
    whole(),
    422,
    tgi("Input validation error: `inputs` must have less than 7 tokens. Given: 8"),
    { contextTokens: 8 },
  ],
  [
    "more prompts than it takes",
    "/v1/completions",
    { prompt: ["1", "2", "3", "4", "5"] },
    422,
    tgi("Number of prompts exceeds the maximum allowed batch size of 4", "batch size exceeded"),
  ],
  [
    "a suffix",
    "/v1/completions",
    { prompt: "a", suffix: "b" },
    422,
    tgi(expect.stringMatching(/^Suffix/), "suffix not supported"),
  ],
  [
    "an empty prompt on the native route",
    "/generate",
    { inputs: "" },
    422,
    tgi("Input validation error: `inputs` cannot be empty"),
  ],
  [
    "the best of too many",
    "/generate",
    { inputs: "a", parameters: { best_of: 3 } },
    422,
    tgi("Input validation error: `best_of` must be > 0 and <= 2. Given: 3"),
  ],
];

/** DeepSpeed-MII's OpenAI-style server: a flat object, with a number of FastChat's. */
const mii = (message: unknown, code = 40_001) => ({ object: "error", message, code });

const MII_ROWS: Row[] = [
  [
    "parts of text",
    CHAT,
    whole({ messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] }),
    400,
    mii(expect.stringContaining("'loc': ('body', 'messages', 'list[dict[str,str]]', 0, 'content')")),
  ],
  [
    "a null content",
    CHAT,
    whole({ messages: [{ role: "assistant", content: null }] }),
    400,
    mii(expect.stringContaining("'msg': 'Input should be a valid string', 'input': None")),
  ],
  ["no messages", CHAT, { model: "sim-model" }, 400, mii(expect.stringContaining("'type': 'missing'"))],
  ["a text for a number", CHAT, whole({ max_tokens: "4" }), 400, mii(expect.stringContaining("int_type"))],
  ["no JSON", CHAT, "{", 400, mii(expect.stringContaining("'type': 'json_invalid'"))],
  [
    "a model under any other name, by a 400",
    CHAT,
    whole({ model: "Sim-Model" }),
    400,
    mii('Model "Sim-Model" not found. Please use "sim-model".', 40_301),
  ],
  [
    "the same in a completion, in other words",
    "/v1/completions",
    { prompt: "Once", model: "x" },
    400,
    mii("Model x not found.", 40_301),
  ],
  ["an unknown route", "/v1/embeddings", {}, 404, { detail: "Not Found" }],
];

const lmdeploy = (message: unknown, type = "invalid_request_error", code = 400) => ({
  message,
  type,
  code,
  param: null,
  object: "error",
});

const ROWS: Record<SimulatedKind, Row[]> = {
  deepspeed: MII_ROWS,
  "deepspeed-native": [
    [
      "no prompt, as FastAPI does",
      "/generate",
      { text: "Once" },
      422,
      { detail: [{ type: "missing", loc: ["body", "prompt"], msg: "Field required" }] },
    ],
    ["no JSON", "/generate", "{", 422, { detail: [{ type: "json_invalid" }] }],
    ["an unknown route", CHAT, whole(), 404, { detail: "Not Found" }],
  ],
  "deepspeed-rest": [
    [
      "no JSON",
      "/mii/sim-model",
      "{",
      400,
      { message: "The browser (or proxy) sent a request that this server could not understand." },
    ],
    ...[
      ["a null", { stop: null }],
      ["a list", { stop: ["x"] }],
      ["an argument that it does not know", { seed: 1 }],
      ["a temperature of 0", { temperature: 0 }],
      ["a top_p beyond 1", { top_p: 1.5 }],
      ["a prompt over the length", { max_length: 1 }],
      ["no prompt", { prompts: [] }],
    ].map(([what, more]): Row => [
      String(what),
      "/mii/sim-model",
      { prompts: "Once upon", ...(more as object) },
      500,
      { message: "Internal Server Error" },
    ]),
  ],
  tgi: TGI_ROWS,
  lmdeploy: [
    [
      "an unknown model",
      CHAT,
      whole({ model: "x" }),
      404,
      lmdeploy("The model 'x' does not exist.", "not_found_error", 404),
    ],
    ["no model", CHAT, whole({ model: undefined }), 400, lmdeploy("model: Field required")],
    ["no messages", CHAT, { model: "sim-model" }, 400, lmdeploy("messages: Field required")],
    [
      "a value of the wrong type",
      CHAT,
      whole({ temperature: "hot" }),
      400,
      lmdeploy("temperature: Input should be a valid number"),
    ],
    [
      "a temperature over 2",
      CHAT,
      whole({ temperature: 3 }),
      400,
      lmdeploy("The temperature 3.0 must be in [0, 2]"),
    ],
    [
      "vLLM's word for all tokens",
      CHAT,
      whole({ top_k: -1 }),
      400,
      lmdeploy("The top_k -1 cannot be a negative integer."),
    ],
    ["no choice at all", CHAT, whole({ n: 0 }), 400, lmdeploy("The n 0 must be a positive int.")],
    [
      "more choices than it makes",
      CHAT,
      whole({ n: 129 }),
      400,
      lmdeploy("The n 129 exceeds the maximum supported choices (128)."),
    ],
    ["a null for the choice of tools", CHAT, whole({ tool_choice: null }), 400, { code: 400 }],
    ["an effort that it does not know", CHAT, whole({ reasoning_effort: "none" }), 400, { code: 400 }],
    [
      "tools without a parser",
      CHAT,
      whole({ tools: [TOOL] }),
      400,
      lmdeploy("Please launch the api_server with --tool-call-parser if you want to use tools."),
      { lacks: ["tools"] },
    ],
    ["alternatives without logprobs", CHAT, whole({ top_logprobs: 2 }), 400, { code: 400 }],
    [
      "a prompt that fills the context",
      CHAT,
      whole(),
      400,
      lmdeploy("Input length (8) must be smaller than the model context length (8)."),
      { contextTokens: 8 },
    ],
    [
      "token ids, as a fault of its own",
      "/v1/completions",
      { model: "sim-model", prompt: [1, 2] },
      500,
      { type: "server_error" },
    ],
    [
      "a null for one choice, as a fault of its own",
      "/v1/completions",
      { model: "sim-model", prompt: "a", n: null },
      500,
      { type: "server_error" },
    ],
    ["embeddings", "/v1/embeddings", { input: "a" }, 400, lmdeploy("Unsupported by turbomind.")],
    ["malformed JSON", CHAT, "{", 400, { code: 400, object: "error" }],
    ["an unknown path", "/v1/none", {}, 404, { detail: "Not Found" }],
    ["a wrong method", "/health", {}, 405, { detail: "Method Not Allowed" }],
  ],
  sglang: [
    [
      "a value of the wrong type",
      CHAT,
      whole({ temperature: "hot" }),
      400,
      flat(
        "1 validation error:\n  {'type': 'float_type', 'loc': ('body', 'temperature'), 'msg': 'Input should be a valid number', 'input': 'hot'} [{'type': 'float_type', 'loc': ('body', 'temperature'), 'msg': 'Input should be a valid number', 'input': 'hot'}]",
        "Bad Request",
      ),
    ],
    [
      "a null where it has none",
      CHAT,
      whole({ n: null }),
      400,
      flat(expect.stringContaining("'n'"), "Bad Request"),
    ],
    [
      "a null `strict` of a tool",
      CHAT,
      whole({ tools: [{ type: "function", function: { name: "f", strict: null } }] }),
      400,
      { type: "Bad Request" },
    ],
    ["no messages", CHAT, whole({ messages: [] }), 400, flat("Messages cannot be empty.")],
    [
      "a forced tool without tools",
      CHAT,
      whole({ tool_choice: "required" }),
      400,
      flat("Tools cannot be empty if tool choice is set to required."),
    ],
    [
      "a tool that is not there",
      CHAT,
      whole({ tools: [TOOL], tool_choice: { type: "function", function: { name: "g" } } }),
      400,
      flat("Tool 'g' not found in tools list."),
    ],
    [
      "an adapter that is not loaded",
      CHAT,
      whole({ model: "llama3:8b" }),
      400,
      flat(expect.stringContaining("LoRA adapter '8b' was requested")),
    ],
    [
      "a prompt over the context",
      CHAT,
      whole(),
      400,
      flat("The input (8 tokens) is longer than the model's context length (4 tokens)."),
      { contextTokens: 4 },
    ],
    [
      "a prompt and an answer over the context, also before a stream",
      CHAT,
      whole({ max_tokens: 10, stream: true }),
      400,
      flat(
        expect.stringMatching(
          /^Requested token count exceeds the model's maximum context length of 9 tokens\./,
        ),
      ),
      { contextTokens: 9 },
    ],
    [
      "an answer of no tokens",
      "/v1/completions",
      { prompt: "a", max_tokens: 0 },
      400,
      flat(expect.stringContaining("max_tokens must be positive"), "Bad Request"),
    ],
    ["an empty prompt", "/v1/completions", { prompt: "" }, 400, flat("Prompt cannot be empty")],
    [
      "a blank text to embed",
      "/v1/embeddings",
      { input: ["a", " "] },
      400,
      flat("Input at index 1 cannot be empty or whitespace only"),
    ],
    [
      "one id for several texts to embed, as a fault of its own",
      "/v1/embeddings",
      { input: ["a", "b"], rid: "x" },
      500,
      { type: "InternalServerError", code: 500 },
    ],
    [
      "dimensions without Matryoshka",
      "/v1/embeddings",
      { input: "a", dimensions: 8 },
      400,
      flat(expect.stringContaining("matryoshka")),
    ],
    [
      "embeddings it was started without",
      "/v1/embeddings",
      { input: "a" },
      400,
      flat(expect.stringContaining("--is-embedding")),
      { lacks: ["embeddings"] },
    ],
    ["malformed JSON", CHAT, "{", 400, { type: "Bad Request", code: 400 }],
    ["an unknown path", "/v1/none", {}, 404, { detail: "Not Found" }],
    ["a wrong method", "/v1/loads", {}, 405, { detail: "Method Not Allowed" }],
  ],
  "tensorrt-llm": [
    [
      "a field that it does not know",
      CHAT,
      whole({ store: true }),
      400,
      {
        error:
          "[{'type': 'extra_forbidden', 'loc': ('body', 'store'), 'msg': 'Extra inputs are not permitted', 'input': True}]",
      },
    ],
    [
      "a limit under both of its names",
      CHAT,
      whole({ max_tokens: 1, max_completion_tokens: 1 }),
      400,
      FORBIDDEN,
    ],
    [
      "a stream option that it does not know",
      CHAT,
      whole({ stream: true, stream_options: { include_obfuscation: false } }),
      400,
      FORBIDDEN,
    ],
    [
      "null for a number of choices",
      CHAT,
      whole({ n: null }),
      400,
      { error: expect.stringContaining("'n'") },
    ],
    ["a value of the wrong type", CHAT, whole({ temperature: "hot" }), 400, { error: expect.any(String) }],
    ["no messages", CHAT, { model: "x" }, 400, { error: expect.stringContaining("Field required") }],
    [
      "messages that are no list",
      CHAT,
      { messages: "a" },
      400,
      { error: expect.stringContaining("list_type") },
    ],
    [
      "stream options without a stream",
      CHAT,
      whole({ stream_options: {} }),
      400,
      { error: expect.stringContaining("stream_options can only be set") },
    ],
    [
      "a tool choice without tools",
      CHAT,
      whole({ tool_choice: "required" }),
      400,
      { error: expect.stringContaining("`tools` must be set") },
    ],
    ["null for a tool choice", CHAT, whole({ tool_choice: null }), 400, { error: expect.any(String) }],
    [
      "alternatives without logprobs",
      CHAT,
      whole({ top_logprobs: 2 }),
      400,
      { error: expect.stringContaining("logprobs must be true") },
    ],
    ["a template from the caller", CHAT, whole({ chat_template: "{{ x }}" }), 400, flat(expect.any(String))],
    [
      "a suffix",
      "/v1/completions",
      { prompt: "a", suffix: "b" },
      400,
      { error: expect.stringContaining("suffix is not supported") },
    ],
    ["an echo of token ids", "/v1/completions", { prompt: [1], echo: true }, 400, flat(expect.any(String))],
    [
      "a prompt over the context",
      CHAT,
      whole(),
      400,
      flat(expect.stringContaining("should not exceed max_num_tokens (4)")),
      { contextTokens: 4 },
    ],
    ["dimensions", "/v1/embeddings", { input: "a", dimensions: 8 }, 400, flat(expect.any(String))],
    [
      "embeddings in another role",
      "/v1/embeddings",
      { input: "a" },
      404,
      { detail: "Not Found" },
      { lacks: ["embeddings"] },
    ],
    ["malformed JSON", CHAT, "{", 400, { error: expect.stringContaining("json_invalid") }],
    ["an unknown path", "/v1/none", {}, 404, { detail: "Not Found" }],
    ["a wrong method", "/version", {}, 405, { detail: "Method Not Allowed" }],
  ],
  triton: [
    [
      "an unknown model",
      "/v2/models/x/generate",
      { text_input: "a" },
      404,
      { error: "Request for unknown model: 'x' is not found" },
    ],
    ["no prompt", "/v2/models/sim-model/generate", {}, 400, { error: expect.stringContaining("missing") }],
    [
      "no limit of a classic model",
      "/v2/models/ensemble/generate",
      { text_input: "a" },
      400,
      { error: expect.stringContaining("max_tokens") },
      { models: ["ensemble"] },
    ],
    [
      "a text where a step of a classic model takes token ids",
      "/v2/models/tensorrt_llm/generate",
      { text_input: "a", max_tokens: 1 },
      400,
      { error: expect.stringContaining("missing") },
      { models: ["ensemble"] },
    ],
    [
      "a list that is no tensor",
      "/v2/models/sim-model/generate",
      { text_input: "a", stop_words: ["x"] },
      400,
      { error: expect.stringContaining("'stop_words' has invalid type") },
    ],
    [
      "a prompt over the context",
      "/v2/models/sim-model/generate",
      { text_input: "a b c d" },
      500,
      { error: expect.stringContaining("Prompt length (4) exceeds maximum input length (2)") },
      { contextTokens: 2 },
    ],
    [
      "whatever while it loads",
      "/v2/models/sim-model/generate",
      { text_input: "a" },
      400,
      { error: "Request for unknown model: 'sim-model' has no available versions" },
      { loading: true },
    ],
    [
      "to give many answers where one is asked for, with a 200",
      "/v2/models/sim-model/generate",
      { text_input: "a", streaming: true },
      200,
      { error: expect.stringContaining("exactly 1 response") },
    ],
    ["malformed JSON", "/v2/models/sim-model/generate", "{", 400, { error: expect.stringContaining("JSON") }],
    ["a wrong method", "/v2/health/ready", {}, 405, { error: "Method Not Allowed" }],
  ],
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
    [
      "deepspeed",
      "GET",
      "/v1/models",
      { authorization: `Basic ${apiKey}` },
      401,
      { detail: { error: { message: "", code: "invalid_api_key" } } },
    ],
    ["deepspeed", "GET", "/health", {}, 200, { status: "ok" }],
    ["deepspeed-native", "GET", "/health", {}, 200, { status: "ok" }],
    ["lmdeploy", "GET", "/v1/models", {}, 401, { message: "Unauthorized.", type: "authentication_error" }],
    ["lmdeploy", "GET", "/metrics", {}, 401, { code: 401 }],
    ["lmdeploy", "GET", "/health", {}, 200, { status: "healthy" }],
    ["sglang", "GET", "/v1/models", {}, 401, { error: "Unauthorized" }],
    ["sglang", "GET", "/v1/loads", {}, 401, { error: "Unauthorized" }],
    ["sglang", "GET", "/v1/models", { "x-api-key": apiKey }, 401, { error: "Unauthorized" }],
  ])("%s %s %s with %j", (kind, _, path, headers, status, answer) =>
    withSimulator({ kind, apiKey }, async (sim) => {
      const heard = await get(sim, path, headers);
      expect(heard.status).toBe(status);
      expect(JSON.parse(heard.text)).toMatchObject(answer as object);
    }),
  );

  it.each(["deepspeed", "vllm", "llama-cpp", "openai", "sglang"] as const)(
    "%s lets a bearer key in",
    (kind) =>
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
