import { describe, expect, it } from "vitest";
import { chat, errorOf, get, post } from "./asking.ts";
import { KINDS, modelOf, proofForFile } from "./harness.ts";
import { sendPieces } from "./bare-client.ts";

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const EMBEDDINGS = "/v1/embeddings";
// The runtime reads 64 KB of what nobody wants before it hangs up: what is too large has to end within them, or the answer may be lost.
const LIMIT_BYTES = 32 * 1024;

const proof = proofForFile(undefined, { BODY_BYTES_MAX: String(LIMIT_BYTES) });

type Json = Record<string, unknown>;
const model = modelOf("openai");
const messages = [{ role: "user", content: "Hello" }];
const accepted = () => KINDS.reduce((sum, kind) => sum + proof().sim(kind).seen().accepted, 0);

describe("a body that is wrong is a 400 that names the field, and reaches no engine", () => {
  it.each<[path: string, param: string, more: Json]>([
    [CHAT, "model", { model: undefined }],
    [CHAT, "model", { model: "" }],
    [CHAT, "model", { model: 7 }],
    [CHAT, "messages", { messages: undefined }],
    [CHAT, "messages", { messages: [] }],
    [CHAT, "messages", { messages: "Hello" }],
    [CHAT, "messages[0]", { messages: ["Hello"] }],
    [CHAT, "messages[0].role", { messages: [{ content: "Hello" }] }],
    [CHAT, "messages[0].role", { messages: [{ role: "robot", content: "Hello" }] }],
    [CHAT, "messages[0].content", { messages: [{ role: "user" }] }],
    [CHAT, "messages[0].content", { messages: [{ role: "user", content: 7 }] }],
    [CHAT, "messages[0].content", { messages: [{ role: "user", content: null }] }],
    [CHAT, "messages[0].content", { messages: [{ role: "user", content: [] }] }],
    [CHAT, "messages[0].content[0].type", { messages: [{ role: "user", content: [{ type: "smell" }] }] }],
    [CHAT, "messages[0].content[0].text", { messages: [{ role: "user", content: [{ type: "text" }] }] }],
    [
      CHAT,
      "messages[0].content[0].image_url.url",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
    ],
    [CHAT, "messages[1].content", { messages: [...messages, { role: "assistant", content: 1 }] }],
    [
      CHAT,
      "messages[1].tool_calls[0].id",
      {
        messages: [
          ...messages,
          { role: "assistant", tool_calls: [{ type: "function", function: { name: "f", arguments: "{}" } }] },
        ],
      },
    ],
    [
      CHAT,
      "messages[1].tool_calls[0].function.arguments",
      {
        messages: [
          ...messages,
          {
            role: "assistant",
            tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: {} } }],
          },
        ],
      },
    ],
    [CHAT, "messages[1].tool_call_id", { messages: [...messages, { role: "tool", content: "result" }] }],
    [CHAT, "stream", { stream: "yes" }],
    [CHAT, "stream_options", { stream_options: { include_usage: true } }],
    [CHAT, "stream_options.include_usage", { stream: true, stream_options: { include_usage: 1 } }],
    [CHAT, "temperature", { temperature: "hot" }],
    [CHAT, "temperature", { temperature: 2.1 }],
    [CHAT, "temperature", { temperature: -1 }],
    [CHAT, "top_p", { top_p: 1.5 }],
    [CHAT, "max_tokens", { max_tokens: 0 }],
    [CHAT, "max_tokens", { max_tokens: 1.5 }],
    [CHAT, "max_completion_tokens", { max_completion_tokens: "many" }],
    [CHAT, "n", { n: 0 }],
    [CHAT, "n", { n: 129 }],
    [CHAT, "stop", { stop: 5 }],
    [CHAT, "stop", { stop: ["a", "b", "c", "d", "e"] }],
    [CHAT, "seed", { seed: 0.5 }],
    [CHAT, "presence_penalty", { presence_penalty: 3 }],
    [CHAT, "frequency_penalty", { frequency_penalty: -3 }],
    [CHAT, "logit_bias.5", { logit_bias: { 5: 101 } }],
    [CHAT, "logprobs", { logprobs: 2 }],
    [CHAT, "top_logprobs", { logprobs: true, top_logprobs: 21 }],
    [CHAT, "top_logprobs", { top_logprobs: 2 }],
    [CHAT, "tools", { tools: {} }],
    [CHAT, "tools[0].type", { tools: [{ type: "gadget" }] }],
    [CHAT, "tools[0].function.name", { tools: [{ type: "function", function: { name: "not a name" } }] }],
    [CHAT, "tool_choice", { tool_choice: "auto" }],
    [CHAT, "tool_choice", { tools: [{ type: "function", function: { name: "f" } }], tool_choice: "always" }],
    [CHAT, "response_format.type", { response_format: { type: "xml" } }],
    [CHAT, "response_format.json_schema", { response_format: { type: "json_schema" } }],
    [
      CHAT,
      "response_format.json_schema.name",
      { response_format: { type: "json_schema", json_schema: { schema: {} } } },
    ],
    [CHAT, "reasoning_effort", { reasoning_effort: "hard" }],
    [
      CHAT,
      "metadata",
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`m${at}`, ""])) },
    ],
    [CHAT, "user", { user: 1 }],
    [COMPLETIONS, "prompt", { prompt: undefined }],
    [COMPLETIONS, "prompt", { prompt: {} }],
    [COMPLETIONS, "prompt", { prompt: [] }],
    [COMPLETIONS, "max_tokens", { prompt: "a", max_tokens: -1 }],
    [COMPLETIONS, "logprobs", { prompt: "a", logprobs: 6 }],
    [COMPLETIONS, "best_of", { prompt: "a", best_of: 2, stream: true }],
    [COMPLETIONS, "stream_options", { prompt: "a", stream_options: {} }],
    [EMBEDDINGS, "input", { input: undefined }],
    [EMBEDDINGS, "input", { input: "" }],
    [EMBEDDINGS, "input", { input: [] }],
    [EMBEDDINGS, "input[1]", { input: ["a", ""] }],
    [EMBEDDINGS, "encoding_format", { input: "a", encoding_format: "hex" }],
    [EMBEDDINGS, "dimensions", { input: "a", dimensions: 0 }],
  ])("%s, %s: %j", async (path, param, more) => {
    const response = await post(proof(), path, { model, ...(path === CHAT && { messages }), ...more });
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: "invalid_request_error", param });
    expect(error.message).toContain(`\`${param}\``);
    expect(accepted()).toBe(0);
  });

  it.each([
    ["nothing", "", "invalid_json"],
    ["half an object", '{"model":"x"', "invalid_json"],
    ["a trailing comma", '{"model":"x",}', "invalid_json"],
    ["a list", "[]", null],
    ["null", "null", null],
    ["a text", '"hello"', null],
    ["bytes that are no text", "\ufffd", "invalid_json"],
  ])("%s instead of a JSON object", async (_, body, code) => {
    for (const path of [CHAT, COMPLETIONS, EMBEDDINGS]) {
      const response = await post(proof(), path, body);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ type: "invalid_request_error", param: null, code });
    }
  });
});

