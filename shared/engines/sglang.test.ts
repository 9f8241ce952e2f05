import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall, EngineModel } from "./engine.ts";
import { sglang } from "./sglang.ts";

// Each case is a trap of SGLang: https://docs.sglang.ai/basic_usage/openai_api.html

const MODEL: EngineModel = { names: ["served-name", "alias"], ownedBy: "sglang" };
const call = <Body extends object>(body: Body, model = MODEL): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "gpu",
  model,
  requestId: "req_0123456789abcdef",
});
const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chatCall = (more: object, model?: EngineModel) =>
  call({ model: "served-name", messages, ...more } as ChatRequest, model);
const completionCall = (more: object) =>
  call({ model: "served-name", prompt: "a", ...more } as CompletionRequest);
const chat = (more: object, model?: EngineModel) => sglang.chat.encode(chatCall(more, model));
const completion = (more: object) => sglang.completion.encode(completionCall(more));
const embedding = (more: object) =>
  sglang.embedding.encode(call({ model: "served-name", input: "a", ...more }));
const rerank = (more: object) =>
  sglang.rerank?.encode(call({ model: "served-name", query: "q", documents: ["a"], ...more })) ?? chat({});

const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;

const tool = (name: string, more: object = {}) => ({ type: "function", function: { name, ...more } });
const named = (name: string) => ({ type: "function", function: { name } });

describe.each([
  ["a chat", chat],
  ["a completion", completion],
  ["an embedding", embedding],
  ["a reranking", rerank],
] as const)("%s to SGLang", (_, encode) => {
  it.each([
    "rid",
    "priority",
    "cache_salt",
    "extra_key",
    "session_id",
    "session_params",
    "input_ids",
    "routed_dp_rank",
    "bootstrap_host",
    "bootstrap_port",
    "bootstrap_room",
    "lora_path",
    "custom_logit_processor",
    "return_hidden_states",
  ])("is refused for %s, which is the operator's", (param) => {
    expect(encode({ [param]: 0 })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param, engine: "gpu" },
    });
  });

  it.each(["structured_outputs", "guided_json", "grammar", "chat_template", "repeat_penalty"])(
    "is refused for %s, which SGLang would drop in silence",
    (param) => {
      expect(encode({ [param]: "x" })).toMatchObject({ ok: false, error: { kind: "unsupported", param } });
      expect(encode({ [param]: null }).ok).toBe(true);
    },
  );

  it("names the model as it is served, not by its alias", () => {
    expect(sent(encode({ model: "alias" }))).toMatchObject({ model: "served-name" });
  });
});

describe.each([
  ["a chat", chat],
  ["a completion", completion],
  ["an embedding", embedding],
] as const)("%s to SGLang", (_, encode) => {
  it("carries our request id, by which it can be ended, whatever the caller says", () => {
    expect(sent(encode({}))).toMatchObject({ rid: "req_0123456789abcdef" });
    expect(sent(encode({ rid: null }))).toMatchObject({ rid: "req_0123456789abcdef" });
  });
});

