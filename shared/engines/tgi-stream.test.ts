import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { sseEvent } from "../streams/sse.ts";
import type { EngineEvent } from "./engine.ts";
import { tgi } from "./tgi.ts";

// What TGI's streams look like: https://github.com/huggingface/text-generation-inference/blob/main/router/src/chat.rs

const utf8 = new TextEncoder();
const DONE = "[DONE]";

function decoded(body: ChatRequest | CompletionRequest, data: readonly unknown[]): EngineEvent[] {
  const { stream } = "messages" in body ? tgi.chat : tgi.completion;
  if (stream.format !== "translated") throw new Error("TGI's streams are translated");
  const decoder = stream.decoder(body);
  const wire = data.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
  return [...decoder.push(utf8.encode(wire.map(sseEvent).join(""))), ...decoder.end()];
}

const ask = (more: object = {}): ChatRequest =>
  ({ model: "m", messages: [{ role: "user", content: "Hi" }], stream: true, ...more }) as ChatRequest;
const token = (content: string, finish_reason: string | null = null, logprobs: unknown = null) => ({
  object: "chat.completion.chunk",
  id: "",
  created: 7,
  model: "org/model",
  choices: [{ index: 0, delta: { role: "assistant", content }, logprobs, finish_reason }],
  usage: null,
});
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const told = { ...token(""), choices: [], usage };
const delta = (content: string) => ({ type: "delta", index: 0, content });
const finish = (reason: string, index = 0) => ({ type: "finish", index, reason });

describe("a chat's stream of TGI", () => {
  it("has the text, the end and the usage", () => {
    expect(decoded(ask(), [token("Hel"), token("lo"), token("", "stop"), told, DONE])).toEqual([
      delta("Hel"),
      delta("lo"),
      finish("stop"),
      { type: "usage", usage },
      { type: "done" },
    ]);
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["stop_sequence", "stop"],
  ])("ends with %s, which means %s", (said, reason) => {
    expect(decoded(ask(), [token("a", said), DONE])).toEqual([delta("a"), finish(reason), { type: "done" }]);
  });

  it("is not finished by its end mark alone", () => {
    expect(decoded(ask(), [token("a"), DONE])).toEqual([delta("a"), { type: "done" }]);
  });

  it("has an error where it says one, and an end mark behind it that proves nothing", () => {
    const error = { error: { message: "Model is overloaded", http_status_code: 422 } };
    expect(decoded(ask(), [error, DONE])).toMatchObject([
      { type: "error", fault: { class: "overload", status: 429 } },
      { type: "done" },
    ]);
  });

  it("has comments, which say nothing", () => {
    const { stream } = tgi.chat;
    const decoder = stream.format === "translated" ? stream.decoder(ask()) : undefined;
    expect(decoder?.push(utf8.encode(":\n\n:\n\n"))).toEqual([]);
  });

  it("keeps reasoning apart from the text", () => {
    const pieces = ["<think>", "\nHm", "\n</think>", "\n\n", "Yes"].map((each) => token(each));
    expect(decoded(ask(), [...pieces, token("", "stop"), DONE])).toEqual([
      { type: "delta", index: 0, reasoning: "Hm" },
      delta("Yes"),
      finish("stop"),
      { type: "done" },
    ]);
  });

  it("has probabilities with the bytes that OpenAI's types require, and none of the token that ends it", () => {
    const entry = (text: string) => ({
      content: [{ token: text, logprob: -1, top_logprobs: [{ token: text, logprob: -1 }] }],
    });
    const full = { token: "é", logprob: -1, bytes: [195, 169] };
    expect(
      decoded(ask({ logprobs: true }), [
        token("é", null, entry("é")),
        token("", "stop", entry("</s>")),
        DONE,
      ]),
    ).toEqual([
      { ...delta("é"), logprobs: { content: [{ ...full, top_logprobs: [full] }], refusal: null } },
      finish("stop"),
      { type: "done" },
    ]);
  });
});

