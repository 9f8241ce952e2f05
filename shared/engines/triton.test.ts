import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall, EngineEvent, EngineModel } from "./engine.ts";
import { triton } from "./triton.ts";

// Each case is a trap of Triton's generate extension and of TensorRT-LLM's model repositories for it:
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md

const CLASSIC: EngineModel = { names: ["ensemble"], ownedBy: "triton" };
const LLM_API: EngineModel = { names: ["tensorrt_llm"], ownedBy: "triton-llmapi" };

const request = (more: object = {}): CompletionRequest => ({
  model: "ensemble",
  prompt: "Once",
  ...more,
});
const call = (more: object = {}, model = CLASSIC): EngineCall<CompletionRequest> => ({
  body: request(more),
  text: JSON.stringify(request(more)),
  engine: "gpu",
  model,
  requestId: "req_7",
});
const encode = (more: object = {}, model = CLASSIC) => triton.completion.encode(call(more, model));
const sent = (encoded: ReturnType<typeof encode>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;
const refusal = (param: string) => ({ ok: false, error: { kind: "unsupported", param, engine: "gpu" } });

describe("a chat with Triton", () => {
  it("is refused, for there is no template to write its turns", () => {
    const chat: EngineCall<ChatRequest> = {
      ...call(),
      body: { model: "ensemble", messages: [{ role: "user", content: "Hello" }] },
    };
    expect(triton.chat.encode(chat)).toMatchObject(refusal("messages"));
    expect(triton.chat.answer({}, chat, 0)).toMatchObject({ ok: false });
    expect(triton.chat.continue).toBeUndefined();
  });
});

describe("a completion of a classic model", () => {
  it("says all that it must: a limit, no echo, and the counts that it wants to be told", () => {
    expect(encode()).toMatchObject({ ok: true, value: { path: "/v2/models/ensemble/generate" } });
    expect(sent(encode())).toEqual({
      text_input: "Once",
      max_tokens: 16,
      stream: false,
      exclude_input_in_output: true,
      return_num_input_tokens: true,
      return_num_output_tokens: true,
    });
  });

  it.each<[what: string, more: object, set: object]>([
    ["is streamed by another path and a field of its own", { stream: true }, { stream: true }],
    ["has its limit", { max_tokens: 5 }, { max_tokens: 5 }],
    ["ends at one text, as a list", { stop: "\n" }, { stop_words: ["\n"] }],
    ["ends at several texts", { stop: ["a", "b"] }, { stop_words: ["a", "b"] }],
    ["takes a prompt in a list of one", { prompt: ["Once"] }, { text_input: "Once" }],
    [
      "is sampled by OpenAI's fields and the engine's own",
      { temperature: 0.5, top_p: 0.9, top_k: 5, seed: 7, repetition_penalty: 1.1, min_tokens: 2 },
      { temperature: 0.5, top_p: 0.9, top_k: 5, seed: 7, repetition_penalty: 1.1, min_tokens: 2 },
    ],
    [
      "is kept from repeating itself",
      { presence_penalty: 0.5, frequency_penalty: -0.5 },
      { presence_penalty: 0.5, frequency_penalty: -0.5 },
    ],
    ["takes the likeliest token in a way that no release refuses", { temperature: 0 }, { top_k: 1 }],
    [
      "is sampled at all where only a temperature is given",
      { temperature: 0.7 },
      { temperature: 0.7, top_p: 1 },
    ],
    [
      "keeps to a schema",
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } } },
      { guided_decoding_guide_type: "json_schema", guided_decoding_guide: '{"type":"object"}' },
    ],
    ["is JSON", { response_format: { type: "json_object" } }, { guided_decoding_guide_type: "json" }],
  ])("%s", (_, more, set) => {
    expect(sent(encode(more))).toMatchObject(set);
  });

  it("says nothing that stands for nothing, and no label that asks for nothing", () => {
    const more = {
      temperature: null,
      stop: null,
      user: "me",
      metadata: { a: "b" },
      made_up: null,
      best_of: 1,
    };
    expect(sent(encode(more))).toEqual(sent(encode()));
  });

  it("goes to its model, whatever that is called", () => {
    const model = { ...CLASSIC, names: ["a/b c"] };
    expect(encode({ stream: true }, model)).toMatchObject({
      ok: true,
      value: { path: "/v2/models/a%2Fb%20c/generate_stream" },
    });
  });
});

