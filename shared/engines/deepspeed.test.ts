import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { deepspeedNative } from "./deepspeed-native.ts";
import { deepspeedRest } from "./deepspeed-rest.ts";
import { deepspeed } from "./deepspeed.ts";
import type { EngineAdapter, EngineCall, EngineEvent, EngineModel } from "./engine.ts";
import { estimateChatTokens } from "./estimate.ts";

// Each case is a trap of DeepSpeed-MII: https://github.com/deepspeedai/DeepSpeed-MII

const KINDS: Record<string, EngineAdapter> = { deepspeed, deepspeedNative, deepspeedRest };
const MODEL: EngineModel = { names: ["org/model", "alias"] };

const call = <Body extends object>(body: Body, model = MODEL): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model,
  requestId: "req_1",
});
const user = { role: "user" as const, content: "Hello" };
const chat = (adapter: EngineAdapter, more: object, model = MODEL) =>
  adapter.chat.encode(call({ model: "alias", messages: [user], ...more } as ChatRequest, model));
const completion = (adapter: EngineAdapter, more: object, model = MODEL) =>
  adapter.completion.encode(call({ model: "alias", prompt: "Once", ...more } as CompletionRequest, model));
const sent = (encoded: ReturnType<typeof chat>): Record<string, unknown> =>
  encoded.ok ? (JSON.parse(encoded.value.body) as Record<string, unknown>) : { refused: encoded.error };
const refused = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? "nothing" : "param" in encoded.error ? encoded.error.param : encoded.error.kind;

describe.each(Object.entries(KINDS))("%s", (_, adapter) => {
  it("is sent the same set of keys whatever is asked for, for a mixed batch kills its generation thread", () => {
    const bodies = [{}, { temperature: 0 }, { temperature: null, top_p: 0.5 }, { stop: "x", stream: true }];
    const keys = bodies.map((more) => Object.keys(sent(completion(adapter, more))).toSorted());
    expect(new Set(keys.map(String)).size).toBe(1);
    expect(keys[0]).toEqual(expect.arrayContaining(["temperature", "top_p"]));
    expect(keys[0]).not.toContain("top_k");
    expect(keys[0]).not.toContain("stop");
  });

  it.each([
    [{ temperature: 0.5, top_p: 0.25 }, 0.5, 0.25],
    [{ temperature: 0.123, top_p: 0.987 }, 0.12, 0.99],
    [{ temperature: 2, top_p: 1 }, 2, 1],
    // Both have to be above 0: with next to none of the probability left, the likeliest token is the only one.
    [{ temperature: 0, top_p: 1 }, 1, 0.000001],
    [{ temperature: 0.001 }, 1, 0.000001],
    [{ top_p: 0 }, 1, 0.000001],
  ])("samples as it is asked, in values that it knows: %j", (more, temperature, top_p) => {
    expect(sent(completion(adapter, more))).toMatchObject({ temperature, top_p });
  });

  it.each<[object, number]>([
    [{}, 16],
    [{ max_tokens: null }, 16],
    [{ max_tokens: 7 }, 7],
  ])("is always told where to end, and ends where OpenAI would: %j", (more, tokens) => {
    const { max_tokens: limit, max_new_tokens: restLimit } = sent(completion(adapter, more));
    expect(limit ?? restLimit).toBe(tokens);
  });

  it.each<[string, object]>([
    ["echo", { echo: true }],
    ["suffix", { suffix: "end" }],
    ["best_of", { best_of: 2 }],
    ["logprobs", { logprobs: 0 }],
    ["logit_bias", { logit_bias: { "1": 5 } }],
    ["seed", { seed: 0 }],
    ["presence_penalty", { presence_penalty: 0.5 }],
    ["frequency_penalty", { frequency_penalty: -0.5 }],
    ["max_tokens", { max_tokens: 0 }],
    ["prompt", { prompt: [1, 2, 3] }],
    ["prompt", { prompt: [[1], [2]] }],
    ["prompt", { prompt: "" }],
    ["prompt", { prompt: null }],
    ["n", { n: 3 }],
    ["top_k", { top_k: 5 }],
    ["min_tokens", { min_tokens: 5 }],
    ["ignore_eos", { ignore_eos: true }],
    ["max_length", { max_length: 10 }],
    ["min_p", { min_p: 0.1 }],
    ["guided_json", { guided_json: {} }],
  ])("refuses %s by name, for the engine would ignore it: %j", (param, more) => {
    expect(refused(completion(adapter, more))).toBe(param);
  });

  it.each<object>([
    { user: "u", stream_options: { include_usage: true } },
    { seed: null, logprobs: null, logit_bias: {}, presence_penalty: 0, n: 1, top_k: null, min_p: null },
    { best_of: 1, echo: false, suffix: "", stop: null },
  ])("takes what asks for nothing, and sends none of it: %j", (more) => {
    expect(Object.keys(sent(completion(adapter, more)))).toEqual(Object.keys(sent(completion(adapter, {}))));
  });

  it("refuses a prompt that cannot fit, for the engine would say nothing of it", () => {
    const small = { ...MODEL, contextLength: 20 };
    expect(completion(adapter, { prompt: "word ".repeat(40) }, small)).toMatchObject({
      error: { kind: "invalid_request", code: "context_length_exceeded", param: "prompt" },
    });
    expect(completion(adapter, { prompt: "short" }, small).ok).toBe(true);
  });

  it("says the length of the context, lest its own default takes the place of the model's", () => {
    expect(sent(completion(adapter, {}, { ...MODEL, contextLength: 2048 }))).toMatchObject({
      max_length: 2048,
    });
    expect(sent(completion(adapter, {}))).not.toHaveProperty("max_length");
  });

  it("goes on with a completion that another engine began", () => {
    const body = { model: "alias", prompt: "Once", max_tokens: 10 };
    const next = adapter.completion.continue?.(call(body), { text: " upon", tokens: 4 });
    const request = next ? sent(next) : {};
    expect(request.prompt ?? request.prompts).toEqual(request.prompts ? ["Once upon"] : "Once upon");
    expect(request.max_tokens ?? request.max_new_tokens).toBe(6);
  });

  it("knows no more than that the server answers", () => {
    expect(adapter.health.read(200, "")).toBe("ready");
    expect(adapter.health.read(500, "")).toBe("down");
    expect(adapter.load).toBeUndefined();
    expect(adapter.embedding).toBeUndefined();
    expect(adapter.rerank).toBeUndefined();
  });

  it.each([502, 500])("takes a %i for its failure", (status) => {
    expect(adapter.classify(status, "Internal Server Error", undefined).class).toBe("failure");
    expect(adapter.classify(status, '{"message": "Internal Server Error"}\n', undefined).class).toBe(
      "failure",
    );
  });
});

