import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall, EngineEvent } from "./engine.ts";
import { lmdeploy } from "./lmdeploy.ts";

// Each case is a trap of LMDeploy: https://lmdeploy.readthedocs.io/en/latest/llm/api_server.html

const call = <Body extends object>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "gpu",
  model: { names: ["served-name", "alias"] },
  requestId: "req_7",
});
const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chatCall = (more: object) => call({ model: "served-name", messages, ...more } as ChatRequest);
const completionCall = (more: object) =>
  call({ model: "served-name", prompt: "a", ...more } as CompletionRequest);
const chat = (more: object) => lmdeploy.chat.encode(chatCall(more));
const completion = (more: object) => lmdeploy.completion.encode(completionCall(more));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;

const tool = (name: string) => ({ type: "function", function: { name } });

describe.each([
  ["a chat", chat],
  ["a completion", completion],
] as const)("%s to LMDeploy", (_, encode) => {
  it.each([
    "session_id",
    "migration_request",
    "with_cache",
    "preserve_cache",
    "input_ids",
    "image_data",
    "return_routed_experts",
    "priority",
  ])("is refused for %s, which is the operator's", (param) => {
    expect(encode({ [param]: 0 })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param, engine: "gpu" },
    });
  });

  it.each<[param: string, value: unknown]>([
    ["guided_json", {}],
    ["structured_outputs", {}],
    ["ebnf", "root ::= x"],
    ["min_tokens", 2],
    ["stop_token_ids", [1]],
    ["repeat_penalty", 1.1],
    ["presence_penalty", 0.5],
    ["frequency_penalty", -0.5],
    ["logit_bias", { "1": 2 }],
  ])("is refused for %s, which has no effect there", (param, value) => {
    expect(encode({ [param]: value })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param, engine: "gpu" },
    });
  });

  it.each<[what: string, more: object, set: object, gone: string[]]>([
    [
      "is always asked for as a stream that tells its usage",
      {},
      { stream: true, stream_options: { include_usage: true } },
      [],
    ],
    ["says nothing of stop texts, which are found here", { stop: ["x"] }, {}, ["stop"]],
    ["says nothing of one choice, or of a null, which would be a 500", { n: null }, {}, ["n"]],
    ["has no negative top_k, which would be a 400", { top_k: -1 }, {}, ["top_k"]],
    ["keeps a top_k that is one", { top_k: 5 }, { top_k: 5 }, []],
    ["may have penalties that ask for nothing", { presence_penalty: 0, logit_bias: {} }, {}, []],
    [
      "leaves nulls out where they would be a 400, and operators' fields that are null",
      { repetition_ngram_size: null, session_id: null },
      {},
      ["repetition_ngram_size", "session_id"],
    ],
    [
      "passes its own samplers on",
      { min_new_tokens: 2, repetition_penalty: 1.1, min_p: 0.1, ignore_eos: true, seed: 3 },
      { min_new_tokens: 2, repetition_penalty: 1.1, min_p: 0.1, ignore_eos: true, seed: 3 },
      [],
    ],
    ["names the model as it is served, not by its alias", { model: "alias" }, { model: "served-name" }, []],
  ])("%s", (what, more, set, gone) => {
    const body = sent(encode(more));
    expect(body, what).toMatchObject({ model: "served-name", ...set });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("is of one choice", () => {
    expect(encode({ n: 2 })).toMatchObject({ ok: false, error: { kind: "unsupported", param: "n" } });
    expect(encode({ n: 1 }).ok).toBe(true);
  });

  it("does not show a stop text and look for it as well", () => {
    expect(encode({ stop: "x", include_stop_str_in_output: true })).toMatchObject({
      ok: false,
      error: { param: "include_stop_str_in_output" },
    });
  });
});

