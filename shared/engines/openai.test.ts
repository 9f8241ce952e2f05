import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import type { EngineCall } from "./engine.ts";
import { engines } from "./engines.ts";
import { openai } from "./openai.ts";

// What comes of any server that says it speaks OpenAI's API: https://platform.openai.com/docs/api-reference

const call = <Body extends object>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "hosted",
  model: { names: ["m"] },
  requestId: "req_1",
});
const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chatCall = (more: object = {}) => call({ model: "m", messages, ...more } as ChatRequest);

describe("what a hosted API may do and an engine of text does not", () => {
  it.each<[param: string, value: unknown]>([
    ["verbosity", "low"],
    ["functions", [{ name: "f" }]],
    ["function_call", "auto"],
    ["audio", { voice: "alloy", format: "wav" }],
    ["modalities", ["text", "audio"]],
    ["web_search_options", {}],
    ["moderation", { model: "omni-moderation-latest" }],
  ])("goes on to kind openai and is refused for the others: %s", (param, value) => {
    const asked = chatCall({ [param]: value });
    const encoded = openai.chat.encode(asked);
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject({ [param]: value });
    for (const kind of ["llama-cpp", "vllm"] as const)
      expect(engines[kind].chat.encode(asked)).toMatchObject({ ok: false, error: { param } });
  });

  it.each(["functions", "function_call", "audio", "web_search_options", "verbosity", "moderation"])(
    "is not asked for by null: %s",
    (param) => {
      for (const kind of ["llama-cpp", "vllm"] as const)
        expect(engines[kind].chat.encode(chatCall({ [param]: null })).ok).toBe(true);
    },
  );
});

describe("a choice of allowed tools", () => {
  const tool = (name: string) => ({ type: "function", function: { name } });
  const choice = (name: string) => ({
    tools: [tool("a"), tool("b")],
    tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool(name)] } },
  });
  const sent = (kind: keyof typeof engines, more: object) => {
    const encoded = engines[kind].chat.encode(chatCall(more));
    return encoded.ok ? (JSON.parse(encoded.value.body) as unknown) : encoded.error;
  };

  it.each(["llama-cpp", "vllm"] as const)("is those tools alone for %s", (kind) => {
    expect(sent(kind, choice("b"))).toMatchObject({ tools: [tool("b")], tool_choice: "required" });
    expect(sent(kind, choice("c"))).toMatchObject({ kind: "unsupported", param: "tool_choice" });
  });

  it("goes on to a hosted API, and is refused for Ollama", () => {
    expect(sent("openai", choice("b"))).toMatchObject(choice("b"));
    expect(sent("ollama", choice("b"))).toMatchObject({ kind: "unsupported", param: "tool_choice" });
  });
});

it("leaves structural tags to vLLM, which has them, and to a hosted API", () => {
  const asked = chatCall({ response_format: { type: "structural_tag", format: {} } });
  for (const kind of ["openai", "vllm"] as const) {
    const encoded = engines[kind].chat.encode(asked);
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject(asked.body);
  }
  for (const kind of ["llama-cpp", "ollama"] as const)
    expect(engines[kind].chat.encode(asked)).toMatchObject({
      ok: false,
      error: { param: "response_format" },
    });
});

describe("a whole answer", () => {
  const message = { role: "assistant", content: "Hi", refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: "stop" };
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const whole = { id: "1", object: "chat.completion", created: 1, model: "m", choices: [choice], usage };
  const read = (answer: object) => {
    const result = openai.chat.answer(answer, chatCall(), 0);
    if (!result.ok) throw new Error(result.error.message);
    return result.value;
  };

  it("goes on as it is where nothing is to be mended", () => {
    const answer = { ...whole, system_fingerprint: "fp" };
    expect(read(answer)).toBe(answer);
  });

  it("has no null that OpenAI's types do not know", () => {
    const details = { reasoning_tokens: 1, audio_tokens: null };
    const answer = {
      ...whole,
      system_fingerprint: null,
      usage: { ...usage, completion_tokens_details: details },
    };
    expect(read(answer)).toEqual({
      ...whole,
      usage: { ...usage, completion_tokens_details: { reasoning_tokens: 1 } },
    });
    expect(read({ ...whole, system_fingerprint: null })).not.toHaveProperty("system_fingerprint");
  });

  it("has calls with an id, and arguments as text", () => {
    const calls = [
      { id: null, type: "function", function: { name: "f", arguments: { a: 1 } } },
      { id: "own", type: "function", function: { name: "g", arguments: "{}" } },
    ];
    const [mended] = read({
      ...whole,
      choices: [{ ...choice, message: { ...message, tool_calls: calls } }],
    }).choices;
    expect(mended?.message.tool_calls).toEqual([
      { id: "call_1_0", type: "function", function: { name: "f", arguments: '{"a":1}' } },
      calls[1],
    ]);
  });

  it.each<[what: string, message: object]>([
    ["reasoning", { reasoning_content: "x".repeat(400), content: "" }],
    ["arguments", { content: null, tool_calls: [{ function: { name: "f", arguments: "x".repeat(400) } }] }],
  ])("is estimated by all that the model wrote, where usage is not told: %s", (_, more) => {
    const { usage: __, ...untold } = whole;
    const answer = { ...untold, choices: [{ ...choice, message: { ...message, ...more } }] };
    expect(read(answer).usage.completion_tokens).toBeGreaterThanOrEqual(100);
  });
});

describe("embeddings", () => {
  const read = (data: unknown[], more: Partial<EmbeddingRequest> = {}) =>
    openai.embedding.answer(
      { object: "list", model: "m", data, usage: { prompt_tokens: 1, total_tokens: 1 } },
      call({ model: "m", input: data.map(() => "text"), ...more }),
      0,
    );

  it("are in the order of their index", () => {
    expect(
      read([
        { index: 1, embedding: [1] },
        { index: 0, embedding: [0] },
      ]),
    ).toMatchObject({
      ok: true,
      value: {
        data: [
          { index: 0, embedding: [0] },
          { index: 1, embedding: [1] },
        ],
      },
    });
  });

  it("are in the order of the list where they have no index", () => {
    expect(read([{ embedding: "AACAPw==" }, { embedding: [1] }])).toMatchObject({
      ok: true,
      value: { data: [{ embedding: "AACAPw==" }, { embedding: [1] }] },
    });
  });

  it.each<[what: string, data: unknown[]]>([
    ["nothing", [{ index: 0 }]],
    ["an empty list", [{ index: 0, embedding: [] }]],
    ["no numbers", [{ index: 0, embedding: [1, null] }]],
    ["no base64", [{ index: 0, embedding: "no base64" }]],
    ["base64 of no float32", [{ index: 0, embedding: "AACA" }]],
    [
      "an index twice",
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
    ],
    ["an index that is too high", [{ index: 1, embedding: [1] }]],
    ["an index below 0", [{ index: -1, embedding: [1] }]],
  ])("are a fault of the engine where one is %s", (_, data) => {
    expect(read(data)).toMatchObject({ ok: false, error: { class: "failure", status: 502 } });
  });
});