describe("a stop text in a chat's stream of TGI", () => {
  const shown = (events: EngineEvent[]) =>
    events.map((event) => (event.type === "delta" ? (event.content ?? "") : "")).join("");

  it("does not reach the client, where TGI found it", () => {
    expect(
      decoded(ask({ stop: ["END"] }), [token("a"), token(" EN"), token("D", "stop_sequence"), told, DONE]),
    ).toEqual([delta("a"), delta(" "), finish("stop"), { type: "usage", usage }, { type: "done" }]);
  });

  it("ends the answer where TGI goes on, for it was not at the end of a token", () => {
    expect(
      decoded(ask({ stop: "\n" }), [token("a"), token("b\n\nc"), token("d"), token("", "stop"), DONE]),
    ).toEqual([delta("a"), delta("b"), finish("stop"), { type: "done", early: true }, { type: "done" }]);
  });

  it("counts before the limit of tokens", () => {
    expect(decoded(ask({ stop: "x" }), [token("axb", "length"), DONE])).toEqual([
      delta("a"),
      finish("stop"),
      { type: "done" },
    ]);
  });

  it("is held back only as long as it may be one", () => {
    expect(
      decoded(ask({ stop: "END" }), [token("E"), token("N"), token("ough"), token("E", "length"), DONE]),
    ).toEqual([delta("E"), delta("N"), delta("ough"), delta("E"), finish("length"), { type: "done" }]);
  });

  it("takes the probabilities of what is behind it along", () => {
    const entry = (text: string) => ({ content: [{ token: text, logprob: -1, top_logprobs: [] }] });
    const tokens = ["a", " E", "ND"].map((text) =>
      token(text, text === "ND" ? "stop_sequence" : null, entry(text)),
    );
    const events = decoded(ask({ stop: "END", logprobs: true }), [...tokens, DONE]);
    const told = events.flatMap((event) => (event.type === "delta" ? (event.logprobs?.content ?? []) : []));
    expect(told.map((each) => each.token)).toEqual(["a", " E"]);
  });

  it("never reaches the client, however the text is cut into tokens", () => {
    const piece = fc.constantFrom("a", "b", "ab", "ba", "aab", "c");
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom("aab", "ba", "c"), (pieces, stop) => {
        const text = pieces.join("");
        const events = decoded(ask({ stop }), [
          ...pieces.map((each) => token(each)),
          token("", "stop"),
          DONE,
        ]);
        expect(shown(events)).toBe(text.includes(stop) ? text.slice(0, text.indexOf(stop)) : text);
        expect(events.filter(({ type }) => type === "finish")).toEqual([finish("stop")]);
      }),
    );
  });
});

describe("a tool call in a chat's stream of TGI", () => {
  const tools = [
    {
      type: "function",
      function: { name: "f", parameters: { type: "object", properties: { city: {} }, required: ["city"] } },
    },
  ];
  const piece = (text: string, name: string | null = null, finish_reason: string | null = null) => ({
    ...token(""),
    choices: [
      {
        index: 0,
        delta: {
          role: "assistant",
          tool_calls: [{ index: 0, id: "0", type: "function", function: { name, arguments: text } }],
        },
        logprobs: null,
        finish_reason,
      },
    ],
  });
  const call = (text: string) => ({
    type: "delta",
    index: 0,
    toolCalls: [{ index: 0, id: "call_1_7", type: "function", function: { name: "f", arguments: text } }],
  });

  it("ends without a finish reason there, and with one here; its id is of this turn alone", () => {
    const said = [piece("{", "f"), piece('"city":'), piece('"Rome"}'), piece(""), told, DONE];
    expect(decoded(ask({ tools }), said)).toEqual([
      { type: "usage", usage },
      call('{"city":"Rome"}'),
      finish("tool_calls"),
      { type: "done" },
    ]);
  });

  it("is mended where the comma behind its name is among the arguments", () => {
    const events = decoded(ask({ tools }), [
      piece("{", "f"),
      piece(","),
      piece(' "city":1}'),
      piece(""),
      DONE,
    ]);
    expect(events[0]).toEqual(call('{ "city":1}'));
  });

  it("is not begun anew by a token without a text", () => {
    const events = decoded(ask({ tools }), [piece("{", "f"), piece('"city":1}'), piece("", "f"), DONE]);
    expect(events[0]).toEqual(call('{"city":1}'));
  });

  it.each([
    ["swallowed with the name", ["{", "}"]],
    ["cut in the middle", ["{", '"city":']],
    ["no object", ["1"]],
  ])("is an error where a part of its arguments is lost: %s", (_, pieces) => {
    const said = pieces.map((text, at) => piece(text, at === 0 ? "f" : null));
    expect(decoded(ask({ tools }), [...said, DONE])).toMatchObject([
      { type: "error", fault: { class: "failure", message: expect.stringContaining("arguments") } },
      { type: "done" },
    ]);
  });

  it("is shown as far as the limit of tokens let it come", () => {
    expect(decoded(ask({ tools }), [piece("{", "f"), piece('"ci', null, "length"), told, DONE])).toEqual([
      call('{"ci'),
      finish("length"),
      { type: "usage", usage },
      { type: "done" },
    ]);
  });

  it("is nothing at all where the limit of tokens came before its name", () => {
    expect(decoded(ask({ tools, max_tokens: 4 }), [told, DONE])).toEqual([
      { type: "usage", usage },
      finish("length"),
      { type: "done" },
    ]);
    expect(decoded(ask({ tools, max_tokens: 9 }), [told, DONE])).toEqual([
      { type: "usage", usage },
      { type: "done" },
    ]);
  });
});

