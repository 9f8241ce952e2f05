import { FEATURES } from "./abilities.ts";
import { engines } from "./engines.ts";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineCall } from "./engine.ts";
import { llamaCpp } from "./llama-cpp.ts";

// Each case is a trap of llama-server: https://github.com/ggml-org/llama.cpp/tree/master/tools/server

const MODEL = { names: ["own-name", "alias"], contextLength: 8_192 };
const call = <Body extends object>(
  body: Body,
  model: EngineCall<Body>["model"] = MODEL,
): EngineCall<Body> => ({ body, text: JSON.stringify(body), engine: "box", model, requestId: "req_1" });

const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const tool = (name: string) => ({ type: "function" as const, function: { name } });
const tools = [tool("first"), tool("second"), tool("first")];
const chat = (more: object, model = MODEL as EngineCall<ChatRequest>["model"]) =>
  llamaCpp.chat.encode(call({ model: "own-name", messages, ...more } as ChatRequest, model));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;

describe("a chat to llama.cpp", () => {
  it.each<[what: string, more: object, set: object, gone: string[]]>([
    ["is given an end, for it has none of its own", {}, { max_tokens: 8_192 }, []],
    ["keeps the end that was asked for", { max_tokens: 5 }, { max_tokens: 5 }, []],
    [
      "keeps the end under its newer name",
      { max_completion_tokens: 5 },
      { max_completion_tokens: 5 },
      ["max_tokens"],
    ],
    ["keeps the end under its own name", { n_predict: 5 }, { n_predict: 5 }, ["max_tokens"]],
    [
      "names the one tool by leaving out the others",
      { tools, tool_choice: tool("second") },
      { tools: [tool("second")], tool_choice: "required" },
      [],
    ],
    [
      "keeps tools of the same name",
      { tools, tool_choice: tool("first") },
      { tools: [tool("first"), tool("first")], tool_choice: "required" },
      [],
    ],
    [
      "leaves a tool choice in words as it is",
      { tools, tool_choice: "auto" },
      { tools, tool_choice: "auto" },
      [],
    ],
    [
      "calls the penalty as it is called there",
      { repetition_penalty: 1.1 },
      { repeat_penalty: 1.1 },
      ["repetition_penalty"],
    ],
    [
      "prefers the penalty under its own name",
      { repetition_penalty: 1.1, repeat_penalty: 1.2 },
      { repeat_penalty: 1.2 },
      [],
    ],
    [
      "sends no empty list of tools",
      { tools: [], tool_choice: "none", parallel_tool_calls: true },
      {},
      ["tools", "tool_choice", "parallel_tool_calls"],
    ],
    [
      "does not ask for a usage chunk, for its timings tell",
      { stream: true },
      { stream: true },
      ["stream_options"],
    ],
    [
      "asks for a usage chunk where the client did",
      { stream: true, stream_options: { include_usage: true } },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "asks for the usage chunk of several choices, for it has to be added up",
      { stream: true, n: 2 },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "tells the effort to the template, for the server reads none",
      { reasoning_effort: "low", chat_template_kwargs: { enable_thinking: true } },
      {
        reasoning_effort: "low",
        chat_template_kwargs: { reasoning_effort: "low", enable_thinking: true },
      },
      [],
    ],
    [
      "keeps the effort that the caller gave the template",
      { reasoning_effort: "low", chat_template_kwargs: { reasoning_effort: "high" } },
      { chat_template_kwargs: { reasoning_effort: "high" } },
      [],
    ],
    [
      "leaves it to the server not to reason",
      { reasoning_effort: "none" },
      { reasoning_effort: "none" },
      ["chat_template_kwargs"],
    ],
    [
      "asks for an object by a schema, without which JSON is no constraint there",
      { response_format: { type: "json_object" } },
      { response_format: { type: "json_object", schema: { type: "object" } } },
      [],
    ],
    [
      "likewise for a schema that says nothing",
      { response_format: { type: "json_schema", json_schema: { name: "n", schema: {} } } },
      { response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } } },
      [],
    ],
    [
      "keeps a schema of its own beside json_object",
      { response_format: { type: "json_object" }, json_schema: { type: "array" } },
      { response_format: { type: "json_object" }, json_schema: { type: "array" } },
      [],
    ],
    [
      "passes its own samplers on",
      { mirostat: 2, dry_base: 1.5, cache_prompt: false },
      { mirostat: 2, dry_base: 1.5, cache_prompt: false },
      [],
    ],
  ])("%s", (_, more, set, gone) => {
    const body = sent(chat(more));
    expect(body).toMatchObject({ ...set, model: "own-name", messages });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("is sent under the engine's own name of the model", () => {
    expect(sent(chat({ model: "alias" }))).toMatchObject({ model: "own-name" });
  });

  it("has no end where the context is not known", () => {
    expect(sent(chat({}, { names: ["own-name"] }))).not.toHaveProperty("max_tokens");
  });

  it("goes to the path with OpenAI's format, without headers of the caller's", () => {
    expect(chat({})).toMatchObject({ ok: true, value: { path: "/v1/chat/completions" } });
    const encoded = chat({});
    expect(encoded.ok && encoded.value.headers).toBeUndefined();
  });

  it("is refused for a tool that is not there, which would silently become any tool", () => {
    expect(chat({ tools, tool_choice: tool("third") })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param: "tool_choice", engine: "box" },
    });
  });
});

