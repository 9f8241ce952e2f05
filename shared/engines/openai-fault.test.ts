import { describe, expect, it } from "vitest";
import type { EngineFault } from "./engine.ts";
import { classifyOpenai, faultOfErrorObject } from "./openai-fault.ts";

const error = (members: object) => JSON.stringify({ error: members });
const PAGE =
  "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>";

describe("an engine's answer other than success", () => {
  it.each<[what: string, status: number, body: string, fault: Partial<EngineFault>]>([
    // OpenAI and what follows its reference
    [
      "OpenAI: a bad field",
      400,
      error({ message: "Invalid 'n'", type: "invalid_request_error", param: "n", code: null }),
      { class: "client_fault", status: 400, message: "Invalid 'n'", param: "n" },
    ],
    [
      "OpenAI: an unknown model",
      404,
      error({
        message: "The model `x` does not exist",
        type: "invalid_request_error",
        param: null,
        code: "model_not_found",
      }),
      { class: "client_fault", status: 404, code: "model_not_found" },
    ],
    [
      "OpenAI: our key",
      401,
      error({
        message: "Incorrect API key provided",
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
      }),
      { class: "failure", status: 401 },
    ],
    [
      "OpenAI: not allowed",
      403,
      error({ message: "Country not supported" }),
      { class: "failure", status: 403 },
    ],
    [
      "OpenAI: a rate limit",
      429,
      error({ message: "Rate limit reached", type: "requests", param: null, code: "rate_limit_exceeded" }),
      { class: "overload", status: 429 },
    ],
    [
      "OpenAI: overloaded",
      503,
      error({ message: "The engine is currently overloaded, please try again later", type: "server_error" }),
      { class: "overload" },
    ],
    [
      "OpenAI: its own fault",
      500,
      error({ message: "The server had an error", type: "server_error", param: null, code: null }),
      { class: "failure", status: 500 },
    ],
    [
      "OpenAI: too long",
      400,
      error({
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      }),
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    // llama.cpp
    [
      "llama.cpp: key",
      401,
      error({ message: "Invalid API Key", type: "authentication_error", code: 401 }),
      { class: "failure" },
    ],
    [
      "llama.cpp: loading",
      503,
      error({ message: "Loading model", type: "unavailable_error", code: 503 }),
      { class: "loading" },
    ],
    [
      "llama.cpp: no slot",
      503,
      error({ message: "no slot available", type: "unavailable_error", code: 503 }),
      { class: "overload" },
    ],
    [
      "llama.cpp: too long",
      400,
      error({
        code: 400,
        message: "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
        type: "exceed_context_size_error",
        n_prompt_tokens: 9000,
        n_ctx: 8192,
      }),
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    [
      "llama.cpp: a field",
      400,
      error({
        code: 400,
        message: "Field 'n': Value must be between 1 and 4",
        type: "invalid_request_error",
      }),
      { class: "client_fault", status: 400 },
    ],
    [
      "llama.cpp: a feature that is off",
      501,
      error({
        code: 501,
        message: "This server does not support embeddings. Start it with `--embeddings`",
        type: "not_supported_error",
      }),
      { class: "client_fault", status: 400 },
    ],
    // vLLM
    [
      "vLLM: key, as a string",
      401,
      '{"error":"Unauthorized"}',
      { class: "failure", message: "Unauthorized" },
    ],
    [
      "vLLM: an unknown model",
      404,
      error({ message: "The model `x` does not exist.", type: "NotFoundError", param: "model", code: 404 }),
      { class: "client_fault", status: 404, param: "model" },
    ],
    [
      "vLLM: too long",
      400,
      error({
        message:
          "This model's maximum context length is 8192 tokens. However, you requested 100 output tokens and your prompt contains 9000 input tokens (parameter=input_tokens, value=9000)",
        type: "BadRequestError",
        param: "input_tokens",
        code: 400,
      }),
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [
      "vLLM: validation",
      400,
      error({
        message: "1 validation error:\n  {'type': 'float_parsing'}",
        type: "Bad Request",
        param: "body.temperature",
        code: 400,
      }),
      { class: "client_fault", param: "body.temperature" },
    ],
    [
      "vLLM: a bad image",
      422,
      error({
        message: "The URL must be either a HTTP, data or file URL.",
        type: "UnprocessableEntityError",
        param: null,
        code: 422,
      }),
      { class: "client_fault", status: 422 },
    ],
    [
      "vLLM: not implemented",
      501,
      error({ message: "Not implemented", type: "NotImplementedError", param: null, code: 501 }),
      { class: "client_fault", status: 400 },
    ],
    [
      "vLLM: a dead engine",
      500,
      error({
        message: "EngineCore encountered an issue. See stack trace (above) for the root cause.",
        type: "InternalServerError",
        param: null,
        code: 500,
      }),
      { class: "failure", status: 500 },
    ],
    [
      "vLLM: a route that its model has not",
      404,
      '{"detail":"Not Found"}',
      { class: "client_fault", status: 400, code: "unsupported_operation" },
    ],
    [
      "OpenAI: a path that it has not",
      404,
      '{"error":{"message":"Invalid URL (POST /v1/rerank)","type":"invalid_request_error","param":null,"code":null}}',
      { class: "client_fault", status: 400, code: "unsupported_operation" },
    ],
    [
      "vLLM: scaling, as a string",
      503,
      '{"error":"The model is currently scaling. Please try again later."}',
      { class: "overload", message: "The model is currently scaling. Please try again later." },
    ],
    [
      "FastAPI: a method that it does not take, which is none of the caller's",
      405,
      '{"detail":"Method Not Allowed"}',
      { class: "failure", status: 405, message: "Method Not Allowed" },
    ],
    [
      "FastAPI: a list of what is wrong with the body",
      422,
      JSON.stringify({
        detail: [
          { type: "missing", loc: ["body", "messages", 0, "role"], msg: "Field required", input: {} },
          { msg: "Input should be a number" },
        ],
      }),
      { class: "client_fault", message: "body.messages.0.role: Field required; Input should be a number" },
    ],
    [
      "a flat object",
      400,
      '{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":40303}',
      { class: "client_fault", message: "too long" },
    ],
    // What stands in between
    [
      "a tunnel's page",
      502,
      PAGE,
      { class: "failure", status: 502, message: "HTTP 502 without an API error" },
    ],
    ["a tunnel's page with a client's status", 400, PAGE, { class: "failure", status: 400 }],
    ["a page that says to come later", 503, PAGE, { class: "overload" }],
    ["nothing", 404, "", { class: "failure", status: 404 }],
    ["nothing, and 429", 429, "", { class: "overload" }],
    [
      "a router's plain text",
      404,
      "404 page not found",
      { class: "failure", status: 404, message: "404 page not found" },
    ],
    ["plain words for the caller", 413, "Payload Too Large", { class: "client_fault", status: 413 }],
    ["a list", 500, "[]", { class: "failure" }],
    ["a number", 500, "7", { class: "failure" }],
    ["an object that says nothing", 500, "{}", { class: "failure", message: "it gave no reason" }],
  ])("%s", (_, status, body, fault) => {
    expect(classifyOpenai(status, body, undefined)).toMatchObject(fault);
  });

  it("leaves it to the operation which field is too long, whatever an engine calls it", () => {
    const message = "This model's maximum context length is 8192 tokens";
    expect(classifyOpenai(400, error({ message, param: "input_tokens" }), undefined)).not.toHaveProperty(
      "param",
    );
  });

  it("keeps the time to come back", () => {
    for (const body of ["", error({ message: "busy" }), PAGE])
      expect(classifyOpenai(429, body, 7_000).retryAfterMs).toBe(7_000);
    expect(classifyOpenai(429, "", undefined)).not.toHaveProperty("retryAfterMs");
  });

  it("shortens what would fill a log", () => {
    expect(
      classifyOpenai(400, error({ message: "x".repeat(100_000) }), undefined).message.length,
    ).toBeLessThan(2_100);
    expect(classifyOpenai(500, "y".repeat(100_000), undefined).message.length).toBeLessThan(2_100);
  });
});

describe("an error inside a 200", () => {
  it.each<[unknown, number, Partial<EngineFault>]>([
    [
      { message: "EngineCore encountered an issue.", type: "InternalServerError", param: null, code: 500 },
      500,
      { class: "failure", status: 500 },
    ],
    [{ message: "Loading model", code: 503 }, 500, { class: "loading", status: 503 }],
    [
      { message: "maximum context length is 10 tokens", code: "context_length_exceeded" },
      500,
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [{ message: "odd code", code: 7 }, 500, { class: "failure", status: 500 }],
    ["in a string", 500, { class: "failure", message: "in a string" }],
    [null, 500, { class: "failure", message: "it gave no reason" }],
  ])("%j", (object, status, fault) => {
    expect(faultOfErrorObject(object, status)).toMatchObject(fault);
  });
});
