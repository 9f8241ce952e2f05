import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall } from "./engine.ts";
import { tensorrtLlm } from "./tensorrt-llm.ts";

// Each case is a trap of trtllm-serve: https://github.com/NVIDIA/TensorRT-LLM/tree/main/tensorrt_llm/serve

const call = <Body extends object>(body: Body, model = {}): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "gpu",
  model: { names: ["served-name", "alias"], ...model },
  requestId: "req_7",
});
const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chatCall = (more: object, model = {}) =>
  call({ model: "served-name", messages, ...more } as ChatRequest, model);
const completionCall = (more: object) =>
  call({ model: "served-name", prompt: "a", ...more } as CompletionRequest);
const chat = (more: object, model = {}) => tensorrtLlm.chat.encode(chatCall(more, model));
const completion = (more: object) => tensorrtLlm.completion.encode(completionCall(more));
const embedding = (more: object) =>
  tensorrtLlm.embedding.encode(call({ model: "served-name", input: "a", ...more }));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;
const refusal = (param: string) => ({ ok: false, error: { kind: "unsupported", param, engine: "gpu" } });

const tool = (name: string, parameters?: object) => ({
  type: "function",
  function: { name, ...(parameters && { parameters }) },
});
const SCHEMA = { type: "object", properties: { city: { type: "string" } } };

describe.each([
  ["a chat", chat],
  ["a completion", completion],
] as const)("%s to TensorRT-LLM", (_, encode) => {
  it.each<[what: string, more: object, set: object, gone: string[]]>([
    [
      "asks for its usage, which the relay hides again",
      { stream: true },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "sends no stream option that it does not know",
      { stream: true, stream_options: { include_usage: false, include_obfuscation: false } },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "keeps the running usage that it does know",
      { stream: true, stream_options: { continuous_usage_stats: true } },
      { stream_options: { include_usage: true, continuous_usage_stats: true } },
      [],
    ],
    ["asks for no usage of a whole answer, which would be a 400", {}, {}, ["stream_options"]],
    [
      "leaves out the labels that ask for nothing",
      {
        metadata: { a: "b" },
        store: true,
        service_tier: "auto",
        safety_identifier: "x",
        prompt_cache_key: "y",
      },
      {},
      ["metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"],
    ],
    [
      "leaves out what is null, for many of its fields have no null",
      { n: null, top_k: null, priority: null, response_format: null, made_up: null },
      {},
      ["n", "top_k", "priority", "response_format", "made_up"],
    ],
    ["says all tokens in its own word, for the usual one ends its process", { top_k: -1 }, { top_k: 0 }, []],
    [
      "passes its own samplers on",
      { top_k: 5, min_p: 0.1, min_tokens: 2, stop_token_ids: [7], user: "me" },
      { top_k: 5, min_p: 0.1, min_tokens: 2, stop_token_ids: [7], user: "me" },
      [],
    ],
    [
      "gives a schema bare, as all releases take it",
      { response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema: SCHEMA } } },
      { response_format: { type: "json_schema", json_schema: SCHEMA } },
      [],
    ],
    [
      "asks for any object where the schema is left out",
      { response_format: { type: "json_schema", json_schema: { name: "x" } } },
      { response_format: { type: "json_object" } },
      [],
    ],
    ["keeps the limit that the caller gave", { max_tokens: 5 }, { max_tokens: 5 }, []],
  ])("%s", (what, more, set, gone) => {
    const body = sent(encode(more));
    expect(body, what).toMatchObject({ ...set, model: "served-name" });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("is sent as it came where there is nothing to change", () => {
    const body = { model: "served-name", messages, prompt: "a", max_tokens: 5 };
    const given = encode === chat ? { max_tokens: 5 } : { max_tokens: 5, seed: 1 };
    const text = JSON.stringify(
      encode === chat
        ? { model: body.model, messages, ...given }
        : { model: body.model, prompt: "a", ...given },
    );
    expect(encode(given)).toMatchObject({ ok: true, value: { body: text } });
  });

  it("names the model as it is served, not by its alias", () => {
    expect(sent(encode({ model: "alias" }))).toMatchObject({ model: "served-name" });
  });

  it.each([
    "priority",
    "cache_salt",
    "chat_template",
    "lora_request",
    "disaggregated_params",
    "conversation_params",
    "media_io_kwargs",
    "mm_processor_kwargs",
    "agent_hierarchy",
    "injected_chat_template_kwargs",
    "prompt_token_ids",
    "prompt_token_ids_b64",
    "return_context_logits",
    "detokenize",
  ])("is refused for %s, which is the operator's", (param) => {
    expect(encode({ [param]: 0 })).toMatchObject({
      ...refusal(param),
      error: { message: expect.stringContaining("not accepted from callers") },
    });
  });

  it.each(["guided_json", "structured_outputs", "regex", "ebnf", "repeat_penalty", "n_predict", "made_up"])(
    "is refused for %s, which it does not know, by a word of ours and not of Python's",
    (param) => {
      expect(encode({ [param]: 1 })).toMatchObject(refusal(param));
    },
  );

  it.each([
    ["top_k", { top_k: -2 }],
    ["max_tokens", { max_tokens: 0 }],
  ])("is refused for a %s that would end its process", (param, more) => {
    expect(encode(more)).toMatchObject(refusal(param));
  });
});

