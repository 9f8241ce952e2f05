import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineCall, EngineEvent, EngineFault } from "./engine.ts";
import { ollama } from "./ollama.ts";

// Each case is a trap of Ollama: https://github.com/ollama/ollama/blob/main/docs/api.md

const call = <Body extends object>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model: { names: ["m:latest", "m"] },
  requestId: "req_1",
});
const user = { role: "user" as const, content: "Hello" };
const chat = (more: object) =>
  ollama.chat.encode(call({ model: "m", messages: [user], ...more } as ChatRequest));
const completion = (more: object) => ollama.completion.encode(call({ model: "m", prompt: "Once", ...more }));
const sent = (encoded: ReturnType<typeof chat>) =>
  encoded.ok ? (JSON.parse(encoded.value.body) as Record<string, unknown>) : { refused: encoded.error };
const param = (encoded: ReturnType<typeof chat>) =>
  encoded.ok ? undefined : "param" in encoded.error ? encoded.error.param : encoded.error.kind;
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
const part = (more: object) => [{ role: "user", content: [{ type: "text", text: "Look" }, more] }];

describe("a chat to Ollama", () => {
  it("goes to its own API, under the model's full name, and says honestly where the context overflows", () => {
    expect(chat({})).toMatchObject({ ok: true, value: { path: "/api/chat" } });
    expect(sent(chat({}))).toEqual({
      model: "m:latest",
      messages: [user],
      stream: false,
      truncate: false,
      options: {},
    });
  });

  it("says stream: false, for Ollama streams unless told", () => {
    expect(sent(chat({ stream: null }))).toMatchObject({ stream: false });
    expect(sent(chat({ stream: true }))).toMatchObject({ stream: true });
  });

  it.each<[object, object]>([
    [{ max_completion_tokens: 5 }, { num_predict: 5 }],
    [{ max_tokens: 6 }, { num_predict: 6 }],
    [{ max_tokens: 6, max_completion_tokens: 5 }, { num_predict: 5 }],
    [{ num_predict: 7 }, { num_predict: 7 }],
    [{ num_predict: 7, max_tokens: 6 }, { num_predict: 6 }],
    [{ stop: "x" }, { stop: ["x"] }],
    [{ stop: ["x", "y"] }, { stop: ["x", "y"] }],
    [
      { temperature: 0, top_p: 0.5, top_k: 3, min_p: 0, seed: 0 },
      { temperature: 0, top_p: 0.5, top_k: 3, min_p: 0, seed: 0 },
    ],
    [
      { presence_penalty: 1, frequency_penalty: -1 },
      { presence_penalty: 1, frequency_penalty: -1 },
    ],
    [{ repetition_penalty: 1.1 }, { repeat_penalty: 1.1 }],
    [{ repetition_penalty: 1.1, repeat_penalty: 1.2 }, { repeat_penalty: 1.2 }],
    [{ temperature: null, stop: null, max_tokens: null, seed: null }, {}],
  ])("takes %j as the options %j", (more, options) => {
    expect(sent(chat(more)).options).toEqual(options);
  });

  it.each<[object, object]>([
    [{ response_format: { type: "json_object" } }, { format: "json" }],
    [
      { response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } } },
      { format: { type: "object" } },
    ],
    [{ response_format: { type: "json_schema", json_schema: { name: "n" } } }, { format: "json" }],
    [{ reasoning_effort: "none" }, { think: false }],
    [{ reasoning_effort: "minimal" }, { think: "low" }],
    [{ reasoning_effort: "medium" }, { think: "medium" }],
    [{ reasoning_effort: "xhigh" }, { think: "max" }],
    [{ think: false }, { think: false }],
    [{ think: "high" }, { think: "high" }],
    [{ think: true, reasoning_effort: "none" }, { think: false }],
    [{ format: "json" }, { format: "json" }],
    [{ format: { type: "object" } }, { format: { type: "object" } }],
    [{ format: { type: "object" }, response_format: { type: "json_object" } }, { format: "json" }],
    [
      { logprobs: true, top_logprobs: 3 },
      { logprobs: true, top_logprobs: 3 },
    ],
    [{ tools, tool_choice: "auto" }, { tools }],
  ])("takes %j as %j", (more, members) => {
    expect(sent(chat(more))).toMatchObject(members);
  });

  it.each([
    { response_format: { type: "text" } },
    { tools, tool_choice: "none" },
    { tools: [] },
    { reasoning_effort: null },
    { n: 1 },
    { logit_bias: {} },
    { think: null, format: null, made_up: null, keep_alive: null },
    {
      user: "u",
      metadata: { a: "b" },
      store: true,
      service_tier: "auto",
      prompt_cache_key: "k",
      safety_identifier: "s",
      prediction: { type: "content", content: "x" },
    },
  ])("needs nothing for %j", (more) => {
    expect(Object.keys(sent(chat(more))).toSorted()).toEqual([
      "messages",
      "model",
      "options",
      "stream",
      "truncate",
    ]);
  });

  it.each<[string, object]>([
    ["n", { n: 2 }],
    ["logit_bias", { logit_bias: { 1: 1 } }],
    ["tool_choice", { tools, tool_choice: "required" }],
    ["tool_choice", { tools, tool_choice: { type: "function", function: { name: "f" } } }],
    ["parallel_tool_calls", { tools, parallel_tool_calls: false }],
    [
      "messages[0].content[1].image_url.url",
      { messages: part({ type: "image_url", image_url: { url: "https://host/a.png" } }) },
    ],
    [
      "messages[0].content[1].image_url.url",
      { messages: part({ type: "image_url", image_url: { url: "data:image/svg+xml,<svg/>" } }) },
    ],
    [
      "messages[0].content[1].type",
      { messages: part({ type: "input_audio", input_audio: { data: "a", format: "wav" } }) },
    ],
    ["messages[0].content[1].type", { messages: part({ type: "file", file: {} }) }],
    [
      "messages[1].tool_calls[0].function.arguments",
      {
        messages: [
          user,
          {
            role: "assistant",
            tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "no JSON" } }],
          },
        ],
      },
    ],
    [
      "messages[1].function_call.arguments",
      {
        messages: [
          user,
          { role: "assistant", content: null, function_call: { name: "f", arguments: "no JSON" } },
        ],
      },
    ],
    ["messages[1].audio", { messages: [user, { role: "assistant", audio: { id: "audio_1" } }] }],
    ["made_up", { made_up: 1 }],
    ["guided_json", { guided_json: {} }],
    ["chat_template_kwargs", { chat_template_kwargs: { enable_thinking: false } }],
    ...["options", "num_ctx", "keep_alive", "num_gpu", "num_thread", "template", "raw", "context"].map(
      (name): [string, object] => [name, { [name]: 1 }],
    ),
  ])("is refused by name for %s: %j", (name, more) => {
    expect(param(chat(more))).toBe(name);
  });

  it("carries a conversation in Ollama's form", () => {
    const messages = [
      { role: "developer", content: "Be brief" },
      {
        role: "user",
        content: [
          { type: "text", text: "What" },
          { type: "text", text: "is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning_content: "hm",
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "look", arguments: '{"at":1}' } },
          { id: "call_2", type: "function", function: { name: "wait", arguments: "" } },
        ],
      },
      { role: "tool", tool_call_id: "call_2", content: "waited" },
      { role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: "a cat" }] },
      { role: "tool", tool_call_id: "lost", content: "?" },
      { role: "assistant", content: null, function_call: { name: "old", arguments: '{"a":1}' } },
      { role: "function", name: "old", content: "result" },
      { role: "assistant", content: null, refusal: "I cannot" },
      { role: "assistant", content: [{ type: "text", text: "No:" }], refusal: "I cannot" },
    ];
    expect(sent(chat({ messages })).messages).toEqual([
      { role: "system", content: "Be brief" },
      { role: "user", content: "What\nis it?", images: ["AAAA"] },
      {
        role: "assistant",
        content: "",
        thinking: "hm",
        tool_calls: [
          { id: "call_1", function: { name: "look", arguments: { at: 1 } } },
          { id: "call_2", function: { name: "wait", arguments: {} } },
        ],
      },
      { role: "tool", content: "waited", tool_call_id: "call_2", tool_name: "wait" },
      { role: "tool", content: "a cat", tool_call_id: "call_1", tool_name: "look" },
      { role: "tool", content: "?", tool_call_id: "lost" },
      { role: "assistant", content: "", tool_calls: [{ function: { name: "old", arguments: { a: 1 } } }] },
      { role: "tool", content: "result", tool_name: "old" },
      { role: "assistant", content: "I cannot" },
      { role: "assistant", content: "No:\nI cannot" },
    ]);
  });
});