describe("a completion of llama.cpp", () => {
  it.each([
    ["echo", { echo: true }],
    ["suffix", { suffix: "end" }],
    ["best_of", { best_of: 2 }],
  ])("is refused for %s, which has no effect there", (param, more) => {
    expect(completion(more)).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param },
    });
  });

  it("goes to /v1, for the path without it speaks another format", () => {
    expect(llamaCpp.completion.encode(call({ model: "own-name", prompt: "a" }))).toMatchObject({
      ok: true,
      value: { path: "/v1/completions" },
    });
  });
});

const completion = (more: object) =>
  llamaCpp.completion.encode(call({ model: "own-name", prompt: "a", ...more }));

describe("vLLM's ways to constrain an answer", () => {
  it.each(["structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"])(
    "are refused by llama.cpp, which would ignore them: %s",
    (param) => {
      for (const encode of [chat, completion]) {
        expect(encode({ [param]: {} })).toMatchObject({ ok: false, error: { kind: "unsupported", param } });
        expect(encode({ [param]: null }).ok).toBe(true);
      }
    },
  );
});

describe("what OpenAI's completions mean", () => {
  it.each([
    ["16 tokens where nothing is said", {}, { max_tokens: 16 }],
    ["as many as were asked for", { max_tokens: 3 }, { max_tokens: 3 }],
    ["as many, under llama.cpp's own name", { n_predict: 3 }, { n_predict: 3 }],
    ["log probabilities of the chosen tokens", { logprobs: 0 }, { logprobs: 1 }],
  ])("is kept by llama.cpp: %s", (_, more, set) => {
    expect(sent(completion(more))).toMatchObject(set);
  });
});

describe("several choices of llama.cpp", () => {
  const message = { role: "assistant", content: "abcdefgh", refusal: null };
  const choice = (index: number) => ({ index, message, logprobs: null, finish_reason: "stop" });
  const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
  const merged = { id: "1", object: "chat.completion", created: 1, model: "m", usage };
  const read = (choices: number, ownedBy = "llamacpp") => {
    const answer = { ...merged, choices: Array.from({ length: choices }, (_, index) => choice(index)) };
    const asked = call({ model: "m", messages, n: choices }, { names: ["m"], ownedBy });
    const whole = llamaCpp.chat.answer(answer, asked, 0);
    return whole.ok ? whole.value.usage : whole.error;
  };

  it("have estimated usage, for the server tells that of the first one only", () => {
    expect(read(1)).toEqual(usage);
    expect(read(2)).toMatchObject({ completion_tokens: 4, estimated: true });
  });

  it("have the embedded engine's own usage, which is of all of them", () => {
    expect(read(2, "eco-base")).toEqual(usage);
  });

  it("are looked at as they come, and one choice is relayed natively", () => {
    const { stream } = llamaCpp.chat;
    if (stream.format !== "openai") throw new Error("llama.cpp speaks OpenAI's format");
    expect(stream.relay({ usage: false, logprobs: false, choices: 2 })).toBe("exact");
    expect(stream.relay({ usage: false, logprobs: false, choices: 1 })).toBe("native");
  });
});

describe("log probabilities of a completion of llama.cpp", () => {
  const token = (text: string, logprob: number) => ({ id: 1, token: text, bytes: [], logprob });
  const entry = (text: string) => ({
    ...token(text, -1),
    top_logprobs: [token(text, -1), token("other", -2)],
  });
  const probabilities = (texts: string[]) => ({ content: texts.map(entry) });
  const list = (texts: string[], offsets: number[]) => ({
    tokens: texts,
    token_logprobs: texts.map(() => -1),
    top_logprobs: texts.map((text) => ({ [text]: -1, other: -2 })),
    text_offset: offsets,
  });
  const choice = (index: number, texts: string[], logprobs: unknown = probabilities(texts)) => ({
    index,
    text: texts.join(""),
    logprobs,
    finish_reason: "stop",
  });

  it("are in OpenAI's form in a whole answer", () => {
    const answer = { id: "1", choices: [choice(0, ["Hel", "lo"]), choice(1, ["x"], null)] };
    const read = llamaCpp.completion.answer(answer, call({ model: "m", prompt: "a" }), 0);
    expect(read.ok && read.value.choices.map(({ logprobs }) => logprobs)).toEqual([
      list(["Hel", "lo"], [0, 3]),
      null,
    ]);
  });

  it("are in OpenAI's form in a stream, at their places in the answer of their choice", () => {
    const { stream } = llamaCpp.completion;
    const mend = stream.format === "openai" ? stream.rules.mender?.() : undefined;
    const chunks = [choice(0, ["Hel"]), choice(1, ["x"]), choice(0, ["lo"])].map((each) => ({
      choices: [each],
    }));
    for (const chunk of chunks) mend?.(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.logprobs)).toEqual([
      list(["Hel"], [0]),
      list(["x"], [0]),
      list(["lo"], [3]),
    ]);
  });
});

