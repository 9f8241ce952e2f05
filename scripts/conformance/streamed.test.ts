import { describe, expect, it } from "vitest";
import type { EngineEvent } from "../../shared/engines/engine.ts";
import { joinEvents } from "./streamed.ts";

const bytes = new Uint8Array();
const usage = (completion: number): EngineEvent => ({
  type: "usage",
  usage: { prompt_tokens: 3, completion_tokens: completion, total_tokens: 3 + completion },
});

describe("the events of a stream", () => {
  it("are joined by their choice", () => {
    const events: EngineEvent[] = [
      { type: "delta", index: 1, content: "b" },
      { type: "delta", index: 0, content: "a" },
      { type: "delta", index: 1, content: "c", reasoning: "r" },
      { type: "finish", index: 1, reason: "stop" },
      { type: "done" },
    ];
    const { choices, done } = joinEvents(events, { bytes, usagePerChoice: false });
    expect(choices.map(({ content, finish }) => [content, finish])).toEqual([
      ["a", undefined],
      ["bc", "stop"],
    ]);
    expect(choices[1]).toMatchObject({ reasoning: "r", pieces: ["b", "c"] });
    expect(done).toBe(true);
  });

  it("join the pieces of a tool's call", () => {
    const piece = (text: string, id?: string): EngineEvent => ({
      type: "delta",
      index: 0,
      toolCalls: [{ index: 0, ...(id && { id }), function: { ...(id && { name: "f" }), arguments: text } }],
    });
    const { choices } = joinEvents([piece('{"a"', "call_1"), piece(":1}")], { bytes, usagePerChoice: false });
    expect(choices[0]?.calls).toEqual([{ id: "call_1", name: "f", arguments: '{"a":1}' }]);
  });

  it.each([
    [true, 9],
    [false, 5],
  ])("where usage is per choice (%s), tell %i tokens", (usagePerChoice, tokens) => {
    const events: EngineEvent[] = [
      { type: "delta", index: 0, content: "a" },
      { type: "delta", index: 1, content: "b" },
      usage(4),
      usage(5),
    ];
    expect(joinEvents(events, { bytes, usagePerChoice }).usage).toMatchObject({
      prompt_tokens: 3,
      completion_tokens: tokens,
      total_tokens: 3 + tokens,
    });
  });
});