describe("a chat to TensorRT-LLM", () => {
  it.each<[what: string, more: object, model: object, limit: number]>([
    ["the newer name", { max_completion_tokens: 7 }, {}, 7],
    ["the newer of both names", { max_completion_tokens: 7, max_tokens: 9 }, {}, 7],
    ["no limit, so that no request keeps the others out", {}, {}, 8192],
    ["no limit, and a small context", {}, { contextLength: 2048 }, 2048],
  ])("has its limit under one name: %s", (_, more, model, limit) => {
    const body = sent(chat(more, model));
    expect(body).toMatchObject({ max_tokens: limit });
    expect(body).not.toHaveProperty("max_completion_tokens");
  });

  it("leaves out what is of other kinds of answers, as far as it asks for nothing", () => {
    const body = sent(
      chat({ verbosity: "medium", modalities: ["text"], prediction: { type: "content", content: "x" } }),
    );
    for (const name of ["verbosity", "modalities", "prediction"]) expect(body).not.toHaveProperty(name);
  });

  it("keeps a structural tag, which its grammars know", () => {
    const response_format = { type: "structural_tag", format: { type: "any_text" } };
    expect(sent(chat({ response_format }))).toMatchObject({ response_format });
  });

  it("goes on with a closing message by an option of the template's renderer", () => {
    const more = { continue_final_message: true, chat_template_kwargs: { enable_thinking: false } };
    const body = sent(chat(more));
    expect(body).toMatchObject({
      chat_template_kwargs: { enable_thinking: false, continue_final_message: true },
    });
    expect(body).not.toHaveProperty("continue_final_message");
  });

  it.each(["functions", "function_call", "audio", "web_search_options", "moderation"])(
    "is refused for %s",
    (param) => {
      expect(chat({ [param]: { name: "f" } })).toMatchObject({ ok: false, error: { param } });
    },
  );
});