describe.each([
  ["a chat", chat],
  ["a completion", completion],
] as const)("%s to SGLang", (_, encode) => {
  it.each<[what: string, more: object, set: object, gone: string[]]>([
    [
      "asks for its usage, which the relay hides again",
      { stream: true },
      { stream_options: { include_usage: true } },
      [],
    ],
    ["asks for no usage of a whole answer", {}, {}, ["stream_options"]],
    [
      "passes its own samplers and constraints on",
      { top_k: -1, min_tokens: 2, regex: "a+", stop_token_ids: [1], separate_reasoning: false },
      { top_k: -1, min_tokens: 2, regex: "a+", stop_token_ids: [1], separate_reasoning: false },
      [],
    ],
    [
      "leaves nulls out where they would be a 400",
      { n: null, stream: null, presence_penalty: null, top_p: null, max_tokens: null, echo: null, rid: null },
      {},
      ["n", "stream", "presence_penalty", "top_p", "max_tokens", "echo"],
    ],
    ["keeps a null that it takes", { seed: null, logit_bias: null }, { seed: null, logit_bias: null }, []],
    ["drops an operator's field that is null, for null is absent", { priority: null }, {}, ["priority"]],
    ["sends no empty list of tools", { tools: [] }, {}, ["tools"]],
  ])("%s", (what, more, set, gone) => {
    const body = sent(encode(more));
    expect(body, what).toMatchObject({ ...set, model: "served-name" });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("asks for one choice only: those beyond run under ids that no abort reaches", () => {
    expect(encode({ n: 2 })).toMatchObject({ ok: false, error: { kind: "unsupported", param: "n" } });
    expect(encode({ n: 1 }).ok).toBe(true);
  });
});

describe("a chat to SGLang", () => {
  it.each<[what: string, more: object, param: string]>([
    ["a tool that is not there", { tools: [tool("a")], tool_choice: named("b") }, "tool_choice"],
    [
      "a forced tool and forced JSON, of which it would drop the tool",
      { tools: [tool("a")], tool_choice: "required", response_format: { type: "json_object" } },
      "tool_choice",
    ],
    [
      "one call at a time where the choice is free, which it would not hold the model to",
      { tools: [tool("a")], parallel_tool_calls: false },
      "parallel_tool_calls",
    ],
    ["llama.cpp's json_schema", { json_schema: {} }, "json_schema"],
    ["old functions", { functions: [{ name: "f" }] }, "functions"],
    ["a verbosity", { verbosity: "low" }, "verbosity"],
  ])("is refused for %s", (_, more, param) => {
    expect(chat(more)).toMatchObject({ ok: false, error: { kind: "unsupported", param } });
  });

  it.each<[what: string, more: object]>([
    [
      "a forced tool, one at a time",
      { tools: [tool("a")], tool_choice: "required", parallel_tool_calls: false },
    ],
    [
      "tools and forced JSON, the model choosing",
      { tools: [tool("a")], response_format: { type: "json_object" } },
    ],
    [
      "tools and plain text",
      { tools: [tool("a")], tool_choice: "required", response_format: { type: "text" } },
    ],
    ["no tool, one at a time", { tools: [tool("a")], tool_choice: "none", parallel_tool_calls: false }],
    ["one call at a time without tools", { parallel_tool_calls: false }],
    ["a structural tag", { response_format: { type: "structural_tag", structures: [], triggers: [] } }],
    ["a named tool", { tools: [tool("a")], tool_choice: named("a") }],
  ])("may ask for %s", (_, more) => {
    expect(chat(more).ok).toBe(true);
  });

  it("leaves out a tool's `strict` that is null, also of allowed tools", () => {
    const tools = [tool("a", { strict: null }), tool("b", { strict: true })];
    expect(sent(chat({ tools }))).toMatchObject({ tools: [tool("a"), tool("b", { strict: true })] });
    const allowed = {
      type: "allowed_tools",
      allowed_tools: { mode: "auto", tools: [named("a")] },
    };
    expect(sent(chat({ tools, tool_choice: allowed }))).toMatchObject({
      tools: [{ type: "function", function: { name: "a" } }],
      tool_choice: "auto",
    });
    expect(JSON.stringify(sent(chat({ tools, tool_choice: allowed })))).not.toContain("strict");
  });

  const adapter: EngineModel = { names: ["sql", "base:sql"], ownedBy: "sglang" };
  const colon: EngineModel = { names: ["llama3:8b"], ownedBy: "sglang" };
  const byHand: EngineModel = { names: ["base:sql"] };
  it.each<[what: string, model: EngineModel, set: object]>([
    [
      "names an adapter as one, for its name alone is served by the base model",
      adapter,
      { model: "sql", lora_path: "sql" },
    ],
    [
      "has no colon in a base model's name, for what follows would be an adapter",
      colon,
      { model: "llama3-8b" },
    ],
    ["keeps a name that the operator gave and SGLang does not list", byHand, { model: "base:sql" }],
  ])("%s", (_, model, set) => {
    for (const name of model.names) {
      const body = sent(chat({ model: name, lora_path: null }, model));
      expect(body).toMatchObject(set);
      if (!("lora_path" in set)) expect(body).not.toHaveProperty("lora_path");
    }
  });

  it("goes on with a text where the closing message would else be the user's", () => {
    const written = { text: "Once upon", tokens: 2 };
    const body = sent(sglang.chat.continue?.(chatCall({ max_tokens: 10 }), written) ?? chat({}));
    expect(body).toMatchObject({
      messages: [...messages, { role: "assistant", content: "Once upon" }],
      max_tokens: 8,
      continue_final_message: true,
    });
    const begun = [...messages, { role: "assistant", content: "So: " }];
    expect(
      sent(
        sglang.chat.continue?.(chatCall({ messages: begun, continue_final_message: true }), written) ??
          chat({}),
      ),
    ).toMatchObject({ messages: [...messages, { role: "assistant", content: "So: Once upon" }] });
  });

  it.each(["regex", "ebnf"])("does not go on with a text under a %s", (param) => {
    expect(sglang.chat.continue?.(chatCall({ [param]: "a+" }), { text: "a", tokens: 1 })).toMatchObject({
      ok: false,
      error: { param },
    });
  });
});

describe("an SGLang that was started without a parser of calls", () => {
  it.each([
    ["has none", { tool_call_parser: null }, { lacks: ["tools", "tool_choice"] }],
    ["has one", { tool_call_parser: "qwen" }, {}],
    ["does not say", {}, {}],
  ])("is told by its own word: it %s", (_, info, told) => {
    expect(sglang.models.details?.read(info)).toEqual(told);
  });

  it("is not sent tools, whose calls would come as text", () => {
    const encoded = chat({ tools: [tool("a")] }, { ...MODEL, lacks: ["tools"] });
    expect(sent(encoded)).toMatchObject({ kind: "unsupported", param: "tools" });
  });
});

describe("a completion to SGLang", () => {
  it.each(["best_of", "suffix"])("is refused for %s, which it would ignore", (param) => {
    expect(completion({ [param]: param === "suffix" ? "end" : 2 })).toMatchObject({
      ok: false,
      error: { param },
    });
  });

  it("goes on with a text as more of the prompt", () => {
    const written = { text: "b", tokens: 1 };
    expect(sent(sglang.completion.continue?.(completionCall({}), written) ?? chat({}))).toMatchObject({
      prompt: "ab",
      max_tokens: 15,
    });
    expect(sglang.completion.continue?.(completionCall({ json_schema: "{}" }), written)).toMatchObject({
      ok: false,
      error: { param: "json_schema" },
    });
  });
});

describe("an embedding to SGLang", () => {
  it.each<[input: unknown, rid: unknown]>([
    ["a", "req_0123456789abcdef"],
    [[1, 2], "req_0123456789abcdef"],
    [
      ["a", "b"],
      ["req_0123456789abcdef_0", "req_0123456789abcdef_1"],
    ],
    [
      [[1], [2]],
      ["req_0123456789abcdef_0", "req_0123456789abcdef_1"],
    ],
  ])("of %j has an id for each input, all beginning with the request's", (input, rid) => {
    expect(sent(embedding({ input }))).toMatchObject({ input, rid });
  });

  it("leaves a null format out, and hands dimensions on", () => {
    expect(sent(embedding({ encoding_format: null, dimensions: 8 }))).toEqual({
      model: "served-name",
      input: "a",
      dimensions: 8,
      rid: "req_0123456789abcdef",
    });
  });

  it("is answered under the model's name, not the path of its weights", () => {
    const answer = {
      object: "list",
      model: "/weights/x",
      data: [{ embedding: [1], index: 0 }],
      usage: { prompt_tokens: 1 },
    };
    expect(sglang.embedding.answer(answer, call({ model: "served-name", input: "a" }), 0)).toMatchObject({
      ok: true,
      value: { model: "served-name" },
    });
  });
});

describe("a reranking by SGLang", () => {
  const documents = ["a", { text: "b" }, "c"];
  const asked = call({ model: "served-name", query: "q", documents, top_n: 2, return_documents: true });

  it("is asked of all documents, as texts and without sending them back", () => {
    const encoded = sglang.rerank?.encode(asked) ?? chat({});
    expect(sent(encoded)).toEqual({
      model: "served-name",
      query: "q",
      documents: ["a", "b", "c"],
      return_documents: false,
    });
  });

  const ranked = [
    { score: 0.9, index: 2, meta_info: { prompt_tokens: 4 } },
    { score: 0.5, index: 0, meta_info: { prompt_tokens: 3 } },
    { score: 0.1, index: 1, meta_info: { prompt_tokens: 3 } },
  ];

  it("is read of a list without more, with the tokens that each document has cost", () => {
    expect(sglang.rerank?.answer(ranked, asked, 0)).toMatchObject({
      ok: true,
      value: {
        results: [
          { index: 2, relevance_score: 0.9, document: { text: "c" } },
          { index: 0, relevance_score: 0.5, document: { text: "a" } },
        ],
        usage: { prompt_tokens: 10, total_tokens: 10 },
      },
    });
  });

  it("has its tokens counted by us where one of them is not told", () => {
    const untold = ranked.map(({ meta_info: _, ...rest }) => rest);
    expect(sglang.rerank?.answer(untold, asked, 0)).toMatchObject({
      ok: true,
      value: { usage: { estimated: true } },
    });
  });

  it("is none where it is something else", () => {
    expect(sglang.rerank?.answer({ object: "error" }, asked, 0)).toMatchObject({ ok: false });
  });
});

describe("a stream of SGLang", () => {
  const { stream } = sglang.chat;
  if (stream.format !== "openai") throw new Error("SGLang speaks OpenAI's format");
  const mended = (chunk: Record<string, unknown>) => {
    stream.rules.mender?.()(chunk);
    return chunk;
  };

  it("is never believed unseen: it ends with [DONE] after errors and aborts", () => {
    expect(stream.relay({ usage: true, logprobs: false, choices: 1 })).toBe("exact");
    expect(stream.rules.brokenFinish.has("abort")).toBe(true);
  });

  it.each([
    ['data: {"error":{"object":"error","message":"x"}}', true],
    ['data: {"choices":[],"usage":{"prompt_tokens":1}}', true],
    ['data: {"choices":[{"delta":{"role":null,"content":"x","tool_calls":null}}],"usage":null}', true],
    ['data: {"id":"req_0a_1","choices":[{"index":1,"text":"x","finish_reason":null}]}', true],
    [
      'data: {"id":"req_0a","choices":[{"delta":{"reasoning_content":null,"content":"x"},"finish_reason":null}]}',
      false,
    ],
    ['data: {"choices":[{"delta":{"content":"say \\"role\\":null"},"finish_reason":null}]}', false],
  ])("is looked at only where there is something to see: %s %s", (event, looked) => {
    expect(stream.rules.mark.test(event)).toBe(looked);
  });

  it("has no nulls in the deltas that come beside tools", () => {
    const first = { id: "call_1", index: 0, type: "function", function: { name: "f", arguments: "" } };
    const more = { id: null, index: 0, type: "function", function: { name: null, arguments: "{" } };
    const delta = (call_: object) => ({
      role: null,
      content: null,
      reasoning_content: null,
      tool_calls: [call_],
    });
    const chunk = (call_: object) => ({ id: "x", choices: [{ index: 0, delta: delta(call_) }] });
    expect(mended(chunk(first))).toEqual({
      id: "x",
      choices: [{ index: 0, delta: { tool_calls: [first] } }],
    });
    expect(mended(chunk(more))).toEqual({
      id: "x",
      choices: [
        { index: 0, delta: { tool_calls: [{ index: 0, type: "function", function: { arguments: "{" } }] } },
      ],
    });
    const text = { role: null, content: "hi", reasoning_content: null, tool_calls: null };
    expect(mended({ id: "x", choices: [{ index: 0, delta: text }] })).toEqual({
      id: "x",
      choices: [{ index: 0, delta: { content: "hi" } }],
    });
  });

  it.each([
    ["req_0a_1", "req_0a"],
    ["req_12345678901234567890123456789012", "req_12345678901234567890123456789012"],
    ["req_0a-2_1", "req_0a-2"],
    ["9f0c", "9f0c"],
  ])("has one id for all its prompts: %s is %s", (id, whole) => {
    expect(mended({ id, choices: [] })).toMatchObject({ id: whole });
  });

  it("tells where each token begins, choice by choice", () => {
    const mend = stream.rules.mender?.();
    const chunk = (index: number, token: string) => ({
      choices: [
        {
          index,
          text: token,
          logprobs: { text_offset: [-1], token_logprobs: [-1], tokens: [token], top_logprobs: [] },
        },
      ],
    });
    const offsets = [chunk(0, "ab"), chunk(1, "x"), chunk(0, "c"), chunk(1, "yz"), chunk(0, "d")].map(
      (each) => {
        mend?.(each);
        return each.choices[0]?.logprobs.text_offset[0];
      },
    );
    expect(offsets).toEqual([0, 0, 2, 1, 3]);
  });

  it("is never changed by its mender in its text", () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (content, nulls) => {
        const extra = nulls ? { role: null, tool_calls: null } : {};
        const chunk = mended({ id: "x", choices: [{ index: 0, delta: { ...extra, content } }] });
        expect(chunk).toEqual({ id: "x", choices: [{ index: 0, delta: { content } }] });
      }),
    );
  });
});

