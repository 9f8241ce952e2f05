import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChatRequest } from "./chat.ts";
import { isPlainChatRequest } from "./chat-check.ts";

const PLAIN = {
  model: "m",
  messages: [
    { role: "system", content: "Be kind." },
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Hello!" },
    { role: "developer", content: "" },
  ],
};

/** Values that fields have in real requests, and values just beside them. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    "",
    "auto",
    "user",
    0,
    -0,
    1,
    2,
    2.1,
    -1,
    -2,
    128,
    129,
    0.5,
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    [],
    {},
    [""],
    [{}],
  ),
  fc.constantFrom<unknown>(
    { include_usage: true },
    { include_usage: null },
    { include_usage: 1 },
    { include_usage: true, more: 1 },
    ["a", "b"],
  ),
  fc.jsonValue(),
);
const field = fc.constantFrom(
  "model",
  "messages",
  "stream",
  "stream_options",
  "temperature",
  "top_p",
  "presence_penalty",
  "frequency_penalty",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "seed",
  "stop",
  "user",
  "tools",
  "tool_choice",
  "response_format",
  "logprobs",
  "metadata",
  "unknown",
  "__proto__",
  "constructor",
  "toString",
);
const message = fc.oneof(
  fc.record({
    role: fc.constantFrom("system", "developer", "user", "assistant", "tool", "function", "robot"),
    content: fc.oneof(fc.string(), value),
  }),
  fc.record({ role: fc.constantFrom("user", "assistant"), content: fc.string(), name: value }),
  value,
);
const mutation = fc.oneof(
  fc.record({ field, value }),
  fc.record({ field: fc.constant("messages"), value: fc.array(message, { maxLength: 3 }) }),
);

/** A plain request with some fields set to something, as JSON would bring it. */
const mutated = fc.array(mutation, { maxLength: 4 }).map((mutations) => {
  const entries = [
    ...Object.entries(PLAIN),
    ...mutations.map(({ field: name, value: set }) => [name, set] as const),
  ];
  return JSON.parse(
    `{${entries.map(([name, set]) => `${JSON.stringify(name)}:${JSON.stringify(set) ?? "null"}`).join(",")}}`,
  ) as unknown;
});

describe("isPlainChatRequest", () => {
  it("accepts nothing that the contract refuses", () => {
    fc.assert(
      fc.property(mutated, (body) => {
        if (isPlainChatRequest(body)) expect(ChatRequest.safeParse(body).error).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it("accepts nothing that is no object at all", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (body) => void (isPlainChatRequest(body) && expect(ChatRequest.safeParse(body).success).toBe(true)),
      ),
    );
  });

  it.each<[string, object]>([
    ["a conversation", {}],
    ["a stream", { stream: true }],
    ["a stream with usage", { stream: true, stream_options: { include_usage: true } }],
    [
      "sampling at its bounds",
      { temperature: 2, top_p: 0, presence_penalty: -2, frequency_penalty: 2, seed: -7, n: 1 },
    ],
    ["limits", { max_tokens: 1, max_completion_tokens: 4096, stop: "\n", user: "u" }],
  ])("knows %s at a glance", (_, more) => {
    expect(isPlainChatRequest({ ...PLAIN, ...more })).toBe(true);
  });

  it.each<[string, object]>([
    ["tools", { tools: [] }],
    ["a null", { temperature: null }],
    ["stream options without a stream", { stream_options: { include_usage: true } }],
    ["a message with more than role and text", { messages: [{ role: "user", content: "a", name: "n" }] }],
    ["a tool's message", { messages: [{ role: "tool", content: "a" }] }],
    ["parts", { messages: [{ role: "user", content: [] }] }],
    ["a field named like something every object has", { constructor: 1 }],
  ])("leaves %s to the contract", (_, more) => {
    expect(isPlainChatRequest({ ...PLAIN, ...more })).toBe(false);
  });
});