describe("what the contract does not name", () => {
  it.each(KINDS.filter((kind) => kind !== "ollama" && kind !== "tensorrt-llm" && kind !== "tgi"))(
    "goes on to %s as it is",
    async (kind) => {
      const extra = {
        top_k: 40,
        min_p: 0.05,
        chat_template_kwargs: { enable_thinking: false },
        made_up: ["x", 1, null],
        null_up: null,
      };
      expect((await post(proof(), CHAT, chat(modelOf(kind), "Hello", extra))).status).toBe(200);
      expect(
        proof()
          .sim(kind)
          .seen()
          .requests.findLast(({ method }) => method === "POST")?.body,
      ).toMatchObject(extra);
    },
  );

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "goes on even where it is named %s",
    async (name) => {
      const body = `{"model":"${model}","messages":[{"role":"user","content":"Hello"}],"${name}":{"a":1}}`;
      expect((await post(proof(), CHAT, body)).status).toBe(200);
      const [request] = proof()
        .sim("openai")
        .seen()
        .requests.filter(({ method }) => method === "POST");
      expect(request?.headers["content-length"]).toBe(String(Buffer.byteLength(body)));
    },
  );

  it("becomes an option of Ollama's where it has one", async () => {
    await post(
      proof(),
      CHAT,
      chat(modelOf("ollama"), "Hello", { top_k: 40, min_p: 0.05, repetition_penalty: 1.1, stop: "x" }),
    );
    const body = proof()
      .sim("ollama")
      .seen()
      .requests.findLast(({ method }) => method === "POST")?.body;
    expect(body).toMatchObject({ options: { top_k: 40, min_p: 0.05, repeat_penalty: 1.1, stop: ["x"] } });
  });

  it.each<[kind: string, path: string, more: Json]>([
    ["ollama", CHAT, { messages }],
    ["ollama", COMPLETIONS, { prompt: "a" }],
    ["ollama", EMBEDDINGS, { input: "a" }],
    ["tensorrt-llm", CHAT, { messages }],
    ["tensorrt-llm", COMPLETIONS, { prompt: "a" }],
    ["tensorrt-llm", EMBEDDINGS, { input: "a" }],
    ["tgi", CHAT, { messages }],
    ["tgi", COMPLETIONS, { prompt: "a" }],
  ])(
    "is refused by name where %s would drop it, or refuse it in words of its own: %s",
    async (kind, path, more) => {
      const response = await post(proof(), path, { model: modelOf(kind), ...more, made_up: 1 });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ code: "unsupported_parameter", param: "made_up" });
      expect(accepted()).toBe(0);
    },
  );

  it.each(KINDS)("nulls stand for what is absent, with %s", async (kind) => {
    const nulls = {
      temperature: null,
      top_p: null,
      max_tokens: null,
      stop: null,
      seed: null,
      tools: null,
      n: null,
      logprobs: null,
      user: null,
      stream: null,
      stream_options: null,
      response_format: null,
      tool_choice: null,
      logit_bias: null,
    };
    const response = await post(proof(), CHAT, chat(modelOf(kind), "Hello", nulls));
    expect(response.status).toBe(200);
  });

  it("keeps numbers that JavaScript cannot hold, and texts of any script, as they were written", async () => {
    const body = `{"model":"${model}","messages":[{"role":"user","content":"\\u00e9 😀 \\ud83d\\ude00"}],"seed":42,"big":12345678901234567890,"exact":0.1000}`;
    expect((await post(proof(), CHAT, body)).status).toBe(200);
    const [request] = proof()
      .sim("openai")
      .seen()
      .requests.filter(({ method }) => method === "POST");
    expect(request?.headers["content-length"]).toBe(String(Buffer.byteLength(body)));
  });
});

