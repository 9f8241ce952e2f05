import { afterEach, describe, expect, it } from "vitest";
import type { Harness } from "../testing/harness.ts";
import { eventsOf, startHarness, until } from "../testing/harness.ts";
import type { Script } from "../testing/scripted-model.ts";
import { ScriptedModel } from "../testing/scripted-model.ts";

let harness: Harness | undefined;
afterEach(() => harness?.stop());

const QUESTION = { messages: [{ role: "user", content: "hi" }] };
const TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { const: "Oslo" } }, required: ["city"] },
    },
  },
];

const manyProperties = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`property-${index}`, { type: "null" }]));

type ToolDelta = { id?: string; function: { arguments: string } };

type Chunk = {
  choices: Array<{
    index: number;
    finish_reason: string | null;
    delta: Record<string, unknown>;
    logprobs?: unknown;
  }>;
  usage?: unknown;
  timings?: Record<string, number>;
};

async function chat(script: Script, body: object = {}) {
  const model = new ScriptedModel(script);
  harness = await startHarness(model);
  const response = await harness.post("/v1/chat/completions", { ...QUESTION, ...body });
  return { model, status: response.status, body: (await response.json()) as Record<string, never> };
}

async function chatStream(script: Script, body: object = {}) {
  const model = new ScriptedModel(script);
  harness = await startHarness(model);
  const response = await harness.post("/v1/chat/completions", { ...QUESTION, stream: true, ...body });
  const events = eventsOf(await response.text());
  return { model, response, events, chunks: events.filter((event) => event !== "[DONE]") as Chunk[] };
}

const textOf = (chunks: Chunk[], index = 0): string =>
  chunks
    .flatMap(({ choices }) => choices)
    .filter((choice) => choice.index === index)
    .map(({ delta }) => delta["content"] ?? "")
    .join("");