describe("a completion of Ollama", () => {
  it("is raw, of 16 tokens unless told, and honest about its context", () => {
    expect(completion({})).toMatchObject({ ok: true, value: { path: "/api/generate" } });
    expect(sent(completion({}))).toEqual({
      model: "m:latest",
      prompt: "Once",
      raw: true,
      stream: false,
      truncate: false,
      options: { num_predict: 16 },
    });
    expect(sent(completion({ max_tokens: 0, suffix: "end" }))).toMatchObject({
      suffix: "end",
      options: { num_predict: 0 },
    });
    expect(sent(completion({ suffix: "end" }))).not.toHaveProperty("raw");
    expect(sent(completion({ prompt: ["only"] }))).toMatchObject({ prompt: "only" });
    expect(sent(completion({ format: "json", num_predict: 3 }))).toMatchObject({
      format: "json",
      options: { num_predict: 3 },
    });
  });

  it.each<[string, object]>([
    ["echo", { echo: true }],
    ["best_of", { best_of: 2 }],
    ["logprobs", { logprobs: 0 }],
    ["n", { n: 2 }],
    ["prompt", { prompt: "" }],
    ["prompt", { prompt: ["a", "b"] }],
    ["prompt", { prompt: [1, 2] }],
    ["prompt", { prompt: [[1, 2]] }],
    ["keep_alive", { keep_alive: 0 }],
    ["think", { think: true }],
    ["response_format", { response_format: { type: "json_object" } }],
  ])("is refused by name for %s: %j", (name, more) => {
    expect(param(completion(more))).toBe(name);
  });
});

