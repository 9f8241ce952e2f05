import { describe, expect, it } from "vitest";
import { ChatCompletion } from "../contracts/chat.ts";
import { Generation } from "../contracts/generate.ts";
import { checkChatRequest, checkEmbeddingRequest } from "../contracts/parse-body.ts";
import { chatRequestOf, embeddingRequestOf, generationOf } from "./generation.ts";

const user = (content: string) => ({ role: "user", content });

describe("a short request", () => {
  it.each<[string, short: object, chat: object]>([
    ["of a prompt", { prompt: "Hi" }, { model: "default", messages: [user("Hi")] }],
    ["to a model", { prompt: "Hi", model: "m" }, { model: "m", messages: [user("Hi")] }],
    [
      "with words before all else",
      { prompt: "Hi", system: "Be brief." },
      { model: "default", messages: [{ role: "system", content: "Be brief." }, user("Hi")] },
    ],
    [
      "of a conversation",
      { messages: [user("Hi"), { role: "assistant", content: "Hello" }, user("Bye")], system: "Be brief." },
      {
        model: "default",
        messages: [
          { role: "system", content: "Be brief." },
          user("Hi"),
          { role: "assistant", content: "Hello" },
          user("Bye"),
        ],
      },
    ],
    [
      "with everything",
      { prompt: "Hi", max_tokens: 5, temperature: 0, top_p: 1, stop: ["a", "b"], seed: 7, stream: true },
      {
        model: "default",
        messages: [user("Hi")],
        max_tokens: 5,
        temperature: 0,
        top_p: 1,
        stop: ["a", "b"],
        seed: 7,
        stream: true,
      },
    ],
  ])("%s is a chat request", (_, short, chat) => {
    const made = chatRequestOf(short);
    expect(made).toEqual({ ok: true, value: chat });
    expect(checkChatRequest(chat as Record<string, unknown>).ok).toBe(true);
  });

  it.each<[string, short: object, message: string]>([
    ["of nothing", {}, "`prompt`"],
    ["of both", { prompt: "Hi", messages: [user("Hi")] }, "`messages`"],
    ["of an empty prompt", { prompt: "" }, "`prompt`"],
    ["of no messages", { messages: [] }, "`messages`"],
    ["of a message of nobody", { messages: [{ role: "me", content: "Hi" }] }, "`messages[0].role`"],
    ["of two systems", { messages: [{ role: "system", content: "x" }, user("Hi")], system: "y" }, "`system`"],
    [
      "of a developer beside a system",
      { messages: [{ role: "developer", content: "x" }], system: "y" },
      "`system`",
    ],
    ["with what is not known", { prompt: "Hi", maxTokens: 5 }, "maxTokens"],
    ["with several choices", { prompt: "Hi", n: 2 }, '"n"'],
    ["with null", { prompt: "Hi", temperature: null }, "`temperature`"],
    ["with too many stops", { prompt: "Hi", stop: ["a", "b", "c", "d", "e"] }, "`stop`"],
    ["with no tokens", { prompt: "Hi", max_tokens: 0 }, "`max_tokens`"],
    ["to no model", { prompt: "Hi", model: "" }, "`model`"],
  ])("%s is refused by name", (_, short, message) => {
    expect(chatRequestOf(short)).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", message: expect.stringContaining(message) },
    });
  });
});

describe("texts to embed", () => {
  it.each<[string, short: object, request: object]>([
    ["one", { text: "a" }, { model: "capability:embedding", input: "a" }],
    ["several", { texts: ["a", "b"], model: "m" }, { model: "m", input: ["a", "b"] }],
  ])("%s", (_, short, request) => {
    expect(embeddingRequestOf(short)).toEqual({ ok: true, value: request });
    expect(checkEmbeddingRequest(request as Record<string, unknown>).ok).toBe(true);
  });

  it.each<[string, short: object, message: string]>([
    ["none", {}, "`text`"],
    ["an empty one", { text: "" }, "`text`"],
    ["an empty list", { texts: [] }, "`texts`"],
    ["an empty one of several", { texts: ["a", ""] }, "`texts[1]`"],
    ["one and several", { text: "a", texts: ["b"] }, "`texts`"],
    ["what is not known", { text: "a", input: "b" }, "input"],
  ])("%s is refused by name", (_, short, message) => {
    expect(embeddingRequestOf(short)).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", message: expect.stringContaining(message) },
    });
  });
});

describe("a short answer", () => {
  const frame = { id: "gen-1", latency_ms: 12, engine: undefined };
  const answer = (message: object): ChatCompletion =>
    ChatCompletion.parse({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 5,
      model: "m",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: null, refusal: null, ...message },
          logprobs: null,
          finish_reason: "length",
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });

  it.each<[string, message: object, expected: object]>([
    ["is the text", { content: "Hello" }, { text: "Hello" }],
    ["is empty where the model said nothing", {}, { text: "" }],
    ["is the refusal where that is all", { refusal: "No." }, { text: "No." }],
    ["has the reasoning apart", { content: "4", reasoning_content: "2+2" }, { text: "4", reasoning: "2+2" }],
  ])("%s", (_, message, expected) => {
    const made = generationOf(answer(message), frame);
    expect(Generation.strict().parse(made)).toEqual({
      object: "generation",
      id: "gen-1",
      model: "m",
      finish_reason: "length",
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
      latency_ms: 12,
      created: 5,
      ...expected,
    });
  });

  it("names its engine to those who may know", () => {
    expect(generationOf(answer({}), { ...frame, engine: "gpu-1" }).engine).toBe("gpu-1");
  });
});