describe("a model that is not served", () => {
  it.each([
    ["sim-vlm", ["sim-vllm"]],
    ["SIM-OPENAI", ["sim-openai"]],
    ["ollama", ["sim-ollama"]],
  ])("is a 404 with names that are near: %s", async (name, near) => {
    for (const [path, rest] of [
      [CHAT, { messages }],
      [COMPLETIONS, { prompt: "a" }],
      [EMBEDDINGS, { input: "a" }],
    ] as const) {
      const response = await post(proof(), path, { model: name, ...rest });
      expect(response.status).toBe(404);
      const error = await errorOf(response);
      expect(error).toMatchObject({ code: "model_not_found", param: "model", type: "invalid_request_error" });
      for (const each of near) expect(error.message).toContain(each);
    }
  });

  it("is a 404 that says where the models are listed, when none is near", async () => {
    const response = await post(proof(), CHAT, { model: "qwertyuiopasdfghjkl", messages });
    expect(response.status).toBe(404);
    expect((await errorOf(response)).message).toContain("/v1/models");
  });

  it("does not make us ask every engine each time that a name is made up", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => post(proof(), CHAT, chat(`no-such-${at}`, "Hello"))),
    );
    const lists = proof()
      .sim("openai")
      .seen()
      .requests.filter(({ path }) => path === "/v1/models");
    expect(lists.length).toBeLessThan(10);
  });

  it("is a 404 on /v1/models, too", async () => {
    const response = await get(proof(), "/v1/models/sim-vlm");
    expect(response.status).toBe(404);
    expect((await errorOf(response)).message).toContain("sim-vllm");
  });
});

