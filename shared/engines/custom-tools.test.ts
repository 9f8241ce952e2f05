import { describe, expect, it } from "vitest";
import { exactRelay } from "../chat/relay.ts";
import type { ChatRequest } from "../contracts/chat.ts";
import { checkChatRequest } from "../contracts/parse-body.ts";
import type { EngineCall } from "./engine.ts";
import { engineKinds, engines } from "./engines.ts";
import { openai } from "./openai.ts";

// Tools that take free text instead of JSON: https://platform.openai.com/docs/guides/function-calling#custom-tools

const user = { role: "user" as const, content: "Count the files" };
const fn = { type: "function" as const, function: { name: "f" } };
const shell = { type: "custom" as const, custom: { name: "shell", description: "Runs a command" } };
const grammar = {
  type: "custom" as const,
  custom: {
    name: "sql",
    format: { type: "grammar", grammar: { syntax: "lark", definition: "start: WORD" } },
  },
};
const called = { id: "call_1", type: "custom" as const, custom: { name: "shell", input: "ls | wc -l" } };
const answered = [
  user,
  { role: "assistant" as const, content: null, tool_calls: [called] },
  { role: "tool" as const, tool_call_id: "call_1", content: "3" },
];
const named = { type: "custom" as const, custom: { name: "shell" } };
const oneOf = { type: "allowed_tools" as const, allowed_tools: { mode: "auto" as const, tools: [named] } };

const call = (more: object): EngineCall<ChatRequest> => {
  const body = { model: "m", messages: [user], ...more } as ChatRequest;
  return { body, text: JSON.stringify(body), engine: "box", model: { names: ["m"] }, requestId: "req_1" };
};

const ASKED: [what: string, more: object, param: RegExp][] = [
  ["a tool that takes text", { tools: [fn, shell] }, /^tools(\[1\]\.type)?$/],
  ["a tool that takes text of a grammar", { tools: [grammar] }, /^tools(\[0\]\.type)?$/],
  ["such a tool by name", { tools: [fn], tool_choice: named }, /^(tools|tool_choice)$/],
  ["such a tool among the allowed ones", { tools: [fn], tool_choice: oneOf }, /^(tools|tool_choice)$/],
  ["a conversation that called one", { messages: answered }, /^messages\[1\]\.tool_calls(\[0\]\.type)?$/],
];

describe.each(ASKED)("%s", (_, more, param) => {
  it("is a request as OpenAI knows it", () => {
    expect(checkChatRequest({ model: "m", messages: [user], ...more })).toMatchObject({ ok: true });
  });

  it("goes on to a hosted API as it is", () => {
    const encoded = openai.chat.encode(call(more));
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject(more);
  });

  it.each(engineKinds.filter((kind) => kind !== "openai"))("is refused by name for %s", (kind) => {
    // Engines without chats refuse all of it.
    const named = engines[kind].abilities.chat === "refused" ? /^messages$/ : param;
    expect(engines[kind].chat.encode(call(more))).toMatchObject({
      ok: false,
      error: { kind: "unsupported", engine: "box", param: expect.stringMatching(named) },
    });
  });
});

describe("a tool of no known form", () => {
  it.each<[tool: object, param: string]>([
    [{ type: "custom" }, "tools[0].custom"],
    [{ type: "custom", custom: { name: "a b" } }, "tools[0].custom.name"],
    [{ type: "custom", custom: { name: "a", format: { type: "xml" } } }, "tools[0].custom.format.type"],
    [{ type: "web" }, "tools[0].type"],
  ])("is wrong: %j", (tool, param) => {
    expect(checkChatRequest({ model: "m", messages: [user], tools: [tool] })).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", param },
    });
  });
});

describe("an answer that calls a tool with text", () => {
  const frame = { id: "chatcmpl-1", created: 1, model: "m" };
  const message = { role: "assistant", content: null, refusal: null, tool_calls: [called] };
  const whole = {
    ...frame,
    object: "chat.completion",
    choices: [{ index: 0, message, logprobs: null, finish_reason: "tool_calls" }],
    usage: { prompt_tokens: 9, completion_tokens: 8, total_tokens: 17 },
  };

  it("is untouched where it comes whole", () => {
    expect(openai.chat.answer(whole, call({}), 0)).toEqual({ ok: true, value: whole });
  });

  it("is counted by its text where the engine tells no usage", () => {
    const input = "x".repeat(400);
    const { usage: _, ...untold } = whole;
    const long = { ...message, tool_calls: [{ ...called, custom: { name: "shell", input } }] };
    const read = openai.chat.answer(
      { ...untold, choices: [{ ...whole.choices[0], message: long }] },
      call({}),
      0,
    );
    expect(read.ok && read.value.usage).toMatchObject({ estimated: true });
    expect(read.ok && read.value.usage.completion_tokens).toBeGreaterThanOrEqual(100);
  });

  it("is untouched where it is streamed", () => {
    const chunk = (delta: object, finish: string | null) => ({
      ...frame,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    const chunks = [
      chunk({ role: "assistant", content: null }, null),
      chunk({ tool_calls: [{ index: 0, ...called, custom: { name: "shell", input: "" } }] }, null),
      chunk({ tool_calls: [{ index: 0, custom: { input: "ls | " } }] }, null),
      chunk({ tool_calls: [{ index: 0, custom: { input: "wc -l" } }] }, null),
      chunk({}, "tool_calls"),
    ];
    const { stream } = openai.chat;
    if (stream.format !== "openai") throw new Error("kind openai speaks the client's format");
    const relay = exactRelay(stream.rules, { showUsage: false, promptTokens: () => 1 });
    const sent = [...chunks.map((each) => JSON.stringify(each)), "[DONE]"].map((data) => `data: ${data}\n\n`);
    const out = relay.push(new TextEncoder().encode(sent.join("")));
    expect(out + relay.closing()).toBe(sent.join(""));
    expect(relay.tally).toMatchObject({ done: true, finished: new Set([0]), pieces: 3 });
  });
});