describe("embeddings of llama.cpp", () => {
  it("are refused with dimensions, which have no effect there", () => {
    expect(llamaCpp.embedding.encode(call({ model: "own-name", input: "a", dimensions: 8 }))).toMatchObject({
      ok: false,
      error: { param: "dimensions" },
    });
  });

  it("go to /v1, for the path without it speaks another format", () => {
    expect(llamaCpp.embedding.encode(call({ model: "own-name", input: "a" }))).toMatchObject({
      ok: true,
      value: { path: "/v1/embeddings" },
    });
  });
});

describe("what llama.cpp tells of itself", () => {
  it.each([
    [200, '{"status":"ok"}', "ready"],
    [503, '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}', "loading"],
    [503, '{"error":{"message":"no slot available","code":503}}', "down"],
    [502, "<html>", "down"],
  ])("health %d %s is %s", (status, text, health) => {
    expect(llamaCpp.health.read(status, text)).toBe(health);
  });

  it("the usable context is that of one slot, not that of training", () => {
    const json = {
      data: [
        { id: "m", object: "model", owned_by: "llamacpp", meta: { n_ctx: 4_096, n_ctx_train: 131_072 } },
      ],
    };
    expect(llamaCpp.models.read(json)).toEqual([{ names: ["m"], ownedBy: "llamacpp", contextLength: 4_096 }]);
  });

  it("its load is in its metrics", () => {
    expect(llamaCpp.load?.read("llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n")).toEqual({
      running: 3,
      waiting: 2,
    });
    expect(llamaCpp.load?.read("")).toEqual({});
  });
});

describe("a model of llama.cpp whose template has no place for tools", () => {
  const props = (supports_tools?: boolean) =>
    llamaCpp.models.details?.read({ chat_template_caps: { supports_tools, supports_tool_calls: true } });
  const lacking = { ...MODEL, ...props(false) };

  it.each([
    ["has none", false, { lacks: ["tools", "tool_choice"] }],
    ["has one", true, {}],
    ["is of a server that does not say", undefined, {}],
  ])("is told by its properties: it %s", (_, supported, told) => {
    expect(props(supported)).toEqual(told);
  });

  it.each([{}, { tool_choice: "auto" }, { tool_choice: "required" }])(
    "is not sent tools that it would never hear of (%j)",
    (choice) => {
      expect(sent(chat({ tools, ...choice }, lacking))).toMatchObject({
        kind: "unsupported",
        param: "tools",
      });
    },
  );

  it.each([{}, { tools: [] }, { tools, tool_choice: "none" }])(
    "is asked what calls no tools (%j)",
    (more) => {
      expect(chat(more, lacking).ok).toBe(true);
    },
  );
});

describe("a llama.cpp without a projector", () => {
  const image = [
    { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,aWNvbg==" } }] },
  ];
  const read = (vision: boolean) => llamaCpp.models.details?.read({ modalities: { vision, audio: false } });

  it("tells that it sees no images, and is not sent any", () => {
    expect(read(false)).toEqual({ lacks: ["images"] });
    const encoded = chat({ messages: image }, { ...MODEL, ...read(false) });
    expect(sent(encoded)).toMatchObject({ kind: "unsupported", param: "messages" });
  });

  it("is sent images where it has one", () => {
    expect(read(true)).toEqual({});
    expect(chat({ messages: image }, { ...MODEL, ...read(true) }).ok).toBe(true);
  });
});

describe("the embedded engine's list", () => {
  const card = (id: string, capability: string, owned_by = "eco-base") => ({
    id,
    owned_by,
    meta: { capabilities: [capability] },
  });
  const lacksOf = (...data: object[]) => llamaCpp.models.read({ data }).map(({ lacks }) => lacks);

  it("tells which model is for what", () => {
    const [text, vectors] = lacksOf(card("a", "completion"), card("b", "embedding"));
    expect(text).toEqual(["embedding", "rerank", "images"]);
    expect(vectors).toEqual(FEATURES.filter((feature) => feature !== "embedding"));
  });

  it("is not that of a llama-server, whose word for it means nothing", () => {
    expect(lacksOf(card("a", "completion", "llamacpp"))).toEqual([undefined]);
  });
});

describe("the limit of an answer without one", () => {
  const body = { model: "m", messages: [{ role: "user" as const, content: "hi" }] };
  const sent = (ownedBy: string): Record<string, unknown> => {
    const model = { names: ["m"], contextLength: 4096, ownedBy };
    const encoded = engines["llama-cpp"].chat.encode({
      body,
      text: JSON.stringify(body),
      engine: "e",
      model,
      requestId: "r",
    });
    if (!encoded.ok) throw new Error(encoded.error.kind);
    return JSON.parse(encoded.value.body) as Record<string, unknown>;
  };

  it("is the context for llama-server, which has none, and the embedded engine's own for it", () => {
    expect(sent("llamacpp").max_tokens).toBe(4096);
    expect(sent("eco-base").max_tokens).toBeUndefined();
  });
});
