import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall, EngineModel } from "./engine.ts";
import { tgi } from "./tgi.ts";

// Each case is a trap of TGI: https://github.com/huggingface/text-generation-inference/tree/main/router/src

const BASE: EngineModel = { names: ["org/model"], ownedBy: "org/model", contextLength: 4_096 };
const call = <Body>(body: Body, model = BASE): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model,
  requestId: "req_1",
});
const user: ChatRequest["messages"][number] = { role: "user", content: "Hello" };
const chat = (more: object, model = BASE) =>
  tgi.chat.encode(call({ model: "public-name", messages: [user], ...more } as ChatRequest, model));
const completion = (more: object, model = BASE) =>
  tgi.completion.encode(call({ model: "public-name", prompt: "Once", ...more } as CompletionRequest, model));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;
const pathOf = (encoded: ReturnType<typeof chat>) => encoded.ok && encoded.value.path;
const refused = (param: string) => ({ ok: false, error: { kind: "unsupported", param, engine: "box" } });

const fn = (name: string, parameters: object = { type: "object", properties: {} }) => ({
  type: "function" as const,
  function: { name, parameters },
});
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const json = { type: "json_schema", json_schema: { name: "note", schema, strict: true } };

describe("a chat to TGI", () => {
  it.each<[what: string, more: object, set: object, gone?: string[]]>([
    ["names no model, which would be taken for an adapter", {}, { model: "tgi", messages: [user] }],
    [
      "asks for usage in a stream",
      { stream: true },
      { stream: true, stream_options: { include_usage: true } },
    ],
    [
      "leaves out what may not be null there",
      {
        stream: null,
        stream_options: null,
        stop: null,
        tools: null,
        response_format: null,
        logit_bias: null,
      },
      {},
      ["stream", "stream_options", "stop", "tools", "response_format", "logit_bias"],
    ],
    [
      "says one limit, for two are one field there",
      { max_tokens: 9, max_completion_tokens: 5 },
      { max_tokens: 5 },
      ["max_completion_tokens"],
    ],
    ["says the older limit where it is alone", { max_tokens: 9 }, { max_tokens: 9 }],
    ["makes a list of one stop text", { stop: "x" }, { stop: ["x"] }],
    ["leaves out an empty stop text, which would end all at once", { stop: ["", "x"] }, { stop: ["x"] }],
    ["says nothing of no stop text", { stop: [] }, {}, ["stop"]],
    ["leaves out a top_p of 1, which it refuses", { top_p: 1 }, {}, ["top_p"]],
    [
      "takes a top_p of 0, which it refuses, for greedy",
      { top_p: 0, temperature: 1 },
      { temperature: 0 },
      ["top_p"],
    ],
    ["keeps any other top_p", { top_p: 0.9, temperature: 0 }, { top_p: 0.9, temperature: 0 }],
    [
      "leaves out a presence penalty of 0, which would be a strong one",
      { presence_penalty: 0 },
      {},
      ["presence_penalty"],
    ],
    [
      "says the repetition penalty as it is counted there",
      { repetition_penalty: 1.5 },
      { presence_penalty: -0.5 },
      ["repetition_penalty"],
    ],
    ["keeps the penalty of frequency", { frequency_penalty: 0.5 }, { frequency_penalty: 0.5 }],
    ["leaves out an empty bias of tokens, for an object is a 422", { logit_bias: {} }, {}, ["logit_bias"]],
    [
      "leaves out an empty list of tools, which would cost a generation",
      { tools: [], tool_choice: "auto" },
      {},
      ["tools", "tool_choice"],
    ],
    [
      "leaves out tools that may not be called",
      { tools: [fn("a")], tool_choice: "none" },
      {},
      ["tools", "tool_choice"],
    ],
    [
      "gives a tool the parameters that it must have there",
      { tools: [{ type: "function", function: { name: "a" } }] },
      { tools: [fn("a")] },
    ],
    [
      "keeps a named tool",
      { tools: [fn("a"), fn("b")], tool_choice: { type: "function", function: { name: "b" } } },
      { tool_choice: { type: "function", function: { name: "b" } } },
    ],
    [
      "knows the allowed tools by leaving out the others",
      {
        tools: [fn("a"), fn("b")],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [fn("b")] } },
      },
      { tools: [fn("b")], tool_choice: "required" },
    ],
    [
      "puts definitions where they are referred to, for only properties reach the grammar",
      {
        tools: [
          fn("a", {
            type: "object",
            properties: { at: { $ref: "#/$defs/At" } },
            $defs: { At: { type: "string" } },
          }),
        ],
      },
      { tools: [fn("a", { type: "object", properties: { at: { type: "string" } } })] },
    ],
    ["keeps its own prompt for tools", { tools: [fn("a")], tool_prompt: "Call!" }, { tool_prompt: "Call!" }],
    [
      "renames the member of a schema",
      { response_format: json },
      { response_format: { type: "json_schema", value: { name: "note", schema, strict: true } } },
    ],
    [
      "takes a schema with json_object",
      { response_format: { type: "json_object", schema } },
      { response_format: { type: "json_object", value: schema } },
    ],
    ["says nothing of a format that is text", { response_format: { type: "text" } }, {}, ["response_format"]],
    [
      "takes its own grammars",
      { grammar: { type: "regex", value: "a+" } },
      { response_format: { type: "regex", value: "a+" } },
      ["grammar"],
    ],
    [
      "asks for JSON where tools may not be called",
      { response_format: json, tools: [fn("a")], tool_choice: "none" },
      { response_format: { type: "json_schema" } },
      ["tools"],
    ],
    ["asks for probabilities", { logprobs: true, top_logprobs: 3 }, { logprobs: true, top_logprobs: 3 }],
    ["asks for none", { logprobs: false, top_logprobs: null }, {}, ["logprobs", "top_logprobs"]],
    [
      "drops what changes nothing",
      { user: "me", metadata: { a: "b" }, store: true, parallel_tool_calls: false, service_tier: "auto" },
      {},
      ["user", "metadata", "store", "parallel_tool_calls", "service_tier"],
    ],
  ])("%s", (_, more, set, gone = []) => {
    const encoded = chat(more);
    expect(pathOf(encoded)).toBe("/v1/chat/completions");
    expect(sent(encoded)).toMatchObject(set);
    for (const name of gone) expect(sent(encoded)).not.toHaveProperty(name);
  });

  it("names the adapter that the operator configured", () => {
    expect(sent(chat({}, { names: ["sql-adapter"] }))).toMatchObject({ model: "sql-adapter" });
  });

  it.each<[param: string, more: object]>([
    ["n", { n: 2 }],
    ["logit_bias", { logit_bias: { "5": 1 } }],
    ["presence_penalty", { presence_penalty: 0.5 }],
    ["repetition_penalty", { repetition_penalty: "much" }],
    ["reasoning_effort", { reasoning_effort: "low" }],
    ["response_format", { response_format: { type: "json_object" } }],
    ["response_format", { response_format: { type: "json_schema", json_schema: { name: "x" } } }],
    ["response_format", { response_format: json, tools: [fn("a")] }],
    ["response_format", { response_format: { type: "structural_tag" } }],
    ["grammar", { grammar: { type: "regex", value: "a" }, response_format: json }],
    ["grammar", { grammar: { type: "regex", value: "a" }, tools: [fn("a")] }],
    ["grammar", { grammar: 'root ::= "a"' }],
    ["tools", { tools: [fn("no_tool")] }],
    ["tools[1].function.parameters", { tools: [fn("a"), fn("b", { properties: { at: { $ref: "#" } } })] }],
    ["tool_choice", { tools: [fn("a")], tool_choice: { type: "function", function: { name: "b" } } }],
    [
      "tool_choice",
      {
        tools: [fn("a")],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [fn("b")] } },
      },
    ],
    ["functions", { functions: [{ name: "f" }] }],
    [
      "messages[0].content[0].type",
      {
        messages: [
          { role: "user", content: [{ type: "input_audio", input_audio: { data: "a", format: "wav" } }] },
        ],
      },
    ],
    // Known to others, or past the gateway: TGI would drop them in silence.
    ["top_k", { top_k: 5 }],
    ["min_p", { min_p: 0.1 }],
    ["adapter_id", { adapter_id: "other" }],
    ["guided_json", { guided_json: {} }],
    ["chat_template_kwargs", { chat_template_kwargs: {} }],
    ["made_up", { made_up: 0 }],
  ])("is refused for %s: %j", (param, more) => {
    expect(chat(more)).toMatchObject(refused(param));
  });
});