describe("a completion of an LLM-API model", () => {
  it("says the same in the names of its repository", () => {
    const more = { stream: true, max_tokens: 5, stop: "x", temperature: 0.5, top_k: 3, seed: 7, best_of: 2 };
    expect(encode(more, LLM_API)).toMatchObject({
      ok: true,
      value: { path: "/v2/models/tensorrt_llm/generate_stream" },
    });
    expect(sent(encode(more, LLM_API))).toEqual({
      text_input: "Once",
      sampling_param_max_tokens: 5,
      streaming: true,
      sampling_param_temperature: 0.5,
      sampling_param_top_k: 3,
      sampling_param_seed: 7,
      sampling_param_best_of: 2,
      sampling_param_stop: ["x"],
      sampling_param_exclude_input_from_output: true,
      return_finish_reason: true,
    });
  });

  it.each(["repetition_penalty", "length_penalty", "min_tokens"])(
    "is refused for %s, which it has not",
    (param) => {
      expect(encode({ [param]: 1 }, LLM_API)).toMatchObject(refusal(param));
    },
  );

  it("is refused for a grammar", () => {
    const more = { response_format: { type: "json_object" } };
    expect(encode(more, LLM_API)).toMatchObject(refusal("response_format"));
  });

  it("is known by its name while the repository is not known", () => {
    expect(sent(encode({}, { names: ["tensorrt_llm"] }))).toHaveProperty("sampling_param_max_tokens");
    expect(sent(encode({}, { names: ["tensorrt_llm_bls"] }))).toHaveProperty("max_tokens");
  });
});

describe.each([
  ["a classic model", CLASSIC],
  ["an LLM-API model", LLM_API],
])("a completion of %s", (_, model) => {
  it.each<[param: string, more: object]>([
    ["n", { n: 2 }],
    ["logit_bias", { logit_bias: { "1": 5 } }],
    ["logprobs", { logprobs: 0 }],
    ["echo", { echo: true }],
    ["suffix", { suffix: "z" }],
    ["max_tokens", { max_tokens: 0 }],
    ["seed", { seed: -1 }],
    ["prompt", { prompt: null }],
    ["prompt", { prompt: "" }],
    ["prompt", { prompt: [1, 2] }],
    ["prompt", { prompt: ["a", "b"] }],
    ["response_format", { response_format: { type: "regex", regex: "a" } }],
    ["end_id", { end_id: 2 }],
    ["lora_task_id", { lora_task_id: 1 }],
    ["parameters", { parameters: { priority: 1 } }],
    ["text_input", { text_input: "x" }],
    ["made_up", { made_up: 1 }],
  ])("is refused for %s, which would be lost in silence: %j", (param, more) => {
    expect(encode(more, model)).toMatchObject(refusal(param));
  });

  it("goes on with a text that another engine began", () => {
    const encoded = triton.completion.continue?.(call({ max_tokens: 10 }, model), {
      text: " upon",
      tokens: 4,
    });
    const limit = model === CLASSIC ? "max_tokens" : "sampling_param_max_tokens";
    expect(encoded && sent(encoded)).toMatchObject({ text_input: "Once upon", [limit]: 6 });
  });
});

it("refuses the best of several where a classic model would give any", () => {
  expect(encode({ best_of: 2 })).toMatchObject(refusal("best_of"));
});