describe("a chat to LMDeploy", () => {
  it.each<[what: string, choice: unknown]>([
    ["any tool, but one", "required"],
    ["a tool by name", tool("a")],
    ["one of some tools", { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("a")] } }],
  ])("cannot be made to call %s: it would only be told of it", (_, choice) => {
    expect(chat({ tools: [tool("a")], tool_choice: choice })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param: "tool_choice" },
    });
  });

  it.each<[what: string, more: object, set: object, gone: string[]]>([
    [
      "is told of no tools where none may be called, for it would call them",
      { tools: [tool("a")], tool_choice: "none", parallel_tool_calls: false },
      {},
      ["tools", "tool_choice", "parallel_tool_calls"],
    ],
    ["is told of no empty list of tools", { tools: [] }, {}, ["tools"]],
    [
      "is told of the allowed tools alone",
      {
        tools: [tool("a"), tool("b")],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("b")] } },
      },
      { tools: [tool("b")], tool_choice: "auto" },
      [],
    ],
    [
      "may ask for one call at a time, which it obeys",
      { tools: [tool("a")], parallel_tool_calls: false },
      { parallel_tool_calls: false },
      [],
    ],
    ["has no null for the choice", { tools: [tool("a")], tool_choice: null }, {}, ["tool_choice"]],
    [
      "does not think where no effort is asked for",
      { reasoning_effort: "none", chat_template_kwargs: { x: 1 } },
      { chat_template_kwargs: { x: 1, enable_thinking: false } },
      ["reasoning_effort"],
    ],
    [
      "takes the least effort for a low one",
      { reasoning_effort: "minimal" },
      { reasoning_effort: "low" },
      [],
    ],
    ["takes a very high effort for the most", { reasoning_effort: "xhigh" }, { reasoning_effort: "max" }, []],
    ["keeps an effort that it knows", { reasoning_effort: "high" }, { reasoning_effort: "high" }, []],
    [
      "has a regular expression as a format",
      { regex: "a+" },
      { response_format: { type: "regex_schema", regex_schema: "a+" } },
      ["regex"],
    ],
    [
      "has a content in every message",
      { messages: [...messages, { role: "assistant", content: null }, { role: "assistant" }] },
      { messages: [...messages, { role: "assistant", content: "" }, { role: "assistant", content: "" }] },
      [],
    ],
  ])("%s", (what, more, set, gone) => {
    const body = sent(chat(more));
    expect(body, what).toMatchObject(set);
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("is refused for two formats at once", () => {
    expect(chat({ regex: "a+", response_format: { type: "json_object" } })).toMatchObject({
      ok: false,
      error: { param: "regex" },
    });
  });

  it("goes on with a closing assistant message, and without taking the rest for reasoning", () => {
    const written = { text: "Once upon", tokens: 2 };
    const begun = [...messages, { role: "assistant", content: "So: " }];
    const asked = chatCall({ messages: begun, max_tokens: 10, chat_template_kwargs: { x: 1 } });
    expect(sent(lmdeploy.chat.continue?.(asked, written) ?? chat({}))).toMatchObject({
      messages: [...messages, { role: "assistant", content: "So: Once upon" }],
      max_tokens: 8,
      chat_template_kwargs: { x: 1, enable_thinking: false },
    });
    expect(lmdeploy.chat.continue?.(chatCall({ regex: "a" }), written)).toMatchObject({
      ok: false,
      error: { param: "regex" },
    });
  });
});

describe("a completion to LMDeploy", () => {
  it.each<[param: string, value: unknown]>([
    ["echo", true],
    ["suffix", "end"],
    ["best_of", 2],
    ["logprobs", 0],
    ["response_format", { type: "json_object" }],
    ["regex", "a+"],
  ])("is refused for %s, which has no effect there", (param, value) => {
    expect(completion({ [param]: value })).toMatchObject({ ok: false, error: { param } });
  });

  it.each([[null], [[1, 2]], [[[1], [2]]]])("is refused for a prompt that is no text: %j", (prompt) => {
    expect(completion({ prompt })).toMatchObject({ ok: false, error: { param: "prompt" } });
  });

  it("has OpenAI's limit where none is given, for it would go on to the end of the context", () => {
    expect(sent(completion({}))).toMatchObject({ max_tokens: 16 });
    expect(sent(completion({ max_tokens: 5 }))).toMatchObject({ max_tokens: 5 });
    expect(sent(completion({ max_completion_tokens: 5 }))).not.toHaveProperty("max_tokens");
  });

  it("goes on with a text as more of the prompt", () => {
    const request = lmdeploy.completion.continue?.(completionCall({}), { text: "b", tokens: 1 });
    expect(sent(request ?? chat({}))).toMatchObject({ prompt: "ab", max_tokens: 15, stream: true });
  });

  it("has an id of its own, whole, for the engine's is the same for all", () => {
    const choices = [{ index: 0, text: "b", logprobs: null, finish_reason: "stop" }];
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const answer = { id: "-1", created: 1, model: "m", choices, usage };
    expect(lmdeploy.completion.answer(answer, completionCall({}), 0)).toMatchObject({
      ok: true,
      value: { id: "cmpl-req_7" },
    });
    expect(lmdeploy.completion.answer(null, completionCall({}), 0)).toMatchObject({ ok: false });
  });
});

