import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineCall } from "./engine.ts";
import { vllm } from "./vllm.ts";

// Each case is a trap of vLLM: https://docs.vllm.ai/en/latest/serving/openai_compatible_server/

const call = <Body extends object>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "gpu",
  model: { names: ["served-name", "alias"] },
  requestId: "req_7",
});
const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chat = (more: object) =>
  vllm.chat.encode(call({ model: "served-name", messages, ...more } as ChatRequest));
const completion = (more: object) =>
  vllm.completion.encode(call({ model: "served-name", prompt: "a", ...more }));
const sent = (encoded: ReturnType<typeof chat>): unknown =>
  encoded.ok ? JSON.parse(encoded.value.body) : encoded.error;

const embedding = (more: object) =>
  vllm.embedding.encode(call({ model: "served-name", input: "a", ...more }));

describe.each([
  ["a chat", chat],
  ["a completion", completion],
] as const)("%s to vLLM", (_, encode) => {
  it.each<[what: string, more: object, set: object, gone: string[]]>([
    [
      "asks for its usage, which the relay hides again",
      { stream: true },
      { stream_options: { include_usage: true } },
      [],
    ],
    [
      "keeps other stream options",
      { stream: true, stream_options: { include_usage: false, continuous_usage_stats: true } },
      { stream_options: { include_usage: true, continuous_usage_stats: true } },
      [],
    ],
    ["asks for no usage of a whole answer, which would be a 400", {}, {}, ["stream_options"]],
    ["sends no empty list of tools, which would be a 400", { tools: [] }, {}, ["tools"]],
    [
      "turns guided_json into what replaced it",
      { guided_json: { type: "object" } },
      { structured_outputs: { json: { type: "object" } } },
      ["guided_json"],
    ],
    [
      "turns guided_regex into what replaced it",
      { guided_regex: "a+" },
      { structured_outputs: { regex: "a+" } },
      ["guided_regex"],
    ],
    [
      "turns guided_choice into what replaced it",
      { guided_choice: ["a", "b"] },
      { structured_outputs: { choice: ["a", "b"] } },
      ["guided_choice"],
    ],
    [
      "turns guided_grammar into what replaced it",
      { guided_grammar: "root ::= x" },
      { structured_outputs: { grammar: "root ::= x" } },
      ["guided_grammar"],
    ],
    [
      "keeps other members of structured_outputs",
      { guided_regex: "a", structured_outputs: { disable_any_whitespace: true } },
      { structured_outputs: { regex: "a", disable_any_whitespace: true } },
      [],
    ],
    ["drops a guided member that is null", { guided_json: null }, {}, ["structured_outputs", "guided_json"]],
    [
      "turns guided_whitespace_pattern into what replaced it",
      { guided_regex: "a", guided_whitespace_pattern: "[ ]" },
      { structured_outputs: { regex: "a", whitespace_pattern: "[ ]" } },
      ["guided_whitespace_pattern"],
    ],
    [
      "drops the choice of a backend, which is the operator's now",
      { guided_decoding_backend: "outlines" },
      {},
      ["guided_decoding_backend"],
    ],
    ["drops an operator's field that is null, for null is absent", { priority: null }, {}, ["priority"]],
    [
      "passes its own samplers on",
      { top_k: 5, min_tokens: 2, chat_template_kwargs: { enable_thinking: false } },
      { top_k: 5, min_tokens: 2, chat_template_kwargs: { enable_thinking: false } },
      [],
    ],
  ])("%s", (what, more, set, gone) => {
    const body = sent(encode(more));
    expect(body, what).toMatchObject({ ...set, model: "served-name" });
    for (const name of gone) expect(body).not.toHaveProperty(name);
  });

  it("names the model as it is served, not by its alias", () => {
    expect(sent(encode({ model: "alias" }))).toMatchObject({ model: "served-name" });
  });
});

describe.each([
  ["a chat", chat],
  ["a completion", completion],
  ["an embedding", embedding],
] as const)("%s to vLLM", (_, encode) => {
  it.each([
    "priority",
    "kv_transfer_params",
    "ec_transfer_params",
    "vllm_xargs",
    "cache_salt",
    "chat_template",
    "request_id",
  ])("is refused for %s, which is the operator's", (param) => {
    expect(encode({ [param]: 0 })).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param, engine: "gpu" },
    });
  });

  it("carries our request id, of which vLLM makes the answer's", () => {
    expect(encode({})).toMatchObject({ ok: true, value: { headers: { "x-request-id": "req_7" } } });
  });
});

