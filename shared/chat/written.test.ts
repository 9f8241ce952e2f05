import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import { sseEvent } from "../streams/sse.ts";
import { TRANSCRIPT_CHARS_MAX, Transcript } from "./transcript.ts";
import { NOTHING_WRITTEN, readWritten, whyNotContinued } from "./written.ts";

const chunk = (delta: object, more: object = {}) =>
  sseEvent(
    JSON.stringify({
      id: "c1",
      object: "chat.completion.chunk",
      created: 7,
      model: "m",
      choices: [{ index: 0, delta, finish_reason: null, ...more }],
    }),
  );
const role = chunk({ role: "assistant", content: "" });

describe("what a client has of an answer", () => {
  it("is its text, its frame, and the events to go by", () => {
    const said = [chunk({ content: "Hel" }), ": keep-alive\n\n", chunk({ content: "lo" })];
    expect(readWritten(role + said.join(""))).toEqual({
      frame: { id: "c1", model: "m", createdS: 7 },
      begun: [0],
      text: "Hello",
      tokens: 2,
      beyondText: undefined,
      patterns: [chunk({ content: "lo" }).trimEnd(), role.trimEnd()],
    });
  });

  it("is the text of a legacy completion as well", () => {
    const text = sseEvent(
      JSON.stringify({
        id: "cmpl-1",
        created: 1,
        model: "m",
        choices: [{ index: 0, text: "Hi", finish_reason: null }],
      }),
    );
    expect(readWritten(text)).toMatchObject({ text: "Hi", tokens: 1, frame: { id: "cmpl-1" } });
  });

  it.each<[string, object, string]>([
    ["reasoning", { reasoning_content: "Hm" }, "reasoning"],
    ["reasoning under its newer name", { reasoning: "Hm" }, "reasoning"],
    [
      "a tool call",
      { tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "" } }] },
      "a tool call",
    ],
  ])("may be beyond text: %s", (_, delta, beyondText) => {
    expect(readWritten(role + chunk(delta)).beyondText).toBe(beyondText);
  });

  it("is nothing where nothing was sent, or nothing that says anything", () => {
    expect(readWritten("")).toEqual(NOTHING_WRITTEN);
    expect(readWritten(": keep-alive\n\ndata: no JSON\n\n")).toEqual(NOTHING_WRITTEN);
  });
});

describe("a transcript", () => {
  it("keeps what it is given, however it is cut", () => {
    const transcript = new Transcript();
    for (const part of [role, chunk({ content: "a" }) + chunk({ content: "b" })]) transcript.add(part);
    expect(transcript.read().text).toBe("ab");
  });

  it("gives up on an answer that is too long to keep", () => {
    const transcript = new Transcript();
    const long = chunk({ content: "x".repeat(TRANSCRIPT_CHARS_MAX / 2) });
    transcript.add(long);
    transcript.add(long);
    const { frame } = readWritten(long);
    expect(frame).toBeDefined();
    expect(transcript.read()).toEqual({ ...NOTHING_WRITTEN, frame, beyondText: "too long a text" });
  });
});

describe("an answer is not gone on with", () => {
  const body: ChatRequest = { model: "m", messages: [{ role: "user", content: "Hi" }] };
  const written = { ...NOTHING_WRITTEN, begun: [0], text: "Hel", tokens: 1 };

  it.each<[string, object, object, string | undefined]>([
    ["a plain text", {}, {}, undefined],
    ["a text with limits, seeds and stops", { max_tokens: 5, seed: 1, stop: ["x"], n: 1 }, {}, undefined],
    [
      "a text, though tools were offered",
      { tools: [{ type: "function", function: { name: "f" } }] },
      {},
      undefined,
    ],
    ["reasoning", {}, { beyondText: "reasoning" }, "reasoning had been sent"],
    ["several choices", { n: 2 }, {}, "several choices were asked for"],
    ["a second choice", {}, { begun: [0, 1] }, "several choices were asked for"],
    ["log probabilities", { logprobs: true }, {}, "log probabilities were asked for"],
    ["JSON", { response_format: { type: "json_object" } }, {}, "a form of text was asked for"],
    ["a grammar", { grammar: "root ::= [a-z]+" }, {}, "a form of text was asked for"],
    ["plain text by name", { response_format: { type: "text" } }, {}, undefined],
    ["JSON of which nothing has come", { response_format: { type: "json_object" } }, { text: "" }, undefined],
  ])("%s", (_, more, seen, why) => {
    expect(whyNotContinued({ ...body, ...more }, { ...written, ...seen })).toBe(why);
  });
});