describe("a whole answer of SGLang", () => {
  const answer = (more: object = {}, choice: object = {}) => ({
    id: "9f0c",
    object: "chat.completion",
    created: 1,
    model: "served-name",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "hi", reasoning_content: null, tool_calls: null },
        logprobs: null,
        finish_reason: "stop",
        matched_stop: 2,
        ...choice,
      },
    ],
    usage: {
      prompt_tokens: 5,
      total_tokens: 7,
      completion_tokens: 2,
      prompt_tokens_details: null,
      reasoning_tokens: 1,
    },
    metadata: { weight_version: "default" },
    ...more,
  });

  it("has no nulls that OpenAI's types do not know, and its reasoning tokens where OpenAI has them", () => {
    const read = sglang.chat.answer(answer(), chatCall({}), 0);
    expect(read.ok && read.value.choices[0]?.message).toEqual({
      role: "assistant",
      content: "hi",
      refusal: null,
    });
    expect(read.ok && read.value.usage).toEqual({
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      completion_tokens_details: { reasoning_tokens: 1 },
    });
  });

  it("is none where it was aborted", () => {
    expect(sglang.chat.answer(answer({}, { finish_reason: "abort" }), chatCall({}), 0)).toMatchObject({
      ok: false,
      error: { class: "failure" },
    });
  });

  it("is of the model's own name, where that has a colon", () => {
    const colon: EngineModel = { names: ["llama3:8b"], ownedBy: "sglang" };
    expect(
      sglang.chat.answer(answer({ model: "llama3-8b" }), chatCall({ model: "llama3:8b" }, colon), 0),
    ).toMatchObject({ ok: true, value: { model: "llama3:8b" } });
  });

  it("tells where each token of a completion begins", () => {
    const logprobs = {
      text_offset: [-1, -1],
      token_logprobs: [-1, -1],
      tokens: ["ab", "c"],
      top_logprobs: [],
    };
    const completed = answer({
      choices: [{ index: 0, text: "abc", logprobs, finish_reason: "stop", matched_stop: 2 }],
    });
    expect(sglang.completion.answer(completed, completionCall({ logprobs: 0 }), 0)).toMatchObject({
      ok: true,
      value: { choices: [{ text: "abc", logprobs: { text_offset: [0, 2] } }] },
    });
  });
});