/** The events of a stream in which each of these is a chunk's only choice, under index 0. */
function events(body: object, choices: readonly (object | string)[]): EngineEvent[] {
  const { stream } = "prompt" in body ? lmdeploy.completion : lmdeploy.chat;
  if (stream.format !== "translated") throw new Error("LMDeploy is translated");
  const request = "prompt" in body ? completionCall(body).body : chatCall(body).body;
  const decoder = stream.decoder(request);
  const wires = choices.map((choice) =>
    typeof choice === "string" ? choice : JSON.stringify({ choices: [{ index: 0, ...choice }] }),
  );
  const bytes = new TextEncoder().encode(wires.map((wire) => `data: ${wire}\n\n`).join(""));
  return [...decoder.push(bytes), ...decoder.end()];
}
const says = (content: string, more: object = {}) => ({ delta: { role: "assistant", content }, ...more });
const textOf = (all: readonly EngineEvent[]): string =>
  all.map((event) => (event.type === "delta" ? (event.content ?? "") : "")).join("");
const ends = (reason: string) => says("", { finish_reason: reason });

describe("a stream of LMDeploy", () => {
  it("has its text, its end and its mark", () => {
    expect(events({}, [says("Hi"), says(" there"), ends("length"), "[DONE]"])).toEqual([
      { type: "delta", index: 0, content: "Hi" },
      { type: "delta", index: 0, content: " there" },
      { type: "finish", index: 0, reason: "length" },
      { type: "done" },
    ]);
  });

  it("may have text in the chunk that ends it", () => {
    const all = events({ stop: "never" }, [says("Hi!", { finish_reason: "stop" }), "[DONE]"]);
    expect(textOf(all)).toBe("Hi!");
    expect(all.slice(-2)).toEqual([{ type: "finish", index: 0, reason: "stop" }, { type: "done" }]);
  });

  it("ends by itself where its markup could not be read", () => {
    expect(events({}, [says("x"), ends("parse_error")])).toContainEqual({
      type: "finish",
      index: 0,
      reason: "stop",
    });
  });

  it.each(["abort", "error"])("is broken by the finish reason %s", (reason) => {
    expect(events({}, [says("x"), ends(reason), "[DONE]"])).toContainEqual(
      expect.objectContaining({ type: "error" }),
    );
  });

  it("is ended at a stop text across its chunks, and read no further", () => {
    const chunks = [says("one S"), says("TO"), says("P two"), says("three"), ends("length"), "[DONE]"];
    expect(events({ stop: ["STOP"] }, chunks)).toEqual([
      { type: "delta", index: 0, content: "one " },
      { type: "finish", index: 0, reason: "stop" },
      { type: "done", early: true },
      { type: "done" },
    ]);
  });

  it("gives back what only looked like a stop text", () => {
    const all = events({ stop: "STOP" }, [says("a ST"), says("ART ST"), ends("stop"), "[DONE]"]);
    expect(textOf(all)).toBe("a START ST");
    expect(all.at(-1)).toEqual({ type: "done" });
  });

  it("shows what comes before the first of its stop texts, however it is cut", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(fc.array(texts), fc.array(texts, { maxLength: 4 }), (pieces, stop) => {
        const whole = pieces.join("");
        const found = stop.filter((each) => each !== "" && whole.includes(each));
        const all = events({ stop }, [...pieces.map((piece) => says(piece)), ends("stop"), "[DONE]"]);
        const shown = textOf(all);
        expect(whole.startsWith(shown)).toBe(true);
        if (found.length === 0) expect(shown).toBe(whole);
        else for (const each of found) expect(shown).not.toContain(each);
        expect(all.filter(({ type }) => type === "finish")).toHaveLength(1);
      }),
    );
  });

  it("numbers the answers to several prompts, which come one after the other under one index", () => {
    const say = (text: string, more: object = {}) => ({ text, ...more });
    const chunks = [
      say("a"),
      say("", { finish_reason: "stop" }),
      say("b"),
      say("", { finish_reason: "length" }),
    ];
    expect(events({ prompt: ["1", "2"] }, [...chunks, "[DONE]"])).toEqual([
      { type: "delta", index: 0, content: "a" },
      { type: "finish", index: 0, reason: "stop" },
      { type: "delta", index: 1, content: "b" },
      { type: "finish", index: 1, reason: "length" },
      { type: "done" },
    ]);
  });

  it("goes on to the next prompt where a stop text has ended the first", () => {
    const say = (text: string, more: object = {}) => ({ text, ...more });
    const end = say("", { finish_reason: "length" });
    expect(events({ prompt: ["1", "2"], stop: "X" }, [say("aXb"), say("c"), end, say("dX"), end])).toEqual([
      { type: "delta", index: 0, content: "a" },
      { type: "finish", index: 0, reason: "stop" },
      { type: "delta", index: 1, content: "d" },
      { type: "finish", index: 1, reason: "stop" },
      { type: "done", early: true },
    ]);
  });

  it("gives a call without arguments empty ones, which the engine leaves unsaid", () => {
    const calls = (...tool_calls: object[]) => ({ delta: { role: "assistant", tool_calls } });
    const all = events({}, [
      calls({ index: 0, id: "a", type: "function", function: { name: "f" } }),
      calls({ index: 1, id: "b", type: "function", function: { name: "g" } }),
      calls({ index: 1, function: { arguments: '{"x": 1}' } }),
      ends("tool_calls"),
    ]);
    expect(all.slice(-2)).toEqual([
      { type: "delta", index: 0, toolCalls: [{ index: 0, function: { arguments: "{}" } }] },
      { type: "finish", index: 0, reason: "tool_calls" },
    ]);
  });

  it("hears of an error, in the words of the engine, and believes no mark behind it", () => {
    const error = {
      message: "The request exceeds the model context length.",
      type: "invalid_request_error",
      code: 400,
      param: null,
      object: "error",
    };
    expect(events({}, [says("x"), JSON.stringify({ error }), "[DONE]"])[1]).toMatchObject({
      type: "error",
      fault: { class: "client_fault", code: "context_length_exceeded" },
    });
  });

  it("tells its usage, with what came from the cache", () => {
    const usage = {
      prompt_tokens: 5,
      total_tokens: 7,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: 3 },
    };
    expect(events({}, [JSON.stringify({ choices: [], usage })])).toEqual([{ type: "usage", usage }]);
  });
});