describe("chat completion", () => {
  it("answers key by key as llama-server does", async () => {
    const { body } = await chat({ answer: () => "Hé!" });
    const fixed = JSON.stringify({ ...body, id: "chatcmpl-x" });
    expect(body["id"]).toMatch(/^chatcmpl-[0-9A-Za-z]{32}$/);
    expect(fixed).toBe(
      '{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"Hé!"}}],' +
        '"created":1700000000,"model":"scripted","system_fingerprint":"scripted-1","object":"chat.completion",' +
        '"usage":{"completion_tokens":5,"prompt_tokens":21,"total_tokens":26,"prompt_tokens_details":{"cached_tokens":0}},' +
        '"id":"chatcmpl-x",' +
        '"timings":{"cache_n":0,"prompt_n":21,"prompt_ms":10,"prompt_per_token_ms":0.47619047619047616,"prompt_per_second":2100,' +
        '"predicted_n":5,"predicted_ms":50,"predicted_per_token_ms":10,"predicted_per_second":100}}',
    );
  });

  it.each<[string, string, object, string, string]>([
    ["ends when the model ends its turn", "Hello", {}, "Hello", "stop"],
    ["ends at max_tokens", "Hello", { max_tokens: 3 }, "Hel", "length"],
    ["ends within a character without showing half of it", "é日", { max_tokens: 4 }, "é\uFFFD", "length"],
    ["ends before a stop string", "one two three", { stop: [" three", "two"] }, "one ", "stop"],
    ["may be empty", "", {}, "", "stop"],
    ["may generate nothing at all", "Hello", { max_tokens: 0 }, "", "length"],
  ])("%s", async (_, answer, fields, content, finishReason) => {
    const { body } = await chat({ answer: () => answer }, fields);
    expect(body["choices"]).toEqual([
      { finish_reason: finishReason, index: 0, message: { role: "assistant", content } },
    ]);
  });

  it("continues an answer that the client began", async () => {
    const { model } = await chat(
      { answer: (prompt) => (prompt.endsWith("assistant\nOnce") ? " upon a time" : "wrong") },
      { messages: [...QUESTION.messages, { role: "assistant", content: "Once" }] },
    );
    expect(model.detokenize(model.requests[0]?.prompt ?? [])).toMatch(/assistant\nOnce$/);
  });

  it("puts the model's own system message in front, unless the client has one", async () => {
    const script: Script = { answer: (prompt) => prompt, template: { systemDefault: "Be kind." } };
    const { body } = await chat(script);
    expect(JSON.stringify(body["choices"])).toContain("system\\nBe kind.");
    await harness?.stop();
    const other = await chat(script, {
      messages: [{ role: "system", content: "Be brief." }, ...QUESTION.messages],
    });
    expect(JSON.stringify(other.body["choices"])).not.toContain("Be kind.");
  });

  it("counts what the slot remembered, and every generated token, the end of turn included", async () => {
    harness = await startHarness(new ScriptedModel({ answer: () => "ab" }));
    const ask = async () =>
      (await (await harness?.post("/v1/chat/completions", QUESTION))?.json()) as Record<string, object>;
    await ask();
    expect((await ask())["usage"]).toEqual({
      completion_tokens: 3,
      prompt_tokens: 21,
      total_tokens: 24,
      prompt_tokens_details: { cached_tokens: 20 },
    });
  });

  it("gives several choices from seeds that follow each other, and charges the prompt once", async () => {
    const { model, body } = await chat(
      { answer: (_, { sampling }) => `seed ${sampling.seed}` },
      { n: 3, seed: 5 },
    );
    const choices = body["choices"] as unknown as Array<{ index: number; message: { content: string } }>;
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, "seed 5"],
      [1, "seed 6"],
      [2, "seed 7"],
    ]);
    expect(body["usage"]).toMatchObject({ prompt_tokens: 21, completion_tokens: 21 });
    expect(model.requests).toHaveLength(3);
  });

  it("asks for an exact repetition only where the client does", async () => {
    const { model } = await chat({});
    await harness?.post("/v1/chat/completions", { ...QUESTION, seed: 1 });
    await harness?.post("/v1/chat/completions", { ...QUESTION, temperature: 0 });
    expect(model.requests.map(({ reuse }) => reuse)).toEqual(["most", "exact", "exact"]);
  });

  it("reports log probabilities of what it says, and of nothing that a stop string cut off", async () => {
    const { body } = await chat({ answer: () => "abXY" }, { logprobs: true, top_logprobs: 2, stop: "XY" });
    const [choice] = body["choices"] as unknown as Array<{ logprobs: { content: object[] } }>;
    expect(choice?.logprobs.content).toEqual(
      ["a", "b"].map((token) => ({
        id: token.charCodeAt(0),
        token,
        bytes: [token.charCodeAt(0)],
        logprob: -0.5,
        top_logprobs: [
          { id: token.charCodeAt(0), token, bytes: [token.charCodeAt(0)], logprob: -0.5 },
          { id: 65, token: "A", bytes: [65], logprob: -1.5 },
        ],
      })),
    );
  });

  it.each<[string, object, (content: string) => boolean]>([
    [
      "json_object",
      { response_format: { type: "json_object" } },
      (content) => typeof JSON.parse(content) === "object",
    ],
    [
      "json_schema",
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "x", schema: { type: "integer", minimum: 3, maximum: 5 } },
        },
      },
      (content) => ["3", "4", "5"].includes(content),
    ],
    ["llama-server's json_schema", { json_schema: { const: "yes" } }, (content) => content === '"yes"'],
    ["a grammar", { grammar: 'root ::= "left" | "right"' }, (content) => ["left", "right"].includes(content)],
  ])("holds the model to %s", async (_, fields, isRight) => {
    const { body } = await chat({}, { ...fields, seed: 4 });
    const [choice] = body["choices"] as unknown as Array<{
      message: { content: string };
      finish_reason: string;
    }>;
    expect(choice?.finish_reason).toBe("stop");
    expect(isRight(choice?.message.content ?? "")).toBe(true);
  });

  it.each<[string, object, number, string]>([
    [
      "a prompt longer than the context",
      { messages: [{ role: "user", content: "x".repeat(2100) }] },
      400,
      "exceeds the available context size (2048 tokens)",
    ],
    ["a model that is not there", { model: "gpt-4" }, 404, "model 'gpt-4' not found"],
    ["the embedding model", { model: "letters" }, 400, "computes embeddings"],
    ["a grammar that is none", { grammar: "root ::= (" }, 400, "'grammar'"],
    [
      "a grammar that is nested deeper than llama.cpp's stack",
      { grammar: `root ::= ${"(".repeat(20_000)}"a"${")".repeat(20_000)}` },
      400,
      "'grammar' is nested more than 64",
    ],
    [
      "a grammar of more rules than llama.cpp's stack bears",
      { grammar: `root ::= r0\n${Array.from({ length: 1000 }, (_, i) => `r${i} ::= r${i + 1}`).join("\n")}` },
      400,
      "'grammar' has more than 1000 rules",
    ],
    [
      "a schema whose grammar is too large",
      { json_schema: { properties: manyProperties(5000) } },
      400,
      "'json_schema' as a grammar is larger than",
    ],
    [
      "tools whose grammar is too large",
      {
        tools: [
          {
            type: "function",
            function: { name: "f", parameters: { type: "object", properties: manyProperties(5000) } },
          },
        ],
      },
      400,
      "'tools' as a grammar is larger than",
    ],
    ["two forms at once", { grammar: 'root ::= "a"', json_schema: {} }, 400, "cannot be used together"],
    [
      "a form together with tools",
      { tools: TOOLS, response_format: { type: "json_object" } },
      400,
      "'tools'",
    ],
    ["log probabilities together with tools", { tools: TOOLS, logprobs: true }, 400, "'logprobs'"],
    [
      "a schema that no grammar can follow",
      { response_format: { type: "json_schema", json_schema: { schema: { pattern: "a" } } } },
      400,
      "response_format.json_schema.schema.pattern",
    ],
    [
      "a conversation that the template refuses",
      { messages: [{ role: "user", content: "refuse me" }] },
      400,
      "roles must alternate",
    ],
    ["messages that are no list", { messages: "hi" }, 400, "'messages'"],
  ])("refuses %s", async (_, fields, status, message) => {
    const answer = await chat({}, fields);
    expect(answer.status).toBe(status);
    expect(answer.body["error"]).toMatchObject({ code: status, message: expect.stringContaining(message) });
    expect(answer.model.requests).toEqual([]);
  });
});