describe("a conversation with TGI", () => {
  const called = { id: "call_1", type: "function" as const, function: { name: "f", arguments: '{"a":1}' } };
  const own = { id: "call_1", type: "function", function: { name: "f", arguments: { a: 1 } } };
  const image = {
    type: "image_url" as const,
    image_url: { url: "data:image/png;base64,AA==", detail: "low" },
  };

  it.each<[string, object, object]>([
    [
      "is told by its developer as by its system",
      { role: "developer", content: "Be kind" },
      { role: "system", content: "Be kind" },
    ],
    [
      "keeps the speaker's name",
      { role: "user", name: "Ada", content: "Hi" },
      { role: "user", name: "Ada", content: "Hi" },
    ],
    [
      "keeps parts, and no detail of an image",
      { role: "user", content: [{ type: "text", text: "What?" }, image] },
      {
        role: "user",
        content: [
          { type: "text", text: "What?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
        ],
      },
    ],
    [
      "has calls without a text, which would hide them",
      { role: "assistant", content: "", tool_calls: [called] },
      { role: "assistant", tool_calls: [own] },
    ],
    [
      "has calls without null",
      { role: "assistant", content: null, tool_calls: [called] },
      { role: "assistant", tool_calls: [own] },
    ],
    [
      "has calls behind a text as TGI writes them",
      { role: "assistant", content: "Let me see", tool_calls: [called] },
      {
        role: "assistant",
        content:
          'Let me see\n[{"id":"call_1","type":"function","function":{"description":null,"name":"f","arguments":"{\\"a\\":1}"}}]',
      },
    ],
    [
      "keeps arguments that are no JSON",
      {
        role: "assistant",
        content: null,
        tool_calls: [{ ...called, function: { name: "f", arguments: "{" } }],
      },
      { role: "assistant", tool_calls: [{ ...own, function: { name: "f", arguments: "{" } }] },
    ],
    [
      "knows calls under their older name",
      { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
      {
        role: "assistant",
        tool_calls: [{ id: "0", type: "function", function: { name: "f", arguments: {} } }],
      },
    ],
    ["has an empty text for null", { role: "assistant", content: null }, { role: "assistant", content: "" }],
    [
      "has a refusal as a text",
      { role: "assistant", content: null, refusal: "No" },
      { role: "assistant", content: "No" },
    ],
    [
      "has a refusal among its parts",
      { role: "assistant", content: [{ type: "refusal", refusal: "No" }], refusal: "Really" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "No" },
          { type: "text", text: "Really" },
        ],
      },
    ],
    [
      "keeps a tool's result",
      { role: "tool", tool_call_id: "call_1", content: "3" },
      { role: "tool", tool_call_id: "call_1", content: "3" },
    ],
    [
      "knows results under their older name",
      { role: "function", name: "f", content: "3" },
      { role: "tool", name: "f", content: "3" },
    ],
  ])("%s", (_, message, expected) => {
    expect(sent(chat({ messages: [message] }))).toMatchObject({ messages: [expected] });
    expect((sent(chat({ messages: [message] })) as { messages: object[] }).messages[0]).toEqual(expected);
  });
});