describe("log probabilities of LMDeploy", () => {
  const entry = (token: string, logprob: number, others: readonly [string, number][] = []) => ({
    token,
    bytes: [],
    logprob,
    top_logprobs: others.map(([other, probability]) => ({ token: other, bytes: [], logprob: probability })),
  });
  const told = (body: object, ...entries: object[]) =>
    events({ logprobs: true, ...body }, [says("x", { logprobs: { content: entries } })]).flatMap((event) =>
      event.type === "delta" ? (event.logprobs?.content ?? []) : [],
    );

  it.each([
    ["\u0120hello", " hello"],
    ["\u010a", "\n"],
    ["caf\u00c3\u00a9", "caf\u00c3\u00a9"],
    ["\u0120caf\u00c3\u00a9", " café"],
    ["\u2581hello", " hello"],
    ["plain", "plain"],
    ["東", "東"],
  ])("are of texts, not of what the vocabulary writes: %j is %j", (token, text) => {
    expect(told({}, entry(token, -1))[0]?.token).toBe(text);
  });

  it("have the token itself among the alternatives, as many as were asked for", () => {
    const likely = entry("a", -0.1, [
      ["b", -2],
      ["c", -3],
    ]);
    const unlikely = entry("d", -9, [
      ["b", -1],
      ["c", -2],
    ]);
    const tokens = told({ top_logprobs: 2 }, likely, unlikely).map((each) =>
      each.top_logprobs.map(({ token }) => token),
    );
    expect(tokens).toEqual([
      ["a", "b"],
      ["b", "c"],
    ]);
    expect(told({}, likely)[0]?.top_logprobs).toEqual([]);
  });

  it("come with the text that they are of, and none with a stop text", () => {
    const token = (text: string) => says(text, { logprobs: { content: [entry(text, -1)] } });
    const all = events({ logprobs: true, stop: "STOP" }, [token("a"), token(" ST"), token("OP"), token("b")]);
    const shown = all.flatMap((event) => (event.type === "delta" ? [event] : []));
    expect(shown.map(({ content }) => content)).toEqual(["a", " "]);
    expect(shown.flatMap(({ logprobs }) => logprobs?.content?.map((each) => each.token))).toEqual([
      "a",
      " ST",
    ]);
    const unstopped = events({ logprobs: true, stop: "STOP" }, [token("S"), token("T"), ends("stop")]);
    expect(
      unstopped.flatMap((event) => (event.type === "delta" ? (event.logprobs?.content ?? []) : [])),
    ).toHaveLength(2);
  });
});

