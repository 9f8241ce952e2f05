import { describe, expect, it } from "vitest";
import { deepspeedNative } from "./deepspeed-native.ts";
import type { EngineCall, EngineEvent } from "./engine.ts";

// Each case is a trap of DeepSpeed-MII's /generate:
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/api_server.py

const call = <Body extends object>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model: { names: ["m"] },
  requestId: "req_1",
});
const { completion } = deepspeedNative;

describe("a request to /generate", () => {
  it("is a prompt, with the bound and the sampling that every request has", () => {
    const encoded = completion.encode(call({ model: "m", prompt: "Once" }));
    expect(encoded).toMatchObject({ ok: true, value: { path: "/generate" } });
    expect(encoded.ok && JSON.parse(encoded.value.body)).toEqual({
      prompt: "Once",
      max_tokens: 16,
      temperature: 0.7,
      top_p: 0.9,
      stream: true,
    });
  });

  it("has one prompt, and is streamed always, for a whole answer says neither how it ended nor what it cost", () => {
    const encoded = completion.encode(call({ model: "m", prompt: ["Once"], stream: false }));
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject({ prompt: "Once", stream: true });
    expect(completion.encode(call({ model: "m", prompt: ["Once", "Twice"] })).ok).toBe(false);
    expect(completion.assembled).toBe(true);
    expect(completion.answer({ text: ["x"] }, call({ model: "m", prompt: "Once" }), 0).ok).toBe(false);
  });
});

describe("a stream of /generate", () => {
  const frame = (text: string) => `data: {"text": [${JSON.stringify(text)}]}\n\n`;
  const DONE = "data: [DONE]\n\n";

  function read(text: string, more: object = {}): EngineEvent[] {
    const { stream } = completion;
    if (stream.format !== "translated") throw new Error("it is translated");
    const decoder = stream.decoder({ model: "m", prompt: "Once", max_tokens: 3, ...more });
    return [...decoder.push(new TextEncoder().encode(text)), ...decoder.end()];
  }
  const said = (events: EngineEvent[]) => ({
    text: events.map((event) => (event.type === "delta" ? (event.content ?? "") : "")).join(""),
    finish: events.flatMap((event) => (event.type === "finish" ? [event.reason] : [])),
    tokens: events.flatMap((event) => (event.type === "usage" ? [event.usage.completion_tokens] : [])),
    last: events.at(-1),
  });
  const done = { type: "done" };
  const early = { type: "done", early: true };

  it.each<[what: string, frames: string[], text: string, finish: string, tokens: number]>([
    ["stopped by itself where an end of its turn came last", ["a", "b", "</s>", ""], "ab", "stop", 2],
    ["was cut off where none came", ["a", "b", "c", ""], "abc", "length", 3],
    ["was cut off before its own limit where the context was full", ["a", ""], "a", "length", 1],
    ["counts a token that is part of a character", ["", "é", "b", ""], "éb", "length", 3],
    ["can be empty", ["</s>", ""], "", "stop", 0],
  ])("%s", (_, frames, text, finish, tokens) => {
    const events = read(frames.map(frame).join("") + DONE);
    expect(said(events)).toEqual({ text, finish: [finish], tokens: [tokens], last: done });
  });

  it.each([
    ["a token", frame("a") + DONE],
    ["an end of the model's turn", frame("a") + frame("</s>") + DONE],
    ["nothing", DONE],
  ])("has failed where its end mark comes behind %s, not behind an empty frame", (_, text) => {
    const { finish, last } = said(read(text));
    expect(finish).toEqual([]);
    expect(last).toMatchObject({ type: "error", fault: { class: "failure" } });
  });

  it("is unfinished where it was cut", () => {
    expect(said(read(frame("a") + frame("")))).toMatchObject({ finish: [], tokens: [] });
  });

  it("ends at the caller's stop text", () => {
    const events = read(["a", "b", "c", ""].map(frame).join("") + DONE, { stop: ["b"] });
    expect(said(events)).toEqual({ text: "a", finish: ["stop"], tokens: [2], last: early });
  });

  it.each(['data: {"text": []}\n\n', "data: nonsense\n\n", 'data: {"error": "lost"}\n\n'])(
    "hears of an error in %j",
    (text) => {
      expect(said(read(frame("a") + text + frame("") + DONE))).toMatchObject({
        text: "a",
        finish: [],
        last: { type: "error" },
      });
    },
  );
});

describe("an error of /generate", () => {
  it("is FastAPI's own where the request is wrong", () => {
    const detail = [{ type: "missing", loc: ["body", "prompt"], msg: "Field required", input: {} }];
    expect(deepspeedNative.classify(422, JSON.stringify({ detail }), undefined)).toMatchObject({
      class: "client_fault",
      status: 422,
      message: "body.prompt: Field required",
    });
  });
});

describe("what /generate tells of its models", () => {
  it("is nothing: the operator names them", () => {
    expect(deepspeedNative.models.read({ status: "ok" })).toEqual([]);
    expect(deepspeedNative.trimBaseUrl("http://gpu:8000/generate/")).toBe("http://gpu:8000");
  });
});