describe("what Ollama answers", () => {
  const events = (...lines: object[]): EngineEvent[] => {
    const { stream } = ollama.chat;
    if (stream.format !== "translated") throw new Error("Ollama has a format of its own");
    const decoder = stream.decoder({ model: "m", messages: [{ role: "user", content: "" }] });
    return [
      ...decoder.push(new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))),
      ...decoder.end(),
    ];
  };
  const types = (list: readonly EngineEvent[]) =>
    list.map((event) => (event.type === "finish" ? event.reason : event.type));
  const fn = (name: string, args: object) => ({ function: { name, arguments: args } });

  it.each<[what: string, lines: object[], said: string[]]>([
    [
      "a text",
      [
        { message: { content: "a" }, done: false },
        { message: { content: "" }, done: true, done_reason: "stop", eval_count: 1, prompt_eval_count: 2 },
      ],
      ["delta", "stop", "usage", "done"],
    ],
    [
      "a text that was cut by its limit",
      [{ message: { content: "a" }, done: true, done_reason: "length" }],
      ["delta", "length", "done"],
    ],
    [
      "a call before the last line",
      [
        { message: { content: "", tool_calls: [fn("f", { a: 1 })] }, done: false },
        { message: { content: "" }, done: true, done_reason: "stop" },
      ],
      ["delta", "tool_calls", "done"],
    ],
    [
      "a call on the last line",
      [{ message: { content: "", tool_calls: [fn("f", {})] }, done: true, done_reason: "stop" }],
      ["delta", "tool_calls", "done"],
    ],
    ["no reason for its end", [{ message: { content: "a" }, done: true }], ["delta", "stop", "done"]],
    [
      "a model that was loaded instead",
      [{ message: { content: "" }, done: true, done_reason: "load" }],
      ["error", "done"],
    ],
    [
      "an error after a 200",
      [
        { message: { content: "a" }, done: false },
        { error: "an error was encountered while running the model: unexpected EOF" },
      ],
      ["delta", "error"],
    ],
    [
      "a legacy text",
      [
        { response: "a", done: false },
        { response: "", done: true, done_reason: "stop" },
      ],
      ["delta", "stop", "done"],
    ],
  ])("is read: %s", (_, lines, said) => {
    expect(types(events(...lines))).toEqual(said);
  });

  it("has calls with ids of their own and arguments as text", () => {
    const [one, two] = events(
      {
        created_at: "2026-01-31T12:00:00.5Z",
        message: { tool_calls: [fn("f", { a: 1 }), { id: "", ...fn("f", {}) }] },
        done: false,
      },
      { message: { tool_calls: [{ id: "call_x", ...fn("g", {}) }] }, done: false },
    );
    expect(one).toMatchObject({
      toolCalls: [
        {
          index: 0,
          id: "call_202601311200005_0",
          type: "function",
          function: { name: "f", arguments: '{"a":1}' },
        },
        { index: 1, id: "call_202601311200005_1" },
      ],
    });
    expect(two).toMatchObject({ toolCalls: [{ index: 2, id: "call_x", function: { arguments: "{}" } }] });
  });

  it("has calls whose ids are not those of the turn before", () => {
    const ids = ["2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456889Z"].map((created_at) => {
      const [delta] = events({ created_at, message: { tool_calls: [fn("f", {})] }, done: false });
      return delta?.type === "delta" ? delta.toolCalls?.[0]?.id : undefined;
    });
    expect(new Set(ids).size).toBe(2);
  });

  it("keeps the log probabilities of a token that has no text yet", () => {
    const half = { token: "\ufffd", logprob: -0.5, bytes: [240] };
    expect(events({ message: { content: "" }, logprobs: [half], done: false })).toEqual([
      {
        type: "delta",
        index: 0,
        logprobs: { content: [{ ...half, top_logprobs: [] }], refusal: null },
      },
    ]);
  });

  it.each<[string, object, object | undefined]>([
    [
      "both counts",
      { prompt_eval_count: 5, eval_count: 3 },
      { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    ],
    [
      "an answer of no tokens, whose zero is left out",
      { prompt_eval_count: 5 },
      { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 },
    ],
    ["a prompt that was cached whole, and is not counted by older versions", { eval_count: 3 }, undefined],
    ["a prompt of no tokens, which there is not", { prompt_eval_count: 0, eval_count: 3 }, undefined],
    ["no counts", {}, undefined],
  ])("tells its usage only where it knows it: %s", (_, counts, usage) => {
    const told = events({ done: true, done_reason: "stop", ...counts }).find(({ type }) => type === "usage");
    expect(told).toEqual(usage && { type: "usage", usage });
  });

  it.each<[what: string, status: number, body: string, fault: Partial<EngineFault>]>([
    ["an unknown model", 404, `{"error":"model 'x' not found"}`, { class: "client_fault", status: 404 }],
    [
      "a model that cannot chat",
      400,
      '{"error":"\\"m\\" does not support chat"}',
      { class: "client_fault", status: 400 },
    ],
    [
      "a model without tools, as 500",
      500,
      '{"error":"registry.ollama.ai/library/m:latest does not support tools"}',
      { class: "client_fault", status: 400 },
    ],
    [
      "an option of the wrong type, as 500",
      500,
      '{"error":"option \\"temperature\\" must be of type float32"}',
      { class: "client_fault", status: 400 },
    ],
    [
      "a full queue",
      503,
      '{"error":"server busy, please try again.  maximum pending requests exceeded"}',
      { class: "overload" },
    ],
    [
      "a Host that it refuses",
      403,
      "",
      { class: "failure", message: expect.stringContaining("httpHostHeader") as unknown as string },
    ],
    [
      "a runner that crashed",
      500,
      '{"error":"llama runner process has terminated: exit status 2"}',
      { class: "failure" },
    ],
    [
      "too long, its own words",
      400,
      '{"error":"the prompt is longer than the context length currently available"}',
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [
      "too long to embed",
      400,
      '{"error":"the input length exceeds the context length"}',
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [
      "too long, its runner's words as JSON within the text",
      400,
      JSON.stringify({
        error:
          '{"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}',
      }),
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [
      "a mistake in its runner's words, which are all of the text, by the runner's own status",
      500,
      JSON.stringify({
        error: '{"error":{"code":400,"message":"Failed to parse grammar","type":"invalid_request_error"}}',
      }),
      {
        class: "client_fault",
        status: 400,
        message: "Failed to parse grammar",
        type: "invalid_request_error",
      },
    ],
    [
      "a failure in its runner's words, behind its own",
      400,
      JSON.stringify({
        error: 'runner: {"error":{"code":500,"message":"Compute error.","type":"server_error"}}',
      }),
      { class: "failure", status: 500, message: "Compute error.", type: "server_error" },
    ],
    [
      "words that look like JSON",
      500,
      'x {"error": foo}',
      { class: "failure", status: 500, message: 'x {"error": foo}' },
    ],
    [
      "words that look like JSON, in an error",
      500,
      JSON.stringify({ error: '{"error": foo}' }),
      { class: "failure", status: 500, message: '{"error": foo}' },
    ],
    [
      "the cloud that it is not signed in to",
      401,
      '{"error":"unauthorized","signin_url":"https://ollama.com"}',
      { class: "failure" },
    ],
    [
      "a cloud that failed",
      502,
      '{"error":"Post \\"https://ollama.com:443/api/chat\\": EOF"}',
      { class: "failure" },
    ],
  ])("is judged: %s", (_, status, body, fault) => {
    expect(ollama.classify(status, body, undefined)).toMatchObject(fault);
  });

  it("lists its models under their own name first, and none that would leave the house", () => {
    const models = [
      // The model's own context: not what the server gives it.
      {
        model: "llama3.2:3b",
        modified_at: "2026-01-31T12:00:00.123456789Z",
        details: { context_length: 131_072 },
      },
      { model: "smollm2:latest" },
      { model: "gpt-oss:120b-cloud" },
      { model: "qwen:cloud" },
      { model: "GPT-OSS:120b-CLOUD" },
      { model: "mine", remote_host: "https://ollama.com" },
      { model: "yours", remote_model: "x" },
      {},
    ];
    expect(ollama.models.read({ models }).map(({ names }) => names.slice(0, 2))).toEqual([
      ["llama3.2:3b", "library/llama3.2:3b"],
      ["smollm2:latest", "smollm2"],
    ]);
    expect(ollama.models.read({ models })[0]?.created).toBe(Date.UTC(2026, 0, 31, 12) / 1000);
    expect(ollama.models.read({ models })[0]?.contextLength).toBeUndefined();
  });

  it("embeds texts only, and never cuts one in silence", () => {
    expect(ollama.embedding.encode(call({ model: "m", input: ["a", "b"], dimensions: 8 }))).toMatchObject({
      ok: true,
      value: { path: "/api/embed" },
    });
    const encoded = ollama.embedding.encode(call({ model: "m", input: "a" }));
    expect(encoded.ok && JSON.parse(encoded.value.body)).toEqual({
      model: "m:latest",
      input: "a",
      truncate: false,
    });
    for (const input of [
      [1, 2],
      [[1], [2]],
    ])
      expect(ollama.embedding.encode(call({ model: "m", input }))).toMatchObject({
        ok: false,
        error: { param: "input" },
      });
    expect(ollama.embedding.encode(call({ model: "m", input: "a", keep_alive: 0 }))).toMatchObject({
      ok: false,
      error: { param: "keep_alive" },
    });
  });

  it.each<[string, unknown]>([
    ["null", [null, [1]]],
    ["a text", [[1], "x"]],
    ["an empty list", [[1], []]],
    ["a list of more than numbers", [[1], [1, null]]],
    ["too few", [[1]]],
    ["no list", undefined],
  ])("takes no embeddings that are none: %s", (_, embeddings) => {
    const asked = call({ model: "m", input: ["a", "b"] });
    expect(ollama.embedding.answer({ embeddings: [[1], [0.5, -2]] }, asked, 0).ok).toBe(true);
    expect(ollama.embedding.answer({ embeddings }, asked, 0)).toMatchObject({
      ok: false,
      error: { class: "failure", status: 502 },
    });
  });

  it("tells a caller's mistake inside a 200 from its own failure, in chats and embeddings", () => {
    const asked = call({ model: "m", messages: [user] } as ChatRequest);
    const tooLong = { error: "the input length exceeds the context length" };
    const nested = {
      error: '{"error":{"code":400,"message":"Failed to parse grammar","type":"invalid_request_error"}}',
    };
    const crashed = { error: "llama runner process has terminated: exit status 2" };
    const mistake = {
      ok: false,
      error: { class: "client_fault", status: 400, code: "context_length_exceeded" },
    };
    const failure = { ok: false, error: { class: "failure", status: 502, message: crashed.error } };
    expect(ollama.chat.answer(tooLong, asked, 0)).toMatchObject(mistake);
    expect(ollama.chat.answer(nested, asked, 0)).toMatchObject({
      ok: false,
      error: { class: "client_fault", status: 400, message: "Failed to parse grammar" },
    });
    expect(ollama.chat.answer(crashed, asked, 0)).toMatchObject(failure);
    const embed = call({ model: "m", input: "a" });
    expect(ollama.embedding.answer(tooLong, embed, 0)).toMatchObject(mistake);
    expect(ollama.embedding.answer(crashed, embed, 0)).toMatchObject(failure);
  });

  it.each<[string, object, object, number]>([
    ["nothing", { content: "Hello there, how are you?" }, {}, 7],
    ["nothing of a call", { content: "", tool_calls: [fn("look_around", { at: "the house" })] }, {}, 15],
    ["its own tokens only", { content: "Hello there, how are you?" }, { eval_count: 9 }, 9],
  ])(
    "estimates the tokens that a whole answer does not tell: %s",
    (_, message, counts, completion_tokens) => {
      const answer = ollama.chat.answer(
        { message, done: true, done_reason: "stop", ...counts },
        call({ model: "m", messages: [user] } as ChatRequest),
        0,
      );
      expect(answer.ok && answer.value.usage).toEqual({
        prompt_tokens: 9,
        completion_tokens,
        total_tokens: 9 + completion_tokens,
        estimated: true,
      });
    },
  );

  it("is asked at its root, whatever path the operator left", () => {
    expect(ollama.trimBaseUrl("http://box:11434/api/")).toBe("http://box:11434");
  });
});