describe("an error of LMDeploy", () => {
  const flat = (message: string, type: string, code: number) =>
    JSON.stringify({ message, type, code, param: null, object: "error" });

  it.each<[what: string, status: number, body: string, fault: object]>([
    [
      "a prompt that is too long",
      400,
      flat(
        "Input length (9000) must be smaller than the model context length (8192).",
        "invalid_request_error",
        400,
      ),
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    [
      "a value out of range",
      400,
      flat("The temperature 3.0 must be in [0, 2]", "invalid_request_error", 400),
      { class: "client_fault", status: 400, message: "The temperature 3.0 must be in [0, 2]" },
    ],
    [
      "a model that it does not serve",
      404,
      flat("The model 'x' does not exist.", "not_found_error", 404),
      { class: "client_fault", status: 404 },
    ],
    [
      "that it sleeps, which passes",
      503,
      flat("Engine is sleeping; call POST /wakeup before inference.", "server_error", 503),
      { class: "loading" },
    ],
    [
      "that its engine is down, which is no overload",
      503,
      flat("The inference engine is unavailable.", "server_error", 503),
      { class: "failure" },
    ],
    ["a busy proxy before it", 503, "", { class: "overload" }],
    [
      "a key that it does not take",
      401,
      flat("Unauthorized.", "authentication_error", 401),
      { class: "failure" },
    ],
    [
      "something of its own",
      500,
      flat("An internal server error occurred.", "server_error", 500),
      { class: "failure" },
    ],
  ])("is read: %s", (_, status, body, fault) => {
    expect(lmdeploy.classify(status, body, undefined)).toMatchObject(fault);
  });
});

describe("what LMDeploy tells of itself", () => {
  it.each([
    [200, '{"status":"healthy","message":"Engine is healthy."}', "ready"],
    [200, '{"status":"sleeping","message":"Engine is sleeping."}', "loading"],
    [503, '{"status":"initializing","message":"Engine health monitor is starting."}', "loading"],
    [503, '{"status":"unhealthy","message":"No successful health probe for 91.0s."}', "down"],
    [200, "", "ready"],
    [502, "<html>", "down"],
  ] as const)("its health: %i %s is %s", (status, text, health) => {
    expect(lmdeploy.health.read(status, text)).toBe(health);
  });

  it("its load, with what waits in front of the engine", () => {
    const text = [
      'lmdeploy:num_requests_running{engine="0",model_name="m"} 3.0',
      'lmdeploy:num_requests_waiting{engine="0",model_name="m"} 1.0',
      'lmdeploy:num_api_requests_waiting{engine="0",model_name="m"} 4.0',
      'lmdeploy:gpu_cache_usage_perc{engine="0",model_name="m"} 0.5',
      "",
    ].join("\n");
    expect(lmdeploy.load?.read(text)).toEqual({ running: 3, waiting: 5, kvUse: 0.5 });
    expect(lmdeploy.load?.read("")).toEqual({});
  });

  it("that it embeds nothing and ranks nothing", () => {
    expect(lmdeploy.embedding).toBeUndefined();
    expect(lmdeploy.rerank).toBeUndefined();
  });
});