describe.each([deepspeedNative, deepspeedRest])("a chat to $label", (adapter) => {
  it("is refused, for nobody but the model's own template knows how it writes turns", () => {
    expect(refused(chat(adapter, {}))).toBe("messages");
    expect(adapter.abilities.chat).toBe("refused");
    expect(adapter.chat.continue).toBeUndefined();
    expect(adapter.chat.answer({}, call({ model: "m", messages: [user] }), 0).ok).toBe(false);
  });
});

describe("a chat to the OpenAI-style server", () => {
  it("is flat messages for the model under the name it was started with, streamed always", () => {
    const messages = [
      { role: "developer", content: "Be brief" },
      { role: "user", content: [{ type: "text", text: "Hello" }], name: "Ada" },
    ];
    expect(chat(deepspeed, { messages })).toMatchObject({ value: { path: "/v1/chat/completions" } });
    expect(sent(chat(deepspeed, { messages, stream: false }))).toEqual({
      model: "org/model",
      messages: [
        { role: "system", content: "Be brief" },
        { role: "user", content: "Hello" },
      ],
      max_tokens: 1024,
      temperature: 0.7,
      top_p: 0.9,
      stream: true,
    });
  });

  it.each<[object, number]>([
    [{}, 1024],
    [{ max_tokens: null }, 1024],
    [{ max_tokens: 7 }, 7],
    [{ max_completion_tokens: 8 }, 8],
    [{ max_completion_tokens: 8, max_tokens: 7 }, 8],
  ])("is always told where to end, under the name that it knows: %j", (more, tokens) => {
    expect(sent(chat(deepspeed, more))).toMatchObject({ max_tokens: tokens });
    expect(sent(chat(deepspeed, more))).not.toHaveProperty("max_completion_tokens");
  });

  it.each<[string, object]>([
    ["tools", { tools: [{ type: "function", function: { name: "f" } }] }],
    ["tool_choice", { tool_choice: "required" }],
    ["tool_choice", { tool_choice: { type: "function", function: { name: "f" } } }],
    ["response_format", { response_format: { type: "json_object" } }],
    ["response_format", { response_format: { type: "json_schema", json_schema: { name: "n" } } }],
    ["response_format", { response_format: { type: "structural_tag" } }],
    ["logprobs", { logprobs: true }],
    ["top_logprobs", { top_logprobs: 2 }],
    ["seed", { seed: 7 }],
    ["presence_penalty", { presence_penalty: 0.5 }],
    ["reasoning_effort", { reasoning_effort: "high" }],
    ["n", { n: 2 }],
    ["verbosity", { verbosity: "low" }],
    ["functions", { functions: [{ name: "f" }] }],
    ["top_k", { top_k: 5 }],
    ["continue_final_message", { continue_final_message: true }],
    ["add_generation_prompt", { add_generation_prompt: false }],
    ["messages[0].content[0].type", { messages: [{ role: "user", content: [{ type: "image_url" }] }] }],
  ])("cannot have %s: %j", (param, more) => {
    expect(refused(chat(deepspeed, more))).toBe(param);
  });

  it.each<object>([
    { user: "u", metadata: { a: "b" }, store: true, service_tier: "auto", safety_identifier: "s" },
    { prompt_cache_key: "k", prediction: { type: "content", content: "x" }, parallel_tool_calls: false },
    { tools: [], tool_choice: "auto" },
    { tools: [{ type: "function", function: { name: "f" } }], tool_choice: "none" },
    { seed: null, logprobs: false, logit_bias: {}, presence_penalty: 0, n: 1, top_k: null },
    { response_format: { type: "text" }, reasoning_effort: "none", verbosity: "medium" },
    { stream_options: { include_usage: true }, modalities: ["text"] },
  ])("may have what asks for nothing, of which nothing is sent: %j", (more) => {
    expect(Object.keys(sent(chat(deepspeed, more)))).toEqual(Object.keys(sent(chat(deepspeed, {}))));
  });

  it("is refused where it cannot fit the context", () => {
    const messages = [{ role: "user", content: "word ".repeat(40) }];
    expect(chat(deepspeed, { messages }, { ...MODEL, contextLength: 20 })).toMatchObject({
      error: { kind: "invalid_request", code: "context_length_exceeded", param: "messages" },
    });
  });

  it("is no more to be continued elsewhere, for its template closes the assistant's turn", () => {
    expect(deepspeed.chat.continue).toBeUndefined();
    expect(deepspeed.abilities.continuation).toBe("refused");
  });

  it("is one prompt where it is a completion, for only the first is streamed", () => {
    expect(sent(completion(deepspeed, { prompt: ["Once"] }))).toMatchObject({ prompt: "Once" });
    expect(refused(completion(deepspeed, { prompt: ["Once", "Twice"] }))).toBe("prompt");
  });

  it("is assembled where it is asked for whole", () => {
    expect(deepspeed.chat.assembled).toBe(true);
    expect(deepspeed.chat.answer({ choices: [] }, call({ model: "m", messages: [user] }), 0).ok).toBe(false);
  });
});

