import { describe, expect, it } from "vitest";
import type { EngineEvent } from "../engines/engine.ts";
import { Assembly } from "./assemble.ts";

const frame = { id: "chatcmpl-1", model: "m", createdS: 7 };
const assembled = (events: readonly EngineEvent[], choices = 1) => {
  const assembly = new Assembly(frame, choices, () => 5);
  // However they come.
  for (const event of events) assembly.add([event]);
  return assembly.chat();
};
const finish = (reason: "stop" | "length" | "tool_calls", index = 0): EngineEvent => ({
  type: "finish",
  index,
  reason,
});
const done: EngineEvent = { type: "done" };

describe("an answer that is put together from its events", () => {
  it("has the text, the reasoning, the finish and the engine's usage", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    expect(
      assembled([
        { type: "delta", index: 0, reasoning: "Hm. " },
        { type: "delta", index: 0, content: "Hel" },
        { type: "delta", index: 0, content: "lo" },
        finish("length"),
        { type: "usage", usage },
        done,
      ]),
    ).toEqual({
      ok: true,
      value: {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 7,
        model: "m",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "Hello", refusal: null, reasoning_content: "Hm. " },
            logprobs: null,
            finish_reason: "length",
          },
        ],
        usage,
      },
    });
  });

  it("has its tool calls whole, and no text where there was none", () => {
    const answer = assembled([
      {
        type: "delta",
        index: 0,
        toolCalls: [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: '{"x' } }],
      },
      { type: "delta", index: 0, toolCalls: [{ index: 0, function: { arguments: '":1}' } }] },
      finish("tool_calls"),
      done,
    ]);
    expect(answer).toMatchObject({
      value: {
        choices: [
          {
            message: {
              content: null,
              tool_calls: [{ id: "a", function: { name: "f", arguments: '{"x":1}' } }],
            },
          },
        ],
      },
    });
  });

  it("keeps choices apart", () => {
    const answer = assembled(
      [
        { type: "delta", index: 1, content: "b" },
        { type: "delta", index: 0, content: "a" },
        finish("stop", 0),
        finish("stop", 1),
        done,
      ],
      2,
    );
    expect(answer).toMatchObject({
      value: { choices: [{ message: { content: "a" } }, { message: { content: "b" } }] },
    });
  });

  it("has usage that is counted, and marked so, where the engine tells none", () => {
    expect(assembled([{ type: "delta", index: 0, content: "a" }, finish("stop"), done])).toMatchObject({
      value: { usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6, estimated: true } },
    });
  });

  it.each<[string, EngineEvent[], string]>([
    [
      "an error",
      [{ type: "error", fault: { class: "failure", status: 500, message: "boom" } }, done],
      "boom",
    ],
    ["no end mark", [{ type: "delta", index: 0, content: "a" }, finish("stop")], "broke off"],
    ["no finish", [{ type: "delta", index: 0, content: "a" }, done], "finish reason"],
    ["a choice that is missing", [finish("stop"), done], "1 of 2"],
  ])("is none with %s", (_, events, words) => {
    const answer = assembled(events, words === "1 of 2" ? 2 : 1);
    expect(answer).toMatchObject({ ok: false, error: { message: expect.stringContaining(words) } });
  });

  it("repeats a completion's prompt where that was asked for", () => {
    const assembly = new Assembly({ ...frame, id: "cmpl-1" }, 1, () => 1);
    assembly.add([{ type: "delta", index: 0, content: " world" }, finish("stop"), done]);
    expect(assembly.completion({ model: "m", prompt: "Hello", echo: true })).toMatchObject({
      value: { object: "text_completion", choices: [{ text: "Hello world", finish_reason: "stop" }] },
    });
  });
});