describe("a text that cannot fit whatever its tokens are", () => {
  const TEXT = "x".repeat(200_000);
  it.each<[string, object]>([
    ["/v1/chat/completions", { messages: [{ role: "user", content: TEXT }] }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: TEXT }], tools: TOOLS }],
    ["/v1/completions", { prompt: ["fits", TEXT] }],
  ])("is refused on %s before it is tokenized", async (path, body) => {
    const model = new ScriptedModel();
    const tokenized: string[] = [];
    model.tokenizePrompt = (text) => {
      tokenized.push(text);
      return model.tokenize(text, true);
    };
    harness = await startHarness(model);
    const response = await harness.post(path, body);
    expect(await response.json()).toMatchObject({
      error: {
        code: 400,
        type: "exceed_context_size_error",
        n_prompt_tokens: expect.any(Number),
        n_ctx: 2048,
      },
    });
    expect(tokenized.filter((text) => text.length > 100_000)).toEqual([]);
  });
});

describe("streamed chat completion", () => {
  it("begins with the role, ends with an empty delta, then [DONE]", async () => {
    const { response, events, chunks } = await chatStream({ answer: () => "Hé!" });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: "assistant", content: null },
      { content: "H" },
      { content: "é" },
      { content: "!" },
      {},
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, null, "stop"]);
    expect(chunks.at(-1)?.timings).toMatchObject({ prompt_n: 21, predicted_n: 5 });
    expect(events.at(-1)).toBe("[DONE]");
    expect(Object.keys(chunks[0] ?? {})).toEqual([
      "choices",
      "created",
      "id",
      "model",
      "system_fingerprint",
      "object",
    ]);
  });

  it("adds a chunk with the usage where the client asks for it, and moves the timings there", async () => {
    const { chunks } = await chatStream({ answer: () => "ab" }, { stream_options: { include_usage: true } });
    expect(chunks.at(-2)?.timings).toBeUndefined();
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 3, prompt_tokens: 21, total_tokens: 24 },
      timings: { predicted_n: 3 },
    });
  });

  it("never sends a stop string, not even its beginning", async () => {
    const { chunks } = await chatStream({ answer: () => "one<EN two<END>three" }, { stop: "<END>" });
    expect(textOf(chunks)).toBe("one<EN two");
  });

  it("streams one choice after the other", async () => {
    const { chunks } = await chatStream(
      { answer: (_, { sampling }) => `s${sampling.seed}` },
      { n: 2, seed: 1 },
    );
    expect([textOf(chunks, 0), textOf(chunks, 1)]).toEqual(["s1", "s2"]);
    expect(chunks.filter(({ timings }) => timings)).toHaveLength(1);
  });

  it("sends log probabilities with the text that they belong to", async () => {
    const { chunks } = await chatStream({ answer: () => "é" }, { logprobs: true });
    const sent = chunks.flatMap(
      ({ choices }) => (choices[0]?.logprobs as { content: unknown[] } | undefined)?.content ?? [],
    );
    expect(sent).toHaveLength(2);
  });

  it("tells of a failure in mid-answer, and does not end with [DONE]", async () => {
    const { events } = await chatStream({
      answer: () => "abc",
      beforeToken: (index) => (index === 2 ? Promise.reject(new Error("secret detail")) : Promise.resolve()),
    });
    expect(events.at(-1)).toEqual({
      error: { code: 500, message: expect.any(String), type: "server_error" },
    });
    expect(JSON.stringify(events)).not.toContain("secret");
    expect(harness?.log.join("")).toContain("secret detail");
    expect(harness?.engine.pool.processing).toBe(0);
  });

  it("answers a refused request with a status, not with a stream", async () => {
    harness = await startHarness(new ScriptedModel());
    const response = await harness.post("/v1/chat/completions", {
      ...QUESTION,
      stream: true,
      temperature: "hot",
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      400,
      "application/json; charset=utf-8",
    ]);
  });

  it("keeps a silent stream alive with comments", async () => {
    const gate = Promise.withResolvers<void>();
    harness = await startHarness(new ScriptedModel({ beforeToken: () => gate.promise }), { pingMs: 10 });
    const response = await harness.post("/v1/chat/completions", { ...QUESTION, stream: true });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes(":\n\n:\n\n")) text += (await reader?.read())?.value ?? "";
    gate.resolve();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) text += next.value;
    expect(text).toContain("data: [DONE]");
  });
});