describe("a whole answer of Triton", () => {
  const answer = (object: object, more: object = {}) =>
    triton.completion.answer({ model_name: "ensemble", model_version: "1", ...object }, call(more), 5_000);

  it("is OpenAI's completion", () => {
    const told = { num_input_tokens: 3, num_output_tokens: 2 };
    expect(answer({ text_output: " upon a", ...told })).toEqual({
      ok: true,
      value: {
        id: "cmpl-req_7",
        object: "text_completion",
        created: 5,
        model: "ensemble",
        choices: [{ index: 0, text: " upon a", logprobs: null, finish_reason: "stop" }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      },
    });
  });

  it.each<[what: string, object: object, more: object, choice: object]>([
    ["a text in a list", { text_output: ["a"] }, {}, { text: "a" }],
    ["the first of several texts", { text_output: ["a", "b"] }, {}, { text: "a" }],
    ["counts in lists", { text_output: "a", num_output_tokens: [16] }, {}, { finish_reason: "length" }],
    [
      "a cut at its limit, by its count",
      { text_output: "a", num_output_tokens: 5 },
      { max_tokens: 5 },
      { finish_reason: "length" },
    ],
    [
      "a cut at its limit, by its length",
      { text_output: "a b c d e f g h" },
      { max_tokens: 2 },
      { finish_reason: "length" },
    ],
    ["an end that it tells", { text_output: "a", finish_reason: "length" }, {}, { finish_reason: "length" }],
    ["no end, written in Python", { text_output: "a", finish_reason: "None" }, {}, { finish_reason: "stop" }],
    [
      "a stop text, which it leaves in",
      { text_output: "a.\n\nb" },
      { stop: ["\n\n"] },
      { text: "a.", finish_reason: "stop" },
    ],
  ])("has %s", (_, object, more, choice) => {
    expect(answer(object, more)).toMatchObject({ ok: true, value: { choices: [choice] } });
  });

  it("marks usage that it does not tell", () => {
    expect(answer({ text_output: "four" })).toMatchObject({
      ok: true,
      value: { usage: { estimated: true } },
    });
  });

  it.each<[what: string, json: object, fault: object]>([
    [
      "an error with status 200",
      {
        error:
          "generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses",
      },
      { class: "failure", status: 502, message: expect.stringContaining("exactly 1 response") },
    ],
    [
      "a prompt that does not fit, with status 200",
      { error: "Prompt length (7000) exceeds maximum input length (2048)." },
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    ["an answer without a text", { model_name: "x" }, { class: "failure" }],
    ["an answer whose text is none", { text_output: 7 }, { class: "failure" }],
    ["an answer that was given up", { text_output: "a", finish_reason: "cancelled" }, { class: "failure" }],
  ])("is no answer: %s", (_, json, fault) => {
    expect(triton.completion.answer(json, call(), 0)).toMatchObject({ ok: false, error: fault });
  });

  it.each([null, [], "text", 7])("is no answer: %j", (json) => {
    expect(triton.completion.answer(json, call(), 0)).toMatchObject({ ok: false });
  });
});

describe("a stream of Triton", () => {
  const { stream } = triton.completion;
  if (stream.format !== "translated") throw new Error("Triton's stream is translated");
  const utf8 = new TextEncoder();
  const events = (objects: readonly object[], more: object = {}): EngineEvent[] => {
    const decoder = stream.decoder(request(more));
    const text = objects.map((object) => `data: ${JSON.stringify(object)}\n\n`).join("");
    return [...decoder.push(utf8.encode(text)), ...decoder.end()];
  };
  const told = (all: readonly EngineEvent[]) => ({
    text: all.map((event) => (event.type === "delta" ? event.content : "")).join(""),
    end: all.filter(({ type }) => type !== "delta"),
  });
  const classic = (text: string, more: object = {}) => ({
    model_name: "ensemble",
    model_version: "1",
    sequence_index: 0,
    text_output: text,
    ...more,
  });
  const llmApi = (text: string, finish = "None") => ({
    model_name: "tensorrt_llm",
    model_version: "1",
    text_output: text,
    finish_reason: finish,
  });
  const finish = (reason: string) => ({ type: "finish", index: 0, reason });
  const done = { type: "done" };

  it("of a classic model ends with its body, there being no other mark", () => {
    expect(told(events([classic(" upon"), classic(" a"), classic("")]))).toEqual({
      text: " upon a",
      end: [finish("stop"), done],
    });
  });

  it("of a classic model was cut at its limit where it has as many tokens", () => {
    expect(told(events([classic(" a"), classic(" b")], { max_tokens: 2 })).end).toEqual([
      finish("length"),
      done,
    ]);
  });

  it("of a classic model tells its tokens event by event, which add up", () => {
    const counts = (tokens: number) => ({ num_input_tokens: 3, num_output_tokens: tokens });
    expect(told(events([classic(" a", counts(1)), classic(" b c", counts(2))])).end).toEqual([
      finish("stop"),
      { type: "usage", usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 } },
      done,
    ]);
  });

  it("of an ensemble holds new text alone, also where it repeats itself", () => {
    expect(told(events([classic("bananas!"), classic("bananas!"), classic("bananas!")])).text).toBe(
      "bananas!bananas!bananas!",
    );
  });

  it("of a BLS model may hold all of the text every time", () => {
    const bls = (text: string) => ({ ...classic(text), model_name: "tensorrt_llm_bls" });
    expect(told(events([bls("Once"), bls("Once upon"), bls("Once upon a")])).text).toBe("Once upon a");
    expect(told(events([bls("Once"), bls(" upon"), bls(" a")])).text).toBe("Once upon a");
  });

  it("of an LLM-API model ends where it says why, and holds all of the text every time", () => {
    expect(told(events([llmApi(" upon"), llmApi(" upon a"), llmApi(" upon a time", "length")]))).toEqual({
      text: " upon a time",
      end: [finish("length"), done],
    });
  });

  it("of an LLM-API model was cut where it does not say why it ended", () => {
    expect(told(events([llmApi(" upon"), llmApi(" upon a")])).end).toEqual([]);
  });

  it.each(["timeout", "cancelled"])("of an LLM-API model that gave up is no answer (%s)", (reason) => {
    expect(told(events([llmApi(" upon"), llmApi(" upon a", reason)])).end).toMatchObject([
      { type: "error", fault: { class: "failure" } },
    ]);
  });

  it("says nothing where nothing came", () => {
    expect(events([])).toEqual([]);
  });

  it.each([
    [{ error: "Request timeout expired" }, "failure"],
    [{ error: "Prompt length (9) exceeds maximum input length (8)" }, "client_fault"],
  ])("believes nothing behind an error: %j", (error, fault) => {
    expect(told(events([classic("a"), error, classic("b")]))).toMatchObject({
      text: "a",
      end: [{ type: "error", fault: { class: fault } }],
    });
  });

  it.each(["not json", '"text"', "[]", '{"model_name":"x"}'])(
    "is broken by an event that is none: %s",
    (data) => {
      const decoder = stream.decoder(request());
      expect(decoder.push(utf8.encode(`data: ${data}\n\n`))).toMatchObject([
        { type: "error", fault: { class: "failure", status: 502 } },
      ]);
      expect(decoder.end()).toEqual([]);
    },
  );

  it("is broken by text that is taken back", () => {
    const texts = ["Once upon", "Once upon a", "Twice upon a time"].map((text) => llmApi(text));
    expect(told(events(texts)).end).toMatchObject([
      { type: "error", fault: { message: expect.any(String) } },
    ]);
  });

  it("ends at a stop text, which a classic model leaves in, and does not wait for what follows", () => {
    const texts = ["One", ". E", "N", "D and more", " and more"].map((text) => classic(text));
    expect(told(events(texts, { stop: "END" }))).toEqual({
      text: "One. ",
      end: [finish("stop"), { type: "done", early: true }],
    });
  });

  it("shows what only looked like a stop text", () => {
    expect(told(events([classic("One E"), classic("N")], { stop: "END" }))).toEqual({
      text: "One EN",
      end: [finish("stop"), done],
    });
  });

  it("is no matter of who ended it where both did", () => {
    expect(told(events([llmApi("One"), llmApi("One END", "stop")], { stop: ["END"] }))).toEqual({
      text: "One ",
      end: [finish("stop"), done],
    });
  });
});

describe("what goes wrong at Triton", () => {
  const said = (error: string) => JSON.stringify({ error });

  it.each<[status: number, body: string, fault: object]>([
    [404, said("Request for unknown model: 'x' is not found"), { class: "client_fault", status: 404 }],
    [400, said("Request for unknown model: 'x' has no available versions"), { class: "loading" }],
    [400, said("model 'x' is not ready"), { class: "loading", status: 503 }],
    [400, said("missing required input tensor 'max_tokens'"), { class: "client_fault", status: 400 }],
    [400, said("Request cancelled by client"), { class: "failure" }],
    [500, said("Request cancelled by client"), { class: "failure" }],
    [503, said("Exceeds maximum queue size"), { class: "overload", status: 503 }],
    [503, said("Request timeout expired"), { class: "overload" }],
    [
      503,
      said("Server is stopping, scheduler for model has stopped accepting new inference requests"),
      { class: "failure" },
    ],
    [
      500,
      said("Encountered an error: Prompt length (9000) exceeds maximum input length (8000)."),
      { class: "client_fault", code: "context_length_exceeded" },
    ],
    [500, said("Error generating request: CUDA error"), { class: "failure", status: 500 }],
    [400, said("[TensorRT-LLM][ERROR] Assertion failed: hasValues"), { class: "failure" }],
    [501, said("unsupported"), { class: "client_fault", status: 400 }],
    [405, "", { class: "failure" }],
    [401, "", { class: "failure" }],
    [502, "<html></html>", { class: "failure" }],
  ])("is told from status %d and %s", (status, body, fault) => {
    expect(triton.classify(status, body, undefined)).toMatchObject(fault);
  });
});

describe("what Triton tells of itself", () => {
  const stats = (...names: string[]) => ({
    model_stats: names.map((name) => ({ name, version: "1", inference_count: 0 })),
  });

  it.each<[what: string, names: string[], models: string[]]>([
    [
      "what takes texts, and not the steps behind it",
      ["ensemble", "preprocessing", "tensorrt_llm", "postprocessing", "tensorrt_llm_bls"],
      ["ensemble", "tensorrt_llm_bls"],
    ],
    [
      "the same of several models in one repository",
      ["llama_ensemble", "llama_preprocessing", "llama_tensorrt_llm", "llama_postprocessing"],
      ["llama_ensemble"],
    ],
    ["the model of the LLM API", ["tensorrt_llm"], ["tensorrt_llm"]],
    ["each once, however many versions it has", ["qwen", "qwen"], ["qwen"]],
  ])("is %s", (_, names, models) => {
    expect(triton.models.read(stats(...names)).flatMap((model) => model.names)).toEqual(models);
  });

  it("is of which repository a model is, whatever it is called", () => {
    const [own] = triton.models.read(stats("qwen"));
    expect(own && sent(encode({}, own))).toHaveProperty("sampling_param_max_tokens");
    const [classic] = triton.models.read(stats("qwen_bls", "qwen_preprocessing"));
    expect(classic && sent(encode({}, classic))).toHaveProperty("max_tokens");
  });

  it.each([
    [200, "ready"],
    [400, "loading"],
    [503, "down"],
  ])("is by status %d that it is %s", (status, health) => {
    expect(triton.health.read(status, "")).toBe(health);
  });

  it("is its load, one sample for each kind of number", () => {
    const of = (type: string, value: number) =>
      `nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="${type}",version="1"} ${value}\n`;
    const kv = (type: string, value: number) =>
      `nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="${type}",model="tensorrt_llm",version="1"} ${value}\n`;
    const text = of("waiting", 4) + of("active", 7) + of("max", 64) + kv("fraction", 0.5) + kv("used", 900);
    expect(triton.load?.read(text)).toEqual({ running: 7, waiting: 4, slots: 64, kvUse: 0.5 });
    expect(triton.load?.read("")).toEqual({});
  });

  it("is where to load and unload a model", () => {
    expect(triton.control?.load?.("a b", {})).toEqual({
      path: "/v2/repository/models/a%20b/load",
      body: "{}",
    });
    expect(triton.control?.unload?.("x", {})).toEqual({ path: "/v2/repository/models/x/unload", body: "{}" });
  });

  it.each(["http://gpu:8000", "http://gpu:8000/", "http://gpu:8000/v2", "http://gpu:8000/v2/"])(
    "is found under %s",
    (url) => {
      expect(triton.trimBaseUrl(url)).toBe("http://gpu:8000");
    },
  );
});