describe("the tools of a chat to TensorRT-LLM", () => {
  const tools = [tool("weather", SCHEMA), tool("time")];
  const named = (name: string) => ({ type: "function", function: { name } });
  const allowed = (mode: string, ...names: string[]) => ({
    type: "allowed_tools",
    allowed_tools: { mode, tools: names.map(named) },
  });
  const held = { type: "json_schema", json_schema: SCHEMA };

  it.each<[what: string, more: object, set: object, gone: string[]]>([
    ["none in an empty list", { tools: [], tool_choice: "auto" }, {}, ["tools", "tool_choice"]],
    ["left to the model by default", { tools }, { tools }, ["tool_choice", "response_format"]],
    ["no choice for null, which would be a 400", { tools, tool_choice: null }, { tools }, ["tool_choice"]],
    ["not to be called", { tools, tool_choice: "none" }, { tool_choice: "none" }, []],
    [
      "the named one, held to its parameters",
      { tools, tool_choice: named("weather") },
      { tool_choice: named("weather"), response_format: held, tools },
      [],
    ],
    [
      "the named one without parameters",
      { tools, tool_choice: named("time") },
      { response_format: { json_schema: { type: "object" } } },
      [],
    ],
    [
      "the only one that is there, where one is required",
      { tools: tools.slice(0, 1), tool_choice: "required" },
      { tool_choice: named("weather"), response_format: held },
      [],
    ],
    [
      "the only one that is allowed, where one is required",
      { tools, tool_choice: allowed("required", "weather") },
      { tools: tools.slice(0, 1), tool_choice: named("weather"), response_format: held },
      [],
    ],
    [
      "those that are allowed",
      { tools, tool_choice: allowed("auto", "time") },
      { tools: tools.slice(1), tool_choice: "auto" },
      ["response_format"],
    ],
    [
      "one at a time, where one is forced",
      { tools, tool_choice: named("weather"), parallel_tool_calls: false },
      { tool_choice: named("weather") },
      ["parallel_tool_calls"],
    ],
    ["several at a time", { tools, parallel_tool_calls: true }, { tools }, ["parallel_tool_calls"]],
  ])("are %s", (what, more, set, gone) => {
    const body = sent(chat(more));
    expect(body, what).toMatchObject(set);
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it.each<[what: string, more: object, param: string]>([
    ["one of several required", { tools, tool_choice: "required" }, "tool_choice"],
    ["one of several allowed", { tools, tool_choice: allowed("required", "weather", "time") }, "tool_choice"],
    ["one that is not there", { tools, tool_choice: named("nothing") }, "tool_choice"],
    ["one that is not there allowed", { tools, tool_choice: allowed("auto", "nothing") }, "tool_choice"],
    ["one at a time", { tools, parallel_tool_calls: false }, "parallel_tool_calls"],
    ["a custom one", { tools: [{ type: "custom", custom: { name: "x" } }] }, "tools[0].type"],
  ])("are refused where it would only seem to obey: %s", (_, more, param) => {
    expect(chat(more)).toMatchObject(refusal(param));
  });
});

describe("a completion to TensorRT-LLM", () => {
  it("ends after 16 tokens where nobody says, as OpenAI's do", () => {
    expect(sent(completion({}))).toMatchObject({ max_tokens: 16 });
  });

  it("asks for the chosen tokens' probabilities with a number that it does not take for none", () => {
    expect(sent(completion({ logprobs: 0 }))).toMatchObject({ logprobs: 1 });
  });

  it.each<[what: string, more: object, param: string]>([
    ["no prompt", { prompt: null }, "prompt"],
    ["several prompts in a stream", { prompt: ["a", "b"], stream: true }, "prompt"],
    ["a suffix", { suffix: "z" }, "suffix"],
    ["an echo of token ids", { prompt: [1, 2], echo: true }, "echo"],
    ["an echo with log probabilities", { echo: true, logprobs: 1 }, "echo"],
  ])("is refused for %s", (_, more, param) => {
    expect(completion(more)).toMatchObject(refusal(param));
  });

  it.each([{ prompt: ["a", "b"] }, { prompt: [1, 2], stream: true }, { prompt: ["a"], stream: true }])(
    "is made of %j",
    (more) => {
      expect(sent(completion(more))).toMatchObject(more);
    },
  );
});

describe("an embedding of TensorRT-LLM", () => {
  it("is sent with what it knows, and no more", () => {
    const body = sent(embedding({ encoding_format: "float", user: "me", metadata: {} }));
    expect(body).toEqual({ model: "served-name", input: "a", encoding_format: "float" });
  });

  it.each(["dimensions", "priority", "made_up"])("is refused for %s", (param) => {
    expect(embedding({ [param]: 8 })).toMatchObject(refusal(param));
  });
});

describe("an answer that another engine began", () => {
  const written = { text: "It was", tokens: 2 };
  const resumed = (more: object, model = {}) =>
    tensorrtLlm.chat.continue?.(chatCall(more, model), written) ?? chat({});

  it("goes on in a chat from the closing message, which stays open", () => {
    expect(sent(resumed({ max_tokens: 10, chat_template_kwargs: { enable_thinking: false } }))).toMatchObject(
      {
        messages: [...messages, { role: "assistant", content: "It was" }],
        max_tokens: 8,
        add_generation_prompt: false,
        chat_template_kwargs: { enable_thinking: false, continue_final_message: true },
      },
    );
  });

  it.each([{ continue_final_message: true }, { chat_template_kwargs: { continue_final_message: true } }])(
    "goes on behind the beginning that the caller gave (%j)",
    (more) => {
      const begun = [...messages, { role: "assistant", content: "Once. " }];
      expect(sent(resumed({ ...more, messages: begun }))).toMatchObject({
        messages: [...messages, { role: "assistant", content: "Once. It was" }],
      });
    },
  );

  it.each(["openai/gpt-oss-120b", "DeepSeek-V3.2", "deepseek-v4", "Kimi-K3"])(
    "is not taken on by %s, whose prompts no template writes",
    (name) => {
      expect(resumed({}, { names: [name] })).toMatchObject({ ok: false, error: { kind: "unsupported" } });
    },
  );

  it("goes on in a completion behind its prompt", () => {
    const encoded = tensorrtLlm.completion.continue?.(completionCall({ max_tokens: 10 }), written);
    expect(encoded && sent(encoded)).toMatchObject({ prompt: "aIt was", max_tokens: 8 });
  });
});

describe("a stream of TensorRT-LLM", () => {
  const { stream } = tensorrtLlm.chat;
  const completions = tensorrtLlm.completion.stream;
  if (stream.format !== "openai" || completions.format !== "openai")
    throw new Error("TensorRT-LLM speaks OpenAI's format");
  const mended = (...chunks: object[]): unknown[] => {
    const mend = stream.rules.mender?.();
    return chunks.map((chunk) => {
      const copy = structuredClone(chunk) as Record<string, unknown>;
      mend?.(copy);
      return copy;
    });
  };
  const chunk = (delta: object, more: object = {}) => ({
    id: "chatcmpl-1",
    choices: [{ index: 0, delta, ...more }],
  });
  const piece = (index: number, fn: object, id?: string) => ({
    tool_calls: [{ ...(id !== undefined && { id }), type: "function", index, function: fn }],
  });

  it("is looked at event by event, for each lacks something", () => {
    expect(stream.relay({ usage: true, logprobs: false, choices: 1 })).toBe("exact");
    expect(stream.rules.mark.test('data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]} ')).toBe(
      true,
    );
  });

  it("has a finish_reason in every chunk, also where it was left out", () => {
    expect(mended(chunk({ content: "a" }), chunk({ content: "" }, { finish_reason: "stop" }))).toEqual([
      chunk({ content: "a" }, { finish_reason: null }),
      chunk({ content: "" }, { finish_reason: "stop" }),
    ]);
  });

  it.each([
    [{ content: "a", reasoning_content: "" }, { content: "a" }],
    [
      { content: "", reasoning_content: "hm" },
      { content: "", reasoning_content: "hm" },
    ],
    [{ reasoning: "hm" }, { reasoning_content: "hm" }],
  ])("shows reasoning under one name, and only where there is some: %j", (delta, expected) => {
    expect(mended(chunk(delta))).toEqual([chunk(expected, { finish_reason: null })]);
  });

  it("keeps the id of its first chunk, though older releases make one for each", () => {
    expect(mended({ id: "a", choices: [] }, { id: "b", choices: [] })).toEqual([
      { id: "a", choices: [] },
      { id: "a", choices: [] },
    ]);
  });

  it("names a tool that the caller chose once, and gives its call an id and the place of a first call", () => {
    const chosen = (args: string) => piece(1, { name: "weather", arguments: args });
    const [first, second] = mended(
      { id: "chatcmpl-1", choices: [{ index: 1, delta: chosen("{") }] },
      { id: "chatcmpl-1", choices: [{ index: 1, delta: chosen("}") }] },
    );
    expect(first).toMatchObject({
      choices: [{ delta: piece(0, { name: "weather", arguments: "{" }, "call_chatcmpl-1_1_0") }],
    });
    expect(second).toMatchObject({ choices: [{ delta: piece(0, { arguments: "}" }) }] });
    expect(JSON.stringify(second)).not.toMatch(/weather|"id":"call/);
  });

  it("keeps the calls that its parser found apart", () => {
    const pieces = mended(
      chunk(piece(0, { name: "a", arguments: "" }, "chatcmpl-tool-1")),
      chunk(piece(0, { arguments: "{}" })),
      chunk(piece(1, { name: "b", arguments: "" }, "chatcmpl-tool-2")),
      chunk(piece(1, { arguments: "{}" })),
    );
    expect(pieces).toMatchObject([
      chunk(piece(0, { name: "a" }, "chatcmpl-tool-1")),
      chunk(piece(0, { arguments: "{}" })),
      chunk(piece(1, { name: "b" }, "chatcmpl-tool-2")),
      chunk(piece(1, { arguments: "{}" })),
    ]);
  });

  it("has log probabilities with all that OpenAI's types require", () => {
    const token = { token: "a", logprob: -1, bytes: [97] };
    expect(mended(chunk({ content: "a" }, { logprobs: { content: [token] } }))).toMatchObject([
      { choices: [{ logprobs: { content: [{ ...token, top_logprobs: [] }], refusal: null } }] },
    ]);
  });

  it("tells the right places of a completion's tokens", () => {
    const mend = completions.rules.mender?.();
    const logprobs = { tokens: ["ab", "c", "d"], text_offset: [0, 1, 2] };
    const first = { id: "1", choices: [{ index: 0, text: "abcd", logprobs }] };
    const second = {
      id: "1",
      choices: [{ index: 0, text: "e", logprobs: { tokens: ["e"], text_offset: [0] } }],
    };
    mend?.(first);
    mend?.(second);
    expect([first, second].map(({ choices }) => choices[0]?.logprobs.text_offset)).toEqual([[0, 2, 3], [4]]);
  });
});

describe("a whole answer of TensorRT-LLM", () => {
  const message = {
    role: "assistant",
    content: "Hi",
    reasoning_content: null,
    reasoning: null,
    tool_calls: [],
  };
  const choice = {
    index: 0,
    message,
    logprobs: null,
    finish_reason: "stop",
    stop_reason: null,
    mm_embedding_handle: null,
    disaggregated_params: null,
    avg_decoded_tokens_per_iter: null,
  };
  const usage = {
    prompt_tokens: 9,
    total_tokens: 20,
    completion_tokens: 11,
    prompt_tokens_details: { cached_tokens: 0 },
  };
  const answer = (more: object) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "served-name",
    choices: [{ ...choice, ...more }],
    usage,
    prompt_token_ids: null,
  });
  const read = (more: object) => tensorrtLlm.chat.answer(answer(more), chatCall({}), 0);

  it("is mended to OpenAI's types: no nulls that they do not know, and no empty list of calls", () => {
    expect(read({})).toMatchObject({ ok: true, value: { usage, choices: [{ finish_reason: "stop" }] } });
    const mended = read({});
    expect(mended.ok && mended.value.choices[0]?.message).toEqual({
      role: "assistant",
      content: "Hi",
      refusal: null,
    });
  });

  it.each(["timeout", "cancelled", null])("is none with finish_reason %j", (finish_reason) => {
    expect(read({ finish_reason })).toMatchObject({ ok: false, error: { class: "failure" } });
  });

  it("says that it called the tool that the caller named", () => {
    const tool_calls = [
      { id: "chatcmpl-tool-1", type: "function", function: { name: "f", arguments: "{}" } },
    ];
    expect(read({ message: { ...message, content: "", tool_calls } })).toMatchObject({
      ok: true,
      value: { choices: [{ finish_reason: "tool_calls", message: { tool_calls } }] },
    });
  });

  it("has log probabilities with all that OpenAI's types require", () => {
    const token = { token: "a", logprob: -1, bytes: [97], top_logprobs: null };
    expect(read({ logprobs: { content: [token] } })).toMatchObject({
      ok: true,
      value: { choices: [{ logprobs: { content: [{ top_logprobs: [] }], refusal: null } }] },
    });
  });

  it("tells the right places of a completion's tokens", () => {
    const logprobs = { tokens: ["ab", "c"], text_offset: [0, 1], token_logprobs: [-1, -1], top_logprobs: [] };
    const whole = {
      id: "cmpl-1",
      choices: [{ index: 0, text: "abc", logprobs, finish_reason: "length" }],
      usage,
    };
    expect(tensorrtLlm.completion.answer(whole, completionCall({}), 0)).toMatchObject({
      ok: true,
      value: { choices: [{ logprobs: { text_offset: [0, 2] } }] },
    });
  });
});

describe("what goes wrong at TensorRT-LLM", () => {
  const flat = (message: string) =>
    JSON.stringify({ object: "error", message, type: "BadRequestError", param: null, code: 400 });
  const repr = (text: string) => JSON.stringify({ error: text });

  it.each<[what: string, status: number, body: string, fault: object]>([
    [
      "a field that it does not know",
      400,
      repr(
        "[{'type': 'extra_forbidden', 'loc': ('body', 'store'), 'msg': 'Extra inputs are not permitted', 'input': True}]",
      ),
      {
        class: "client_fault",
        status: 400,
        message: "store: Extra inputs are not permitted",
        param: "store",
      },
    ],
    [
      "a mistake inside of a field, with a quote in its words",
      400,
      repr(
        `[{'type': 'literal_error', 'loc': ('body', 'messages', 0, 'role'), 'msg': "Input should be 'user'", 'input': 'x'}]`,
      ),
      { class: "client_fault", message: "messages.0.role: Input should be 'user'", param: "messages" },
    ],
    [
      "the same in an older release's form",
      400,
      flat("logprobs must be true when using top_logprobs"),
      { class: "client_fault", status: 400, message: "logprobs must be true when using top_logprobs" },
    ],
    [
      "its own fault with a caller's status",
      400,
      flat("CUDA error: an illegal memory access"),
      { class: "failure", status: 502 },
    ],
    ["a bug of its own", 400, flat("'NoneType' object has no attribute 'outputs'"), { class: "failure" }],
    ["an assertion without a word", 400, flat(""), { class: "failure", status: 502 }],
    ["a dead engine", 503, "LLM is unavailable. Please check the server logs", { class: "failure" }],
    ["a missing response", 404, flat("Response x not found"), { class: "client_fault", status: 404 }],
    ["something that it does not do", 501, flat("not supported"), { class: "client_fault", status: 400 }],
    [
      "an embedding of a server that makes none",
      404,
      '{"detail":"Not Found"}',
      { class: "client_fault", code: "unsupported_operation" },
    ],
    ["a full queue of embeddings", 429, flat("queue is full"), { class: "overload", status: 429 }],
    ["a tunnel's page", 502, "<html>Bad gateway</html>", { class: "failure" }],
  ])("%s", (_, status, body, fault) => {
    expect(tensorrtLlm.classify(status, body, undefined)).toMatchObject(fault);
  });

  it.each([
    "The sum of prompt length (9000), query length (0) should not exceed max_num_tokens (8192)",
    "`default_max_tokens` (-5) must be greater than 0, `default_max_tokens` (-5) = max_seq_len (10) - `splited_prompt_len` (15)",
    "Prompt length (7000) exceeds maximum input length (2048). Set log level to info",
  ])("a prompt that does not fit, in any of its words: %s", (message) => {
    expect(tensorrtLlm.classify(400, flat(message), undefined)).toMatchObject({
      class: "client_fault",
      status: 400,
      code: "context_length_exceeded",
    });
  });
});

describe("what TensorRT-LLM tells of itself", () => {
  it("is its health, and not by a call that costs a slot", () => {
    expect(tensorrtLlm.health.path).toBe("/health");
    expect(tensorrtLlm.health.read(200, "")).toBe("ready");
    expect(tensorrtLlm.health.read(503, "LLM is unavailable")).toBe("down");
  });

  it("is its load, where reading it takes nothing away from others", () => {
    expect(tensorrtLlm.load?.path).toBe("/prometheus/metrics");
    const line = (name: string, value: number) =>
      `trtllm_${name}{engine_type="trtllm",model_name="m"} ${value}\n`;
    const text =
      line("num_requests_running", 3) +
      line("num_requests_waiting", 2) +
      line("kv_cache_utilization", 0.25) +
      line("max_num_active_requests", 64);
    const load = { running: 3, waiting: 2, kvUse: 0.25, slots: 64 };
    expect(tensorrtLlm.load?.read(text)).toEqual(load);
    expect(tensorrtLlm.load?.read(text.replaceAll("trtllm_", ""))).toEqual(load);
  });

  it("is nothing where its operator has not switched it on", () => {
    expect(tensorrtLlm.load?.read('{"detail":"Not Found"}')).toEqual({
      running: undefined,
      waiting: undefined,
      kvUse: undefined,
      slots: undefined,
    });
  });
});