describe("tool calls", () => {
  const CALL = '{"name": "get_weather", "arguments": {"city": "Oslo"}}';

  it("are forced by a grammar when they are required", async () => {
    const { model, body } = await chat({}, { tools: TOOLS, tool_choice: "required", seed: 1 });
    expect(body["choices"]).toEqual([
      {
        finish_reason: "tool_calls",
        index: 0,
        message: {
          role: "assistant",
          content: "",
          tool_calls: [
            {
              type: "function",
              function: { name: "get_weather", arguments: expect.stringContaining("Oslo") },
              id: expect.stringMatching(/^\w{32}$/),
            },
          ],
        },
      },
    ]);
    expect(model.detokenize(model.requests[0]?.prompt ?? [])).toMatch(
      /<tools>\n.*get_weather[^]*<tool_call>\n$/,
    );
  });

  it("are the model's choice otherwise: it may just talk", async () => {
    const { body } = await chat({ answer: () => "No need." }, { tools: TOOLS });
    expect(body["choices"]).toMatchObject([{ finish_reason: "stop", message: { content: "No need." } }]);
  });

  it("are held to the grammar once the model begins one, and cost what both parts cost", async () => {
    const { model, body } = await chat(
      { answer: (_, { grammar }) => (grammar ? CALL : "Let me see. <tool_call>{bad json") },
      { tools: TOOLS },
    );
    expect(body["choices"]).toMatchObject([
      {
        finish_reason: "tool_calls",
        message: { content: "Let me see. ", tool_calls: [{ function: { arguments: '{"city": "Oslo"}' } }] },
      },
    ]);
    expect(model.requests).toHaveLength(2);
    const spoken = "Let me see. <tool_call>".length;
    expect(body["usage"]).toMatchObject({
      completion_tokens: spoken + CALL.length + 1,
      prompt_tokens: model.requests[0]?.prompt.length,
    });
  });

  it("stream the name first and then the arguments in pieces", async () => {
    const { chunks } = await chatStream({ answer: () => CALL }, { tools: TOOLS, tool_choice: "required" });
    const deltas = chunks.flatMap(
      ({ choices }) => (choices[0]?.delta["tool_calls"] as ToolDelta[] | undefined) ?? [],
    );
    expect(deltas[0]).toEqual({
      index: 0,
      id: expect.any(String),
      type: "function",
      function: { name: "get_weather", arguments: "" },
    });
    expect(deltas.slice(1).every((delta) => delta.id === undefined)).toBe(true);
    expect(deltas.map((delta) => delta.function.arguments).join("")).toBe('{"city": "Oslo"}');
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ finish_reason: "tool_calls", delta: {} });
  });

  it("end with length where the call is cut off", async () => {
    const { body } = await chat(
      { answer: () => CALL },
      { tools: TOOLS, tool_choice: "required", max_tokens: 30 },
    );
    expect(body["choices"]).toMatchObject([{ finish_reason: "length" }]);
  });

  it("use the template's own place for tools where it has one", async () => {
    const template = { source: "{% if tools %}<tool_call>{% endif %}" };
    const { model } = await chat({ template }, { tools: TOOLS, tool_choice: "required" });
    const prompt = model.detokenize(model.requests[0]?.prompt ?? []);
    expect(prompt).toMatch(/^\[tools:/);
    expect(prompt).not.toContain("<tools>");
  });
});

