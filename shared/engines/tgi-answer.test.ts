import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import { ChatCompletion } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall } from "./engine.ts";
import { tgi } from "./tgi.ts";

const call = <Body>(body: Body): EngineCall<Body> => ({
  body,
  text: "",
  engine: "box",
  model: { names: ["org/model"], ownedBy: "org/model" },
  requestId: "req_1",
});
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const frame = {
  object: "chat.completion",
  id: "",
  created: 5,
  model: "org/model",
  system_fingerprint: "3.3.7-native",
  usage,
};

describe("a whole chat answer of TGI", () => {
  const answered = (choice: object, more: object = {}) =>
    tgi.chat.answer(
      { ...frame, choices: [{ index: 0, logprobs: null, finish_reason: "stop", ...choice }] },
      call({ model: "public-name", messages: [{ role: "user", content: "Hi" }], ...more } as ChatRequest),
      0,
    );
  const said = (content: string) => ({ message: { role: "assistant", content } });

  it("is given an id and the caller's name of the model", () => {
    const answer = answered(said("Hello"));
    expect(answer).toMatchObject({
      ok: true,
      value: {
        id: "chatcmpl-req_1",
        model: "public-name",
        created: 5,
        usage,
        choices: [{ message: { content: "Hello" } }],
      },
    });
    expect(answer.ok && ChatCompletion.safeParse(answer.value).success).toBe(true);
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["stop_sequence", "stop"],
  ])("ends with %s, which means %s", (finish_reason, reason) => {
    expect(answered({ ...said("a"), finish_reason })).toMatchObject({
      value: { choices: [{ finish_reason: reason }] },
    });
  });

  it.each([
    ["found by TGI", "Hello END", "stop_sequence"],
    ["over which TGI went on", "Hello END and more", "length"],
  ])("does not contain a stop text %s", (_, content, finish_reason) => {
    expect(answered({ ...said(content), finish_reason }, { stop: ["never", "END"] })).toMatchObject({
      value: { choices: [{ message: { content: "Hello " }, finish_reason: "stop" }] },
    });
  });

  it("keeps reasoning apart from the text", () => {
    expect(answered(said("<think>\nHm\n</think>\n\nYes"))).toMatchObject({
      value: { choices: [{ message: { content: "Yes", reasoning_content: "Hm" } }] },
    });
  });

  it("calls a tool with an id of its own, and ends with tool_calls", () => {
    const fn = { description: null, name: "f", arguments: '{"a":1}' };
    const message = { role: "assistant", tool_calls: [{ id: "0", type: "function", function: fn }] };
    const answer = answered({ message });
    expect(answer.ok && answer.value.choices[0]).toEqual({
      index: 0,
      logprobs: null,
      finish_reason: "tool_calls",
      message: {
        role: "assistant",
        content: null,
        refusal: null,
        tool_calls: [{ id: "call_req_1_0", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      },
    });
  });

  it.each([
    ["the token that ends it", "stop", {}, ["a", "b"]],
    ["what a stop text cut off", "length", { stop: "b" }, ["a"]],
  ])("has the probabilities of its text, without %s", (_, finish_reason, more, tokens) => {
    const entries = ["a", "b", "</s>"].map((token) => ({ token, logprob: -1, top_logprobs: [] }));
    const answer = answered({ ...said("ab"), finish_reason, logprobs: { content: entries } }, more);
    const told = answer.ok ? (answer.value.choices[0]?.logprobs?.content ?? []) : [];
    expect(told.map(({ token }) => token)).toEqual(tokens);
    expect(told[0]).toEqual({ token: "a", logprob: -1, bytes: [97], top_logprobs: [] });
  });

  it.each([
    ["an error", { error: "Model is overloaded", error_type: "overloaded" }, { class: "overload" }],
    ["no object", [], { class: "failure" }],
    ["no choice", { choices: [] }, { class: "failure" }],
    ["no message", { choices: [{ finish_reason: "stop" }] }, { class: "failure" }],
    ["no end", { choices: [{ message: { content: "a" }, finish_reason: null }] }, { class: "failure" }],
  ])("is none where it has %s", (_, json, error) => {
    const asked = call({ model: "m", messages: [{ role: "user", content: "Hi" }] } as ChatRequest);
    expect(tgi.chat.answer(json, asked, 0)).toMatchObject({ ok: false, error });
  });
});

describe("a whole completion of TGI", () => {
  const asked = (more: object = {}): EngineCall<CompletionRequest> =>
    call({ model: "public-name", prompt: "Once", ...more } as CompletionRequest);
  const openai = (texts: [index: number, text: string, finish: string][]) => ({
    ...frame,
    object: "text_completion",
    choices: texts.map(([index, text, finish_reason]) => ({ index, text, logprobs: null, finish_reason })),
  });

  it("is sorted by its prompts, cut at stop texts, and echoes where it is to", () => {
    const json = openai([
      [1, " b. c", "length"],
      [0, " a", "stop_sequence"],
    ]);
    expect(
      tgi.completion.answer(json, asked({ prompt: ["one", "two"], stop: ".", echo: true }), 0),
    ).toMatchObject({
      ok: true,
      value: {
        id: "cmpl-req_1",
        model: "public-name",
        usage,
        choices: [
          { index: 0, text: "one a", finish_reason: "stop" },
          { index: 1, text: "two b", finish_reason: "stop" },
        ],
      },
    });
  });

  it("is none where a prompt's text is missing", () => {
    expect(
      tgi.completion.answer(openai([[0, "a", "stop"]]), asked({ prompt: ["one", "two"] }), 0),
    ).toMatchObject({
      ok: false,
      error: { class: "failure" },
    });
  });

  const token = (text: string, special = false) => ({ id: 1, text, logprob: -1, special });
  const native = (more: object = {}) => ({
    generated_text: " a b",
    details: {
      finish_reason: "eos_token",
      generated_tokens: 3,
      seed: null,
      prefill: [{ id: 1, text: "Once", logprob: null }],
      tokens: [token(" a"), token(" b"), token("</s>", true)],
      top_tokens: [[token(" a"), token(" x")], [token(" b")], [token("</s>", true)]],
      ...more,
    },
  });

  it("counts the prompt by the tokens that are listed, and tells probabilities as OpenAI does", () => {
    expect(tgi.completion.answer(native(), asked({ logprobs: 2 }), 9_000)).toEqual({
      ok: true,
      value: {
        id: "cmpl-req_1",
        object: "text_completion",
        created: 9,
        model: "public-name",
        choices: [
          {
            index: 0,
            text: " a b",
            logprobs: {
              tokens: [" a", " b"],
              token_logprobs: [-1, -1],
              top_logprobs: [{ " a": -1, " x": -1 }, { " b": -1 }],
              text_offset: [0, 2],
            },
            finish_reason: "stop",
          },
        ],
        usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
      },
    });
  });

  it("is estimated where no token of the prompt is listed", () => {
    expect(tgi.completion.answer(native({ prefill: [] }), asked({ best_of: 2 }), 0)).toMatchObject({
      value: {
        usage: { prompt_tokens: 1, completion_tokens: 3, estimated: true },
        choices: [{ logprobs: null }],
      },
    });
  });

  it("ends where the native route says so, and at a stop text before", () => {
    const cut = native({ finish_reason: "length" });
    expect(tgi.completion.answer(cut, asked({ top_k: 1 }), 0)).toMatchObject({
      value: { choices: [{ text: " a b", finish_reason: "length" }] },
    });
    expect(tgi.completion.answer(cut, asked({ top_k: 1, stop: "b", echo: true }), 0)).toMatchObject({
      value: { choices: [{ text: "Once a ", finish_reason: "stop" }] },
    });
  });

  it.each([
    ["an error", { error: "Incomplete generation", error_type: "incomplete_generation" }],
    ["no object", null],
    ["no text", { details: {} }],
    ["no details", { generated_text: "a" }],
  ])("is none where it has %s", (_, json) => {
    expect(tgi.completion.answer(json, asked({ top_k: 1 }), 0)).toMatchObject({
      ok: false,
      error: { class: "failure", status: 502 },
    });
  });
});
