import { engines } from "./engines.ts";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineCall } from "./engine.ts";
import { llamaCpp } from "./llama-cpp.ts";

// Each case is a trap of llama-server: https://github.com/ggml-org/llama.cpp/tree/master/tools/server

const MODEL = { names: ["own-name", "alias"], contextLength: 8_192 };
const call = <Body extends object>(
  body: Body,
  model: EngineCall<Body>["model"] = MODEL,
): EngineCall<Body> => ({ body, text: JSON.stringify(body), engine: "box", model, requestId: "req_1" });

const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const tool = (name: string) => ({ type: "function" as const, function: { name } });
const tools = [tool("first"), tool("second"), tool("first")];
const chat = (more: object, model = MODEL as EngineCall<ChatRequest>["model"]) =>
  llamaCpp.chat.encode(call({ model: "own-name", messages, ...more } as ChatRequest, model));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;

describe("a chat to llama.cpp", () => {
  it.each<[what: string, more: object, set: object, gone: string[]]>([
    ["is given an end, for it has none of its own", {}, { max_tokens: 8_192 }, []],
    ["keeps the end that was asked for", { max_tokens: 5 }, { max_tokens: 5 }, []],
    [
      "keeps the end under its newer name",
      { max_completion_tokens: 5 },
      { max_completion_tokens: 5 },
      ["max_tokens"],
    ],
    ["keeps the end under its own name", { n_predict: 5 }, { n_predict: 5 }, ["max_tokens"]],
    [
      "names the one tool by leaving out the others",
      { tools, tool_choice: tool("second") },
      { tools: [tool("second")], tool_choice: "required" },
      [],
    ],
    [
      "keeps tools of the same name",
      { tools, tool_choice: tool("first") },
      { tools: [tool("first"), tool("first")], tool_choice: "required" },
      [],
    ],
    [
      "leaves a tool choice in words as it is",
      { tools, tool_choice: "auto" },
      { tools, tool_choice: "auto" },
      [],
    ],
    [
      "calls the penalty as it is called there",
      { repetition_penalty: 1.1 },
      { repeat_penalty: 1.1 },
      ["repetition_penalty"],
    ],
    [
      "prefers the penalty under its own name",
      { repetition_penalty: 1.1, repeat_penalty: 1.2 },
      { repeat_penalty: 1.2 },
      [],
    ],
    [
      "sends no empty list of tools",
      { tools: [], tool_choice: "none", parallel_tool_calls: true },
      {},
      ["tools", "tool_choice", "parallel_tool_calls"],
    ],
    [
      "does not ask for a usage chunk, for its timings tell",
      { stream: true },
      { stream: true },
      ["stream_options"],
    ],
    [
      "asks for a usage chunk where the client did",
      { stream: true, stream_options: { include_usage: true } },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "passes its own samplers on",
      { mirostat: 2, dry_base: 1.5, cache_prompt: false },
      { mirostat: 2, dry_base: 1.5, cache_prompt: false },
      [],
    ],
  ])("%s", (_, more, set, gone) => {
    const body = sent(chat(more));
    expect(body).toMatchObject({ ...set, model: "own-name", messages });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("is sent under the engine's own name of the model", () => {
    expect(sent(chat({ model: "alias" }))).toMatchObject({ model: "own-name" });
  });

  it("has no end where the context is not known", () => {
    expect(sent(chat({}, { names: ["own-name"] }))).not.toHaveProperty("max_tokens");
  });

  it("goes to the path with OpenAI's format, without headers of the caller's", () => {
    expect(chat({})).toMatchObject({ ok: true, value: { path: "/v1/chat/completions" } });
    const encoded = chat({});
    expect(encoded.ok && encoded.value.headers).toBeUndefined();
  });

  it("is refused for a tool that is not there, which would silently become any tool", () => {
    expect(chat({ tools, tool_choice: tool("third") })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param: "tool_choice", engine: "box" },
    });
  });
});

describe("a completion of llama.cpp", () => {
  it.each([
    ["echo", { echo: true }],
    ["suffix", { suffix: "end" }],
    ["best_of", { best_of: 2 }],
  ])("is refused for %s, which has no effect there", (param, more) => {
    expect(llamaCpp.completion.encode(call({ model: "own-name", prompt: "a", ...more }))).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param },
    });
  });

  it("goes to /v1, for the path without it speaks another format", () => {
    expect(llamaCpp.completion.encode(call({ model: "own-name", prompt: "a" }))).toMatchObject({
      ok: true,
      value: { path: "/v1/completions" },
    });
  });
});

describe("embeddings of llama.cpp", () => {
  it("are refused with dimensions, which have no effect there", () => {
    expect(llamaCpp.embedding.encode(call({ model: "own-name", input: "a", dimensions: 8 }))).toMatchObject({
      ok: false,
      error: { param: "dimensions" },
    });
  });

  it("go to /v1, for the path without it speaks another format", () => {
    expect(llamaCpp.embedding.encode(call({ model: "own-name", input: "a" }))).toMatchObject({
      ok: true,
      value: { path: "/v1/embeddings" },
    });
  });
});

describe("what llama.cpp tells of itself", () => {
  it.each([
    [200, '{"status":"ok"}', "ready"],
    [503, '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}', "loading"],
    [503, '{"error":{"message":"no slot available","code":503}}', "down"],
    [502, "<html>", "down"],
  ])("health %d %s is %s", (status, text, health) => {
    expect(llamaCpp.health.read(status, text)).toBe(health);
  });

  it("the usable context is that of one slot, not that of training", () => {
    const json = {
      data: [
        { id: "m", object: "model", owned_by: "llamacpp", meta: { n_ctx: 4_096, n_ctx_train: 131_072 } },
      ],
    };
    expect(llamaCpp.models.read(json)).toEqual([{ names: ["m"], ownedBy: "llamacpp", contextLength: 4_096 }]);
  });

  it("its load is in its metrics", () => {
    expect(llamaCpp.load?.read("llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n")).toEqual({
      running: 3,
      waiting: 2,
    });
    expect(llamaCpp.load?.read("")).toEqual({});
  });
});

describe("the limit of an answer without one", () => {
  const body = { model: "m", messages: [{ role: "user" as const, content: "hi" }] };
  const sent = (ownedBy: string): Record<string, unknown> => {
    const model = { names: ["m"], contextLength: 4096, ownedBy };
    const encoded = engines["llama-cpp"].chat.encode({
      body,
      text: JSON.stringify(body),
      engine: "e",
      model,
      requestId: "r",
    });
    if (!encoded.ok) throw new Error(encoded.error.kind);
    return JSON.parse(encoded.value.body) as Record<string, unknown>;
  };

  it("is the context for llama-server, which has none, and the embedded engine's own for it", () => {
    expect(sent("llamacpp").max_tokens).toBe(4096);
    expect(sent("eco-base").max_tokens).toBeUndefined();
  });
});