describe("a body that is too large", () => {
  const large = JSON.stringify(chat(model, "x".repeat(LIMIT_BYTES)));

  it("is a 413 by its declared length", async () => {
    const response = await post(proof(), CHAT, large);
    expect(response.status).toBe(413);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "request_too_large", type: "invalid_request_error" });
    expect(error.message).toContain(String(LIMIT_BYTES));
  });

  it("is a 413 in pieces without a length", async () => {
    const { answer } = await sendPieces(
      proof(),
      CHAT,
      Array.from({ length: 17 }, () => Buffer.alloc(4_096, " ")),
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('"code":"request_too_large"');
  });

  it("is not read to its end", async () => {
    // workerd reads some 64 KB of what nobody wants and then hangs up, which can overtake the answer.
    const { answer, sentBytes } = await sendPieces(
      proof(),
      CHAT,
      Array.from({ length: 8_000 }, () => Buffer.alloc(4_096, " ")),
    );
    expect(answer).toMatch(/^$|^HTTP\/1.1 413 /);
    expect(sentBytes).toBeLessThan(16 * 1024 * 1024);
    await proof().waitForLine(({ status, error }) => status === 413 && error === "body_too_large");
  });

  it("is taken where it just fits", async () => {
    const frame = JSON.stringify(chat(model, "")).length;
    const body = JSON.stringify(chat(model, "x".repeat(LIMIT_BYTES - frame)));
    expect(Buffer.byteLength(body)).toBe(LIMIT_BYTES);
    expect((await post(proof(), CHAT, body)).status).toBe(200);
    expect((await post(proof(), CHAT, `${body} `)).status).toBe(413);
  });

  it("is taken in pieces of any size where it fits", async () => {
    const bytes = Buffer.from(JSON.stringify(chat(model, "é😀".repeat(50))));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) =>
      bytes.subarray(at * 7, at * 7 + 7),
    );
    expect((await sendPieces(proof(), CHAT, pieces)).answer).toMatch(/^HTTP\/1.1 200 /);
    expect(
      JSON.stringify(
        proof()
          .sim("openai")
          .seen()
          .requests.find(({ method }) => method === "POST")?.body,
      ),
    ).toContain("é😀é😀");
  });
});

describe("content types", () => {
  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
  ])("%s is a 415", async (type) => {
    const response = await post(proof(), CHAT, chat(model, "Hello"), { headers: { "content-type": type } });
    expect(response.status).toBe(415);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "unsupported_media_type" });
    expect(error.message).toContain("application/json");
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/vnd.api+json",
  ])("%s is taken", async (type) => {
    expect(
      (await post(proof(), CHAT, chat(model, "Hello"), { headers: { "content-type": type } })).status,
    ).toBe(200);
  });
});

describe("addresses", () => {
  const ask = (method: string, path: string) =>
    proof().fetch(proof().url + path, { method, headers: { authorization: `Bearer ${proof().key}` } });

  it.each([
    ["GET", CHAT, "POST"],
    ["PUT", CHAT, "POST"],
    ["DELETE", COMPLETIONS, "POST"],
    ["PATCH", EMBEDDINGS, "POST"],
    ["POST", "/v1/models", "GET, HEAD"],
    ["DELETE", "/v1/models/sim-openai", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["PUT", "/openapi.json", "GET, HEAD"],
    ["OPTIONS", CHAT, "POST"],
    ["OPTIONS", "/v1/models", "GET, HEAD"],
  ])("%s %s is a 405 that says what is allowed", async (method, path, allow) => {
    const response = await ask(method, path);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await errorOf(response)).toMatchObject({ code: "method_not_supported" });
  });

  it.each([
    "/",
    "/v1",
    "/v1/",
    "/v2/chat/completions",
    "/v1/chat",
    "/chat/completions",
    "/v1/chat/completions/",
    "/v1//models",
    "/healthz",
    "/__sim/seen",
    "/api/chat",
    "/v1/chat/completions/x",
  ])("%s is a 404", async (path) => {
    const response = await ask("POST", path);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ code: "unknown_url", type: "invalid_request_error" });
  });

  it.each(["/v1/models", "/v1/models/sim-openai", "/health", "/ready", "/openapi.json"])(
    "HEAD %s is GET without a body",
    async (path) => {
      const [head, whole] = await Promise.all([ask("HEAD", path), ask("GET", path)]);
      expect(head.status).toBe(whole.status);
      expect(head.headers.get("content-type")).toBe(whole.headers.get("content-type"));
      expect(await head.text()).toBe("");
    },
  );
});