describe("a completion to TGI", () => {
  it.each<[what: string, path: string, more: object, set: object, gone?: string[]]>([
    [
      "goes the OpenAI way, with OpenAI's limit",
      "/v1/completions",
      {},
      { model: "tgi", prompt: "Once", max_tokens: 16 },
      ["stream"],
    ],
    ["may be of a list of one", "/v1/completions", { prompt: ["Once"] }, { prompt: "Once" }],
    [
      "may be of several prompts, streamed too",
      "/v1/completions",
      { prompt: ["a", "b"], stream: true },
      { prompt: ["a", "b"], stream: true },
    ],
    [
      "keeps the repetition penalty",
      "/v1/completions",
      { repetition_penalty: 1.5 },
      { repetition_penalty: 1.5 },
    ],
    ["echoes by ourselves", "/v1/completions", { echo: true, best_of: 1 }, {}, ["echo", "best_of"]],
    [
      "is streamed the native way",
      "/generate_stream",
      { stream: true, stop: "x" },
      { inputs: "Once", parameters: { details: true, do_sample: true, max_new_tokens: 16, stop: ["x"] } },
    ],
    [
      "is greedy there where it is to be",
      "/generate_stream",
      { stream: true, temperature: 0 },
      { parameters: { do_sample: false } },
    ],
    [
      "samples there where it is to",
      "/generate_stream",
      { stream: true, temperature: 0.5, max_tokens: 4 },
      { parameters: { do_sample: true, temperature: 0.5, max_new_tokens: 4 } },
    ],
    [
      "goes the native way for probabilities, with the prompt's tokens",
      "/generate",
      { logprobs: 2 },
      { parameters: { top_n_tokens: 2, details: true, decoder_input_details: true } },
    ],
    ["goes the native way for the best of two", "/generate", { best_of: 2 }, { parameters: { best_of: 2 } }],
    [
      "goes the native way for its samplers",
      "/generate",
      { top_k: 5, typical_p: 0.5 },
      { parameters: { top_k: 5, typical_p: 0.5 } },
    ],
    [
      "goes the native way for a grammar",
      "/generate",
      { grammar: { type: "regex", value: "a+" } },
      { parameters: { grammar: { type: "regex", value: "a+" } } },
    ],
  ])("%s", (_, path, more, set, gone = []) => {
    const encoded = completion(more);
    expect(pathOf(encoded)).toBe(path);
    expect(sent(encoded)).toMatchObject(set);
    for (const name of gone) expect(sent(encoded)).not.toHaveProperty(name);
  });

  it("names the adapter that the operator configured, either way", () => {
    const adapter = { names: ["sql-adapter"] };
    expect(sent(completion({}, adapter))).toMatchObject({ model: "sql-adapter" });
    expect(sent(completion({ stream: true }, adapter))).toMatchObject({
      parameters: { adapter_id: "sql-adapter" },
    });
    expect(sent(completion({ stream: true }))).not.toHaveProperty("parameters.adapter_id");
  });

  it("asks for no prompt's tokens in a stream, which is an error there", () => {
    expect(sent(completion({ stream: true }))).not.toHaveProperty("parameters.decoder_input_details");
  });

  it.each<[param: string, more: object]>([
    ["n", { n: 2 }],
    ["suffix", { suffix: "b" }],
    ["prompt", { prompt: [1, 2] }],
    ["prompt", { prompt: [[1], [2]] }],
    ["prompt", { prompt: null }],
    ["presence_penalty", { presence_penalty: 1 }],
    ["logit_bias", { logit_bias: { "5": 1 } }],
    ["logprobs", { logprobs: 1, stream: true }],
    ["logprobs", { logprobs: 1, prompt: ["a", "b"] }],
    ["best_of", { best_of: 2, prompt: ["a", "b"] }],
    ["echo", { echo: true, logprobs: 1 }],
    ["grammar", { grammar: "root" }],
    ["adapter_id", { adapter_id: "other" }],
    ["truncate", { truncate: 5 }],
    ["min_p", { min_p: 0.1 }],
  ])("is refused for %s: %j", (param, more) => {
    expect(completion(more)).toMatchObject(refused(param));
  });
});

