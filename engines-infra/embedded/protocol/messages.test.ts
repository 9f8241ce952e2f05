import { describe, expect, it } from "vitest";
import { Fields, reading } from "./fields.ts";
import { readConversation, withSystemMessage, withToolInstructions } from "./messages.ts";

const read = (messages: unknown) => reading(() => readConversation(new Fields({ messages })));
const call = { type: "function", id: "1", function: { name: "f", arguments: '{"a":1}' } };

describe("conversation", () => {
  it.each<[string, unknown[], unknown, string]>([
    ["a question", [{ role: "user", content: "hi" }], [{ role: "user", content: "hi" }], ""],
    [
      "a developer's message, which is a system message",
      [{ role: "developer", content: "be kind" }],
      [{ role: "system", content: "be kind" }],
      "",
    ],
    [
      "parts of text",
      [
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
      ],
      [{ role: "user", content: "a\nb" }],
      "",
    ],
    [
      "an answer to continue",
      [
        { role: "user", content: "hi" },
        { role: "assistant", content: "Once" },
      ],
      [{ role: "user", content: "hi" }],
      "Once",
    ],
    [
      "an earlier answer, which is not continued",
      [
        { role: "assistant", content: "Once" },
        { role: "user", content: "go on" },
      ],
      [
        { role: "assistant", content: "Once" },
        { role: "user", content: "go on" },
      ],
      "",
    ],
    [
      "a tool call and its result",
      [
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "1", content: "42" },
      ],
      [
        { role: "assistant", content: '<tool_call>\n{"name": "f", "arguments": {"a":1}}\n</tool_call>' },
        { role: "tool", content: "42" },
      ],
      "",
    ],
  ])("understands %s", (_, given, messages, prefill) => {
    expect(read(given)).toEqual({ ok: true, value: { messages, prefill } });
  });

  it.each<[string, unknown, string]>([
    ["no messages", undefined, "'messages' is required"],
    ["an empty list", [], "'messages' must not be empty"],
    ["messages that are no list", {}, "'messages' must be an array"],
    ["a message that is no object", ["hi"], "'messages[0]' must be an object"],
    ["an unknown role", [{ role: "king", content: "x" }], "'messages[0].role'"],
    ["no content", [{ role: "user", content: "a" }, { role: "user" }], "'messages[1].content' is required"],
    [
      "an image",
      [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
      "image input is not supported",
    ],
    ["audio", [{ role: "user", content: [{ type: "input_audio" }] }], "audio input is not supported"],
    [
      "a part of another kind",
      [{ role: "user", content: [{ type: "file" }] }],
      "'messages[0].content[0].type'",
    ],
  ])("refuses %s", (_, given, message) => {
    expect(read(given)).toMatchObject({
      ok: false,
      failure: { kind: "invalid_request", message: expect.stringContaining(message) },
    });
  });
});

describe("system message", () => {
  const user = { role: "user", content: "hi" } as const;
  const use = { mode: "auto", tools: [{ name: "f", description: "does f", parameters: {} }] } as const;

  it("is added where there is none, and left alone where there is one", () => {
    expect(withSystemMessage([user], "be kind")).toEqual([{ role: "system", content: "be kind" }, user]);
    expect(withSystemMessage([{ role: "system", content: "mine" }], "be kind")).toEqual([
      { role: "system", content: "mine" },
    ]);
    expect(withSystemMessage([user], undefined)).toEqual([user]);
  });

  it("tells about tools after what it said before", () => {
    const [system, ...rest] = withToolInstructions([{ role: "system", content: "be kind" }, user], use);
    expect(system?.content).toMatch(/^be kind\n\n[^]*"name":"f"/);
    expect(rest).toEqual([user]);
    expect(withToolInstructions([user], use)).toHaveLength(2);
  });
});