describe("a stream of the OpenAI-style server", () => {
  const frame = (content: string | undefined, finish: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta: content === undefined ? { role: "assistant" } : { content }, finish_reason: finish }], ...more })}\n\n`;
  const DONE = "data: [DONE]\n\n";
  const opening = frame(undefined);
  const ending = (reason = "stop") => frame("", reason) + DONE;

  function read(text: string, more: object = {}): EngineEvent[] {
    const { stream } = deepspeed.chat;
    if (stream.format !== "translated") throw new Error("it is translated");
    const decoder = stream.decoder({ model: "m", messages: [user], ...more });
    return [...decoder.push(new TextEncoder().encode(text)), ...decoder.end()];
  }
  const textOf = (events: EngineEvent[]) =>
    events.map((event) => (event.type === "delta" ? (event.content ?? "") : "")).join("");
  const finishOf = (events: EngineEvent[]) =>
    events.flatMap((event) => (event.type === "finish" ? [event.reason] : []));
  const tokensOf = (events: EngineEvent[]) =>
    events.flatMap((event) => (event.type === "usage" ? [event.usage.completion_tokens] : []));
  const typesOf = (events: EngineEvent[]) => events.map(({ type }) => type);

  it("is read without the members that its chunks lack, its tokens counted and marked as such", () => {
    const events = read(opening + frame("Hel") + frame("lo") + frame("</s>") + ending());
    const prompt = estimateChatTokens([user]);
    expect(events).toEqual([
      { type: "delta", index: 0, content: "Hel" },
      { type: "delta", index: 0, content: "lo" },
      { type: "finish", index: 0, reason: "stop" },
      {
        type: "usage",
        usage: { prompt_tokens: prompt, completion_tokens: 2, total_tokens: prompt + 2, estimated: true },
      },
      { type: "done" },
    ]);
  });

  it("counts a token that is only part of a character", () => {
    expect(tokensOf(read(opening + frame("") + frame("é") + ending("length")))).toEqual([2]);
  });

  it.each(["</s>", " </s>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>"])(
    "does not show %j at its end",
    (end) => {
      const events = read(opening + frame("Hi") + frame(end) + ending());
      expect([textOf(events), finishOf(events)]).toEqual(["Hi", ["stop"]]);
    },
  );

  it("shows what looks like an end and is text", () => {
    const events = read(
      opening + ["<s>old", "</", "s", "> new", "</s>"].map((each) => frame(each)).join("") + ending(),
    );
    expect(textOf(events)).toBe("<s>old</s> new");
  });

  it("ends where the model ends its turn by a token that the engine does not know for one", () => {
    const events = read(
      opening + frame("Hi") + frame("<|eot_id|>") + frame("<|start_header_id|>") + frame("x"),
    );
    expect(textOf(events)).toBe("Hi");
    expect(finishOf(events)).toEqual(["stop"]);
    expect(events.at(-1)).toEqual({ type: "done", early: true });
  });

  it.each<[what: string, stop: string | string[], pieces: string[], shown: string]>([
    ["within a token", "lo", ["Hel", "lo", " you"], "Hel"],
    ["over several tokens", ["never", "o w"], ["Hello", " w", "orld"], "Hell"],
    ["that is the whole answer", "Hello", ["Hello", " you"], ""],
  ])("ends at a stop text %s, and leaves the engine", (_, stop, pieces, shown) => {
    const events = read(opening + pieces.map((each) => frame(each)).join("") + ending("length"), { stop });
    expect(textOf(events)).toBe(shown);
    expect(finishOf(events)).toEqual(["stop"]);
    expect(events.at(-1)).toEqual({ type: "done", early: true });
  });

  it("shows at its end what only began like a stop text", () => {
    const events = read(opening + frame("Hello EN") + ending("length"), { stop: "END" });
    expect([textOf(events), finishOf(events)]).toEqual(["Hello EN", ["length"]]);
  });

  it.each([
    ["after some text", opening + frame("Hi") + DONE],
    ["after an end of the model's turn", opening + frame("Hi") + frame("</s>") + DONE],
    ["at once", DONE],
  ])("has failed where it says [DONE] without a finish reason %s", (_, text) => {
    const events = read(text);
    expect(events.at(-1)).toMatchObject({ type: "error", fault: { class: "failure" } });
    expect(finishOf(events)).toEqual([]);
    expect(typesOf(events)).not.toContain("done");
  });

  it("is unfinished where it was cut", () => {
    const events = read(opening + frame("Hi"));
    expect(typesOf(events)).toEqual(["delta"]);
  });

  it("believes nothing after an error", () => {
    const events = read(
      `${opening}data: {"error":{"message":"lost","code":500}}\n\n${frame("Hi")}${ending()}`,
    );
    expect(typesOf(events)).toEqual(["error"]);
    expect(typesOf(read(`data: nonsense\n\n${ending()}`))).toEqual(["error"]);
  });

  it("reads completions likewise", () => {
    const chunk = (text: string, finish: string | null) =>
      `data: ${JSON.stringify({ id: "c", object: "text_completion", model: "m", choices: [{ index: 0, text, logprobs: null, finish_reason: finish }] })}\n\n`;
    const events = read(chunk(" upon", null) + chunk("", "length") + DONE);
    expect([textOf(events), finishOf(events), tokensOf(events)]).toEqual([" upon", ["length"], [1]]);
  });
});

describe("an error of the OpenAI-style server", () => {
  it.each<[what: string, status: number, body: string, fault: object]>([
    [
      "a request that is wrong",
      400,
      '{"object":"error","message":"[{\'type\': \'missing\'}]","code":40001}',
      { class: "client_fault", status: 400, message: "[{'type': 'missing'}]" },
    ],
    [
      "a model that it does not serve, by a 400",
      400,
      '{"object":"error","message":"Model \\"x\\" not found. Please use \\"m\\".","code":40301}',
      { class: "client_fault", status: 404, code: "model_not_found", param: "model" },
    ],
    [
      "a key that is wrong, wrapped and without a word",
      401,
      '{"detail":{"error":{"message":"","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}}',
      { class: "failure", status: 401, message: "it refused our API key" },
    ],
    [
      "whatever breaks inside, as text",
      500,
      "Internal Server Error",
      { class: "failure", status: 500, message: "Internal Server Error" },
    ],
    ["a tunnel's page", 502, "<html></html>", { class: "failure", status: 502 }],
  ])("is %s", (_, status, body, fault) => {
    expect(deepspeed.classify(status, body, undefined)).toMatchObject(fault);
  });
});