describe("a text that another engine began", () => {
  const continued = (text: string, messages: ChatRequest["messages"] = [user]) =>
    tgi.chat.continue?.(call({ model: "m", messages, max_tokens: 20 } as ChatRequest), {
      text,
      tokens: 5,
    }) ?? { ok: false as const, error: undefined };

  it("is the closing assistant message, from which TGI goes on", () => {
    const request = continued("Hello there, how are");
    expect(request.ok && JSON.parse(request.value.body)).toMatchObject({
      messages: [user, { role: "assistant", content: "Hello there, how are" }],
      max_tokens: 15,
    });
  });

  it("goes behind what the caller began", () => {
    const begun = { role: "assistant" as const, content: "Well, " };
    const request = continued("hello there", [user, begun]);
    expect(request.ok && JSON.parse(request.value.body)).toMatchObject({
      messages: [user, { content: "Well, hello there" }],
    });
  });

  it.each([
    ["ends in space, which TGI drops", "Hello "],
    ["begins with space, which a template may drop", "\nHello"],
    ["may be in the words that open a turn", "start"],
    ["is the beginning of a role's name", "A"],
  ])("is not gone on with where it %s", (_, text) => {
    expect(continued(text)).toMatchObject(refused("messages"));
  });

  it("goes on behind the prompt of a completion", () => {
    const request = tgi.completion.continue?.(call({ model: "m", prompt: "Once ", stream: true }), {
      text: "upon ",
      tokens: 1,
    });
    expect(request?.ok && JSON.parse(request.value.body)).toMatchObject({
      inputs: "Once upon ",
      parameters: { max_new_tokens: 15 },
    });
  });
});

describe("what TGI tells of itself", () => {
  it("is its one model, with the length of its context", () => {
    expect(tgi.models.read({ model_id: "org/model", max_total_tokens: 4_096 })).toEqual([BASE]);
    expect(tgi.models.read({ model_id: "org/model" })).toEqual([
      { names: ["org/model"], ownedBy: "org/model" },
    ]);
    expect(tgi.models.read({ model_id: "" })).toEqual([]);
  });

  it.each([
    ["tgi_batch_current_size 3\ntgi_queue_size 2\n", { running: 3, waiting: 2 }],
    [
      "tgi_batch_current_size 3\ntgi_batch_current_max_tokens 512\ntgi_batch_max_total_tokens 2048\n",
      { running: 3, waiting: undefined, kvUse: 0.25 },
    ],
    ["tgi_batch_current_max_tokens 512\ntgi_batch_max_total_tokens 0\n", {}],
    ["", {}],
  ])("is its load: %j", (text, load) => {
    expect(tgi.load?.read(text)).toEqual(load);
  });

  it.each([
    [200, "", "ready"],
    [503, '{"error":"unhealthy","error_type":"healthcheck"}', "down"],
    [530, "error code: 1033", "down"],
  ])("is its health: %d %s", (status, text, health) => {
    expect(tgi.health.read(status, text)).toBe(health);
  });

  it("has no embeddings, no ranking, and no call to abort", () => {
    expect(tgi).not.toHaveProperty("embedding");
    expect(tgi).not.toHaveProperty("rerank");
    expect(tgi).not.toHaveProperty("abort");
  });
});