describe("a completion's native stream of TGI", () => {
  const of = (more: object = {}): CompletionRequest => ({
    model: "m",
    prompt: "Once",
    stream: true,
    ...more,
  });
  const next = (text: string, more: object = {}) => ({
    index: 1,
    token: { id: 1, text, logprob: -1, special: false },
    generated_text: null,
    details: null,
    ...more,
  });
  const end = (text: string, finish_reason: string, special = false) =>
    next(text, {
      token: { id: 2, text, logprob: -1, special },
      generated_text: "all of it",
      details: { finish_reason, generated_tokens: 4, seed: null, input_length: 3 },
    });

  it.each([
    ["eos_token", "</s>", true, [], "stop"],
    ["length", "c", false, [delta("c")], "length"],
    ["stop_sequence", "c", false, [delta("c")], "stop"],
  ])("ends with %s, and without an end mark", (said, text, special, last, reason) => {
    expect(decoded(of(), [next(" a"), end(text, said, special)])).toEqual([
      delta(" a"),
      ...last,
      finish(reason),
      { type: "usage", usage },
      { type: "done" },
    ]);
  });

  it("hides special tokens", () => {
    const hidden = next("<|tool|>", { token: { id: 3, text: "<|tool|>", logprob: 0, special: true } });
    expect(decoded(of(), [hidden, next("a")])).toEqual([delta("a")]);
  });

  it("keeps what only looks like reasoning, for it is the text that was asked for", () => {
    expect(decoded(of(), [next("<think>")])).toEqual([delta("<think>")]);
  });

  it("echoes the prompt with its first token", () => {
    expect(decoded(of({ echo: true }), [next(" a"), next(" b")])).toEqual([delta("Once a"), delta(" b")]);
  });

  it("ends at a stop text over which TGI goes on", () => {
    expect(decoded(of({ stop: "." }), [next("a.b"), next("c")])).toEqual([
      delta("a"),
      finish("stop"),
      { type: "done", early: true },
      { type: "done", early: true },
    ]);
  });

  it("has an error of its own form", () => {
    expect(decoded(of(), [{ error: "Model is overloaded", error_type: "overloaded" }])).toMatchObject([
      { type: "error", fault: { class: "overload" } },
    ]);
  });
});

describe("a stream of several completions of TGI", () => {
  const of = (more: object = {}): CompletionRequest => ({
    model: "m",
    prompt: ["one", "two"],
    stream: true,
    ...more,
  });
  const next = (index: number, text: string, finish_reason = "", more: object = {}) => ({
    object: "text_completion",
    id: "",
    choices: [{ index, text, logprobs: null, finish_reason }],
    ...more,
  });

  it("has each one's text without the token that ends it, and the usage of all", () => {
    const said = [
      next(0, "a"),
      next(1, "b"),
      next(1, "</s>", "eos_token", { usage }),
      next(0, "c", "length", { usage }),
      DONE,
    ];
    expect(decoded(of({ echo: true }), said)).toEqual([
      { ...delta("onea"), index: 0 },
      { ...delta("twob"), index: 1 },
      finish("stop", 1),
      delta("c"),
      finish("length", 0),
      { type: "usage", usage: { prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 } },
      { type: "done" },
    ]);
  });

  it("is over early where each of them met a stop text", () => {
    expect(decoded(of({ stop: "." }), [next(0, "a.b"), next(1, "c.d")]).at(-1)).toEqual({
      type: "done",
      early: true,
    });
  });
});