describe("a completion to vLLM", () => {
  it("is refused for best_of, which newer builds ignore", () => {
    expect(completion({ best_of: 2 })).toMatchObject({ ok: false, error: { param: "best_of" } });
    expect(completion({ best_of: 1 }).ok).toBe(true);
  });
});

describe("what vLLM answers", () => {
  const { stream } = vllm.chat;
  if (stream.format !== "openai") throw new Error("vLLM speaks OpenAI's format");

  it.each([
    ['data: {"error":{"message":"x"}}', true],
    ['data: {"choices":[],"usage":{"prompt_tokens":1}}', true],
    ['data: {"choices":[],"usage": {"prompt_tokens":1}}', true],
    ['data: {"choices":[{"finish_reason":"stop"}]}', true],
    ['data: {"choices":[{"finish_reason": "abort"}]}', true],
    ['data: {"choices":[{"delta":{"reasoning":"hm"}}]}', true],
    ["data: [DONE]", true],
    ['data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}],"usage":null}', false],
    [
      'data: {"choices":[{"delta":{"content":"say \\"error\\" and \\"usage\\":{"},"finish_reason":null}]}',
      false,
    ],
    [":", false],
  ])("is looked at only where there is something to see: %s %s", (event, looked) => {
    expect(stream.rules.mark.test(event)).toBe(looked);
  });

  it.each([
    [{ reasoning: "hm" }, { reasoning_content: "hm" }],
    [{ reasoning: "hm", reasoning_content: "old" }, { reasoning_content: "old" }],
    [{ content: "x", reasoning: null }, { content: "x" }],
    [{ content: "x" }, { content: "x" }],
  ])("has its reasoning under one name: %j", (delta, mended) => {
    const chunk = { choices: [{ index: 0, delta: { ...delta } }] };
    stream.rules.mender?.()(chunk);
    expect(chunk.choices[0]?.delta).toEqual(mended);
  });

  it.each(["abort", "error", null, ""])("is no answer with finish_reason %j", (finish_reason) => {
    const answer = {
      id: "1",
      choices: [{ index: 0, message: { role: "assistant", content: "half" }, finish_reason }],
    };
    expect(vllm.chat.answer(answer, call({ model: "m", messages }), 0)).toMatchObject({
      ok: false,
      error: { class: "failure" },
    });
  });

  it("ends by its own repetition guard as by itself", () => {
    const answer = {
      id: "1",
      choices: [{ index: 0, message: { role: "assistant", content: "a a a" }, finish_reason: "repetition" }],
    };
    expect(vllm.chat.answer(answer, call({ model: "m", messages }), 0)).toMatchObject({
      ok: true,
      value: { choices: [{ finish_reason: "stop" }] },
    });
  });

  it("is mended to OpenAI's types: no nulls that they do not know, all that they require", () => {
    const message = {
      role: "assistant",
      content: null,
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      reasoning: "hm",
      tool_calls: [],
    };
    const answer = {
      id: "1",
      created: 1,
      model: "m",
      choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: null },
    };
    const read = vllm.chat.answer(answer, call({ model: "m", messages }), 0);
    expect(read.ok && read.value.choices[0]?.message).toEqual({
      role: "assistant",
      content: null,
      refusal: null,
      reasoning_content: "hm",
    });
    expect(read.ok && read.value.usage).toEqual({ prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 });
  });

  it("has log probabilities with all that OpenAI's types require", () => {
    const token = { token: "a", logprob: -1, bytes: [97], top_logprobs: [] };
    const answer = {
      id: "1",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "a" },
          logprobs: { content: [token] },
          finish_reason: "stop",
        },
      ],
    };
    const read = vllm.chat.answer(answer, call({ model: "m", messages }), 0);
    expect(read.ok && read.value.choices[0]?.logprobs).toEqual({ content: [token], refusal: null });
  });

  it("tells its load, summed over its engines", () => {
    const text =
      'vllm:num_requests_running{engine="0"} 2\nvllm:num_requests_running{engine="1"} 3\nvllm:num_requests_waiting{engine="0"} 1\nvllm:kv_cache_usage_perc{engine="0"} 0.5\n';
    expect(vllm.load?.read(text)).toEqual({ running: 5, waiting: 1, kvUse: 0.5 });
  });
});
