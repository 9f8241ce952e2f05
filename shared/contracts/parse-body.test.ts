import { describe, expect, it } from "vitest";
import {
  checkChatRequest,
  checkCompletionRequest,
  checkEmbeddingRequest,
  checkRerankRequest,
  fieldPath,
  parseJson,
} from "./parse-body.ts";

const user = { role: "user", content: "Hello" };
const chat = (more: object) => ({ model: "m", messages: [user], ...more });

describe("a chat request that is wrong", () => {
  it.each<[body: object, param: string, says: RegExp]>([
    [{ messages: [user] }, "model", /expected string/],
    [chat({ messages: undefined }), "messages", /expected array/],
    [chat({ messages: [] }), "messages", />=1|at least 1/],
    [chat({ messages: [user, {}] }), "messages[1].role", /discriminator|Invalid/i],
    [
      chat({ messages: [{ role: "user", content: [{ type: "text", text: 1 }] }] }),
      "messages[0].content[0].text",
      /expected string/,
    ],
    [
      chat({ messages: [{ role: "user", content: [{ type: "text", text: "a" }, { type: "image_url" }] }] }),
      "messages[0].content[1].image_url",
      /expected object/,
    ],
    [
      chat({ messages: [{ role: "user", content: 1 }] }),
      "messages[0].content",
      /expected string.*, or .*expected array/,
    ],
    [chat({ temperature: 3 }), "temperature", /<=2/],
    [chat({ stop: [1] }), "stop[0]", /expected string/],
    [
      chat({ tools: [{ type: "function", function: { name: "a b" } }] }),
      "tools[0].function.name",
      /pattern|match/,
    ],
    [
      chat({ tools: [{ type: "function", function: { name: "f" } }], tool_choice: { type: "function" } }),
      "tool_choice.function",
      /expected object/,
    ],
    [chat({ stream_options: {} }), "stream_options", /only allowed when `stream` is true/],
    [chat({ top_logprobs: 1 }), "top_logprobs", /needs `logprobs`/],
    [chat({ tool_choice: "required" }), "tool_choice", /only allowed with `tools`/],
    [chat({ tools: [], tool_choice: "auto" }), "tool_choice", /only allowed with `tools`/],
    [chat({ logit_bias: { 1: 200 } }), "logit_bias.1", /<=100/],
  ])("%j is told of %s", (body, param, says) => {
    const checked = checkChatRequest(body as Record<string, unknown>);
    expect(checked).toMatchObject({ ok: false, error: { kind: "invalid_request", param } });
    const message = checked.ok ? "" : "message" in checked.error ? checked.error.message : "";
    expect(message).toMatch(says);
    expect(message).toMatch(/^`.+`: .+\.$/);
  });

  it("is told in a sentence of something", () => {
    const checked = checkChatRequest(chat({ tool_choice: "none" }));
    expect(checked.ok).toBe(true);
  });
});

describe("a request that is right", () => {
  it("goes on as the very object that came", () => {
    const plain = chat({});
    const full = chat({ tools: null, unknown: { kept: [1] } });
    expect(checkChatRequest(plain)).toEqual({ ok: true, value: plain });
    const checked = checkChatRequest(full);
    expect(checked.ok && checked.value).toBe(full);
  });
});

describe("requests of other operations that are wrong", () => {
  it.each<[(body: Record<string, unknown>) => unknown, object, string]>([
    [checkCompletionRequest, { model: "m" }, "prompt"],
    [checkCompletionRequest, { model: "m", prompt: [["a"]] }, "prompt[0][0]"],
    [checkCompletionRequest, { model: "m", prompt: "a", stream_options: {} }, "stream_options"],
    [checkCompletionRequest, { model: "m", prompt: "a", stream: true, best_of: 2 }, "best_of"],
    [checkEmbeddingRequest, { model: "m" }, "input"],
    [checkEmbeddingRequest, { model: "m", input: ["a", 1] }, "input[1]"],
    [checkEmbeddingRequest, { model: "m", input: Array.from({ length: 2049 }, () => "a") }, "input"],
    [checkRerankRequest, { query: "q", documents: ["a"] }, "model"],
    [checkRerankRequest, { model: "m", documents: ["a"] }, "query"],
    [checkRerankRequest, { model: "m", query: "", documents: ["a"] }, "query"],
    [checkRerankRequest, { model: "m", query: "q" }, "documents"],
    [checkRerankRequest, { model: "m", query: "q", documents: [] }, "documents"],
    [checkRerankRequest, { model: "m", query: "q", documents: ["a", ""] }, "documents[1]"],
    [checkRerankRequest, { model: "m", query: "q", documents: [{ title: "a" }] }, "documents[0].text"],
    [checkRerankRequest, { model: "m", query: "q", documents: ["a"], top_n: 0 }, "top_n"],
    [
      checkRerankRequest,
      { model: "m", query: "q", documents: ["a"], return_documents: 1 },
      "return_documents",
    ],
  ])("%o %j: %s", (check, body, param) => {
    expect(check(body as Record<string, unknown>)).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", param },
    });
  });
});

describe("parseJson", () => {
  it.each(["", "{", "{]", "undefined", "{'a':1}"])("says that %j is no JSON", (text) => {
    expect(parseJson(text)).toMatchObject({
      ok: false,
      error: { code: "invalid_json", message: expect.stringContaining("not valid JSON") },
    });
  });

  it.each(["[]", "null", "1", '"a"', "true"])("says that %s is no object", (text) => {
    expect(parseJson(text)).toEqual({
      ok: false,
      error: { kind: "invalid_request", message: "The body must be a JSON object." },
    });
  });

  it("reads an object", () => {
    expect(parseJson(' {"a":1} ')).toEqual({ ok: true, value: { a: 1 } });
  });
});

describe("fieldPath", () => {
  it.each<[PropertyKey[], string]>([
    [[], ""],
    [["model"], "model"],
    [["messages", 0, "content", 2, "text"], "messages[0].content[2].text"],
    [["logit_bias", "50256"], "logit_bias.50256"],
  ])("writes %j as %j", (path, text) => {
    expect(fieldPath(path)).toBe(text);
  });
});

describe("what OpenAI allows at its edges", () => {
  const tool = { type: "function", function: { name: "f" } };
  it.each<[check: (body: Record<string, unknown>) => unknown, body: object]>([
    [checkChatRequest, chat({ seed: 2 ** 63 })],
    [checkChatRequest, chat({ response_format: { type: "structural_tag", format: {} } })],
    [
      checkChatRequest,
      chat({
        tools: [tool],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool] } },
      }),
    ],
    [checkCompletionRequest, { model: "m", prompt: "a", best_of: 0 }],
    [checkCompletionRequest, { model: "m", prompt: null }],
    [checkCompletionRequest, { model: "m", prompt: "a", seed: -(2 ** 63) }],
    [checkRerankRequest, { model: "m", query: "q", documents: ["a", { text: "b", title: "B" }], top_n: 5 }],
    [checkRerankRequest, { model: "m", query: "q", documents: ["a"], top_n: null, return_documents: null }],
  ])("is accepted: %#", (check, body) => {
    expect(check(body as Record<string, unknown>)).toMatchObject({ ok: true });
  });
});