describe("a client that leaves", () => {
  it.each([
    ["while it reads a stream", true],
    ["while it waits for a whole answer", false],
  ])("stops its generation within a token %s", async (_, stream) => {
    const model = new ScriptedModel({
      answer: () => "x".repeat(400),
      beforeToken: () => new Promise((resolve) => setTimeout(resolve, 2)),
    });
    harness = await startHarness(model);
    const leaving = new AbortController();
    const answer = harness
      .post("/v1/chat/completions", { ...QUESTION, stream }, leaving.signal)
      .catch(() => undefined);
    await until(() => (harness?.engine.pool.states[0]?.outputTokens ?? 0) > 5, "it generates");
    leaving.abort();
    await answer;
    await until(() => harness?.engine.pool.processing === 0, "the slot is free");
    expect(model.running.size).toBe(0);
    expect(harness.engine.pool.states[0]?.outputTokens).toBeLessThan(300);
  });

  it("leaves the line without having generated anything", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel({ beforeToken: () => gate.promise });
    harness = await startHarness(model);
    const first = harness.post("/v1/chat/completions", QUESTION);
    await until(() => model.running.size === 1, "the slot is taken");
    const leaving = new AbortController();
    const second = harness.post("/v1/chat/completions", QUESTION, leaving.signal).catch(() => "left");
    await until(() => harness?.engine.pool.waiting === 1, "the second one waits");
    leaving.abort();
    expect(await second).toBe("left");
    await until(() => harness?.engine.pool.waiting === 0, "it has left the line");
    gate.resolve();
    expect((await first).status).toBe(200);
    expect(model.requests).toHaveLength(1);
  });
});

describe("the line for a slot", () => {
  it("is served first come, first served, and full at its end", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel({
      answer: (prompt) => /user\n(.*?)assistant/s.exec(prompt)?.[1] ?? "",
      beforeToken: () => gate.promise,
    });
    harness = await startHarness(model, { waitingMax: 2 });
    const ask = (content: string) =>
      harness?.post("/v1/chat/completions", { messages: [{ role: "user", content }] });
    const first = ask("1");
    await until(() => model.running.size === 1, "the slot is taken");
    const second = ask("2");
    await until(() => harness?.engine.pool.waiting === 1, "one waits");
    const third = ask("3");
    await until(() => harness?.engine.pool.waiting === 2, "two wait");
    const fourth = await ask("4");
    expect(fourth?.status).toBe(503);
    expect(await fourth?.json()).toMatchObject({
      error: { type: "unavailable_error", message: expect.stringContaining("2 requests") },
    });
    gate.resolve();
    expect((await Promise.all([first, second, third])).map((each) => each?.status)).toEqual([200, 200, 200]);
    expect(model.requests.map(({ prompt }) => /user\n(\d)/.exec(model.detokenize(prompt))?.[1])).toEqual([
      "1",
      "2",
      "3",
    ]);
  });

  it("sends a stream's headers at once, before there is a slot", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel({ beforeToken: () => gate.promise });
    harness = await startHarness(model);
    const first = harness.post("/v1/chat/completions", QUESTION);
    await until(() => model.running.size === 1, "the slot is taken");
    const second = await harness.post("/v1/chat/completions", { ...QUESTION, stream: true });
    expect(second.status).toBe(200);
    gate.resolve();
    expect(eventsOf(await second.text()).at(-1)).toBe("[DONE]");
    await first;
  });

  it("gives a conversation the slot that remembers it", async () => {
    const model = new ScriptedModel({ slots: 2, answer: () => "yes" });
    harness = await startHarness(model);
    const ask = async (content: string) =>
      (await (
        await harness?.post("/v1/chat/completions", { messages: [{ role: "user", content }] })
      )?.json()) as { timings: { cache_n: number } };
    await ask("first conversation");
    await ask("another topic");
    expect((await ask("first conversation, continued")).timings.cache_n).toBe(24);
  });
});