describe("an error of SGLang", () => {
  const flat = (message: string, type: string, code: number) =>
    JSON.stringify({ object: "error", message, type, param: null, code });

  it.each<[what: string, status: number, body: string, fault: object]>([
    [
      "a prompt that is too long",
      400,
      flat(
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "BadRequestError",
        400,
      ),
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    [
      "prompt and answer that are too long",
      400,
      flat(
        "Requested token count exceeds the model's maximum context length of 8192 tokens.",
        "BadRequestError",
        400,
      ),
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [
      "a body of the wrong shape",
      400,
      flat("[{'type': 'missing'}]", "Bad Request", 400),
      { class: "client_fault", status: 400, message: "[{'type': 'missing'}]" },
    ],
    [
      "a full queue, whose type is a number in a text",
      503,
      flat("The request queue is full.", "503", 503),
      { class: "overload", message: "The request queue is full." },
    ],
    [
      "a wait that was too long",
      503,
      flat("Request waiting timeout reached.", "503", 503),
      { class: "overload" },
    ],
    [
      "an earlier attempt that still runs: not the caller's mistake",
      400,
      flat("Duplicate request ID detected: req_1", "BadRequestError", 400),
      { class: "overload", status: 503 },
    ],
    [
      "an adapter that is gone",
      400,
      flat("LoRA adapter 'b' was requested, but LoRA is not enabled.", "BadRequestError", 400),
      { class: "client_fault", status: 404, code: "model_not_found", param: "model" },
    ],
    [
      "a key that it does not take",
      401,
      '{"error":"Unauthorized"}',
      { class: "failure", message: "Unauthorized" },
    ],
    ["a key that is not the admin's", 403, '{"error":"Forbidden"}', { class: "failure" }],
    [
      "something of its own",
      500,
      flat("Internal server error", "InternalServerError", 500),
      { class: "failure" },
    ],
    ["nothing at all, as in its warm-up", 503, "", { class: "overload" }],
  ])("is read: %s", (_, status, body, fault) => {
    expect(sglang.classify(status, body, undefined)).toMatchObject(fault);
  });

  it("is judged alike inside a stream", () => {
    const { stream } = sglang.chat;
    const message = "The input (9 tokens) is longer than the model's context length (8 tokens).";
    const fault = { class: "client_fault", status: 400, message } as const;
    expect(stream.format === "openai" && stream.rules.judge?.(fault)).toMatchObject({
      code: "context_length_exceeded",
    });
    const own = { class: "failure", status: 500, message } as const;
    expect(stream.format === "openai" && stream.rules.judge?.(own)).toBe(own);
  });
});

describe("what SGLang tells of itself", () => {
  it("its models, adapters under both of their names", () => {
    const data = [
      { id: "base", created: 7, owned_by: "sglang", root: "base", parent: null, max_model_len: 8192 },
      { id: "sql", created: 7, owned_by: "sglang", root: "/sql", parent: "base", max_model_len: null },
    ];
    expect(sglang.models.read({ data })).toEqual([
      { names: ["base"], created: 7, ownedBy: "sglang", contextLength: 8192 },
      { names: ["sql", "base:sql"], created: 7, ownedBy: "sglang" },
    ]);
  });

  it("its load, added up over its ranks", () => {
    const rank = (running: number, usage: number) => ({
      num_running_reqs: running,
      num_waiting_reqs: 1,
      token_usage: usage,
      max_running_requests: 64,
    });
    expect(sglang.load?.read(JSON.stringify({ loads: [rank(2, 0.5), rank(3, 0.25)] }))).toEqual({
      running: 5,
      waiting: 2,
      kvUse: 0.375,
      slots: 128,
    });
    for (const nothing of ["", "{}", "<html>", '{"loads":[{}]}'])
      expect(sglang.load?.read(nothing)).toEqual({});
  });

  it.each([
    [200, "ready"],
    [503, "loading"],
    [401, "down"],
  ] as const)("its health, without a generation: %i is %s", (status, health) => {
    expect(sglang.health.path).toBe("/v1/models");
    expect(sglang.health.read(status, "")).toBe(health);
  });
});

describe("what SGLang is told", () => {
  it("ends a request by its id, which must be as long as every other", () => {
    expect(sglang.abort?.("req_1")).toEqual({ path: "/abort_request", body: '{"rid":"req_1"}' });
  });
});
