import { describe, expect, it } from "vitest";
import type { ChatMessage, ChatRequest } from "../contracts/chat.ts";
import { plainMessages } from "./plain-messages.ts";

const plain = (messages: unknown[]) => {
  const body: ChatRequest = { model: "m", messages: messages as ChatMessage[] };
  return plainMessages({ body, text: "", engine: "box", model: { names: ["m"] }, requestId: "req_1" });
};
const user = { role: "user" as const, content: "Hello" };

describe("plain messages", () => {
  it.each<[what: string, message: object, role: string, content: string]>([
    ["a text", user, "user", "Hello"],
    ["a developer's text", { role: "developer", content: "Be brief" }, "system", "Be brief"],
    [
      "parts of text",
      { role: "user", content: ["a", "b"].map((text) => ({ type: "text", text })) },
      "user",
      "a\nb",
    ],
    [
      "a refusal among the parts",
      { role: "assistant", content: [{ type: "refusal", refusal: "No" }] },
      "assistant",
      "No",
    ],
    ["a refusal beside no text", { role: "assistant", content: null, refusal: "No" }, "assistant", "No"],
    ["nothing at all", { role: "assistant", content: null }, "assistant", ""],
    ["a speaker's name", { ...user, name: "Ada" }, "user", "Hello"],
    ["earlier reasoning", { role: "assistant", content: "4", reasoning_content: "2 + 2" }, "assistant", "4"],
  ])("keep the text of %s, and nothing else", (_, message, role, content) => {
    expect(plain([message])).toEqual({ ok: true, value: [{ role, content }] });
  });

  it.each<[string, object]>([
    ["messages[1].role", { role: "tool", tool_call_id: "1", content: "4" }],
    ["messages[1].role", { role: "function", name: "f", content: "4" }],
    [
      "messages[1].tool_calls",
      {
        role: "assistant",
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
    ],
    ["messages[1].function_call", { role: "assistant", content: null, function_call: { name: "f" } }],
    ["messages[1].audio", { role: "assistant", content: null, audio: { id: "a" } }],
    [
      "messages[1].content[1].type",
      {
        role: "user",
        content: [
          { type: "text", text: "Look" },
          { type: "image_url", image_url: { url: "data:," } },
        ],
      },
    ],
    ["messages[1].content[0].type", { role: "user", content: [{ type: "file", file: {} }] }],
  ])("cannot say %s", (param, message) => {
    expect(plain([user, message])).toMatchObject({ ok: false, error: { kind: "unsupported", param } });
  });
});
