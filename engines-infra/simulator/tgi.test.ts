import { describe, expect, it } from "vitest";
import { readConversation } from "./model/conversation.ts";
import { generate } from "./model/generate.ts";
import { predictChat } from "./predict.ts";
import type { Simulator, SimulatorOptions } from "./simulator.ts";
import { chat, events, get, joined, post, withSimulator } from "./testing.ts";

// What is TGI's alone: https://github.com/huggingface/text-generation-inference/tree/main/router/src

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const [one = "", two = ""] = generate(readConversation(chat("Hello").messages).context).map((token) =>
  JSON.stringify(token),
);
const TWO = chat("Hello [sim tokens=2]");
const whole = (content: string, more: Record<string, unknown> = {}) => ({
  ...chat(content),
  stream: false,
  ...more,
});
const TOOLS = ["weather", "time"].map((name) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
}));

const sse = (...list: string[]) => list.map((data) => `data: ${data}\n\n`).join("");
const test =
  (run: (sim: Simulator) => Promise<void>, options: Partial<SimulatorOptions> = {}) =>
  () =>
    withSimulator({ kind: "tgi", ...options }, run);

async function answered(sim: Simulator, path: string, body: unknown) {
  const heard = await post(sim, path, body);
  expect(heard.status, heard.text).toBe(200);
  return JSON.parse(heard.text);
}

describe("tgi's bytes", () => {
  const head = `"object":"chat.completion.chunk","id":"","created":1,"model":"sim-model","system_fingerprint":"3.3.7-native"`;
  const chunk = (delta: string, finish = "null") =>
    `{${head},"choices":[{"index":0,"delta":{"role":"assistant",${delta}},"logprobs":null,"finish_reason":${finish}}],"usage":null}`;
  const start = [chunk(`"content":${one}`), chunk(`"content":${two}`)];

  it(
    "stream a chat with the role in every chunk, and the end in a chunk of no text",
    test(async (sim) => {
      const heard = await post(sim, CHAT, TWO);
      expect(heard.headers.get("content-type")).toBe("text/event-stream");
      expect(heard.headers.get("x-accel-buffering")).toBe("no");
      expect(heard.headers.get("x-compute-characters")).toBe("5");
      expect(heard.text).toBe(sse(...start, chunk('"content":""', '"stop"'), "[DONE]"));
    }),
  );

  it(
    "end a stream that the limit cut with the last token itself",
    test(async (sim) => {
      const { text } = await post(sim, CHAT, { ...TWO, max_tokens: 1 });
      expect(text).toBe(sse(chunk(`"content":${one}`, '"length"'), "[DONE]"));
    }),
  );

  it(
    "tell the usage in a chunk of its own",
    test(async (sim) => {
      const { text } = await post(sim, CHAT, { ...TWO, stream_options: { include_usage: true } });
      const usage = `{${head},"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}`;
      expect(text).toBe(sse(...start, chunk('"content":""', '"stop"'), usage, "[DONE]"));
    }),
  );

  it(
    "answer whole with an empty id, and the prompt's tokens in a header",
    test(async (sim) => {
      const heard = await post(sim, CHAT, { ...TWO, stream: false });
      const content = JSON.stringify(JSON.parse(one) + JSON.parse(two));
      expect(heard.headers.get("x-prompt-tokens")).toBe("8");
      expect(heard.text).toBe(
        `{"object":"chat.completion","id":"","created":1,"model":"sim-model","system_fingerprint":"3.3.7-native",` +
          `"choices":[{"index":0,"message":{"role":"assistant","content":${content}},"logprobs":null,"finish_reason":"stop"}],` +
          `"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}`,
      );
    }),
  );

  it.each([
    [
      "a failure in mid-stream",
      "error=1",
      "Request failed during generation: Server error: CUDA out of memory",
      1,
    ],
    ["an overload", "overload", "Model is overloaded", 0],
  ])(
    "tell %s in a stream with a status that is always the same, and then the end mark",
    (_, fault, message, at) =>
      withSimulator({ kind: "tgi" }, async (sim) => {
        const heard = await post(sim, CHAT, chat(`Hello [sim tokens=2 ${fault}]`));
        expect(heard.status).toBe(200);
        const error = `{"error":{"message":"${message}","http_status_code":422}}`;
        expect(heard.text).toBe(sse(...start.slice(0, at), error, "[DONE]"));
      }),
  );

  it(
    "tell an overload with a status of its own where nothing is streamed",
    test(async (sim) => {
      expect(await post(sim, CHAT, whole("Hello [sim overload]"))).toMatchObject({
        status: 429,
        text: '{"error":"Model is overloaded","error_type":"overloaded"}',
      });
    }),
  );

  it(
    "stream a completion with an empty finish until the end, whose token is written out",
    test(async (sim) => {
      const prompt = "Once [sim tokens=1]";
      const [token = ""] = generate("", "Once");
      const { text } = await post(sim, COMPLETIONS, { prompt, stream: true });
      const choice = (said: string, finish: string) =>
        `"choices":[{"index":0,"text":${JSON.stringify(said)},"logprobs":null,"finish_reason":"${finish}"}]`;
      const frame = `"object":"text_completion","id":"","created":1`;
      const model = `"model":"sim-model","system_fingerprint":"3.3.7-native"`;
      const usage = `"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}`;
      expect(text).toBe(
        sse(
          `{${frame},${choice(token, "")},${model}}`,
          `{${frame},${model},${choice("</s>", "eos_token")},${usage}}`,
          "[DONE]",
        ),
      );
    }),
  );

  it(
    "stream natively with a last event that tells all, and no end mark",
    test(async (sim) => {
      const body = { inputs: "Once [sim tokens=1]", parameters: { details: true, max_new_tokens: 5 } };
      const [first, last, ...more] = events((await post(sim, "/generate_stream", body)).text).map((each) =>
        JSON.parse(each),
      );
      expect(more).toEqual([]);
      expect(first).toMatchObject({
        index: 1,
        token: { special: false },
        generated_text: null,
        details: null,
      });
      expect(last).toMatchObject({
        index: 2,
        token: { text: "</s>", special: true },
        generated_text: first.token.text,
        details: { finish_reason: "eos_token", generated_tokens: 1, seed: null, input_length: 1 },
      });
    }),
  );

  it(
    "tell a native stream's error with its kind",
    test(async (sim) => {
      const heard = await post(sim, "/generate_stream", { inputs: "Once", parameters: { top_p: 1 } });
      expect(heard).toMatchObject({
        status: 200,
        text: sse(
          '{"error":"Input validation error: `top_p` must be > 0.0 and < 1.0","error_type":"validation"}',
        ),
      });
    }),
  );
});

describe("tgi's ways", () => {
  it(
    "keep a stop text in the text, and call that an end of its own",
    test(async (sim) => {
      const full = predictChat(whole("Hello")).tokens;
      const stop = full.slice(3, 5).join("").trim();
      const { choices } = await answered(sim, CHAT, whole("Hello", { stop: [stop] }));
      expect(choices[0]).toMatchObject({
        message: { content: full.slice(0, 5).join("") },
        finish_reason: "stop_sequence",
      });
      const { text } = await post(sim, CHAT, chat("Hello", { stop: [stop] }));
      expect(joined(text)).toBe(choices[0].message.content);
      expect(text).toContain('"finish_reason":"stop_sequence"');
    }),
  );

  it(
    "go on over a stop text that does not end a token",
    test(async (sim) => {
      const { text, tokens } = predictChat(whole("Hello"));
      const long = tokens.find((token) => token.trim().length > 4)?.trim() ?? "";
      const { choices } = await answered(sim, CHAT, whole("Hello", { stop: [long.slice(0, 3)] }));
      expect(choices[0]).toMatchObject({ message: { content: text }, finish_reason: "stop" });
    }),
  );

  it(
    "call one function at most, and end with stop",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("[tools=2] Both!", { tools: TOOLS }));
      expect(choices[0]).toMatchObject({
        finish_reason: "stop",
        message: { tool_calls: [{ id: "0", function: { description: null, name: "weather" } }] },
      });
      expect(choices[0].message).not.toHaveProperty("content");
    }),
  );

  it(
    "stream a call without a finish, its name first and the brace behind it held back",
    test(async (sim) => {
      const { text } = await post(sim, CHAT, chat("[tool] Weather?", { tools: TOOLS }));
      expect(text).not.toMatch(/"finish_reason":"/);
      const pieces = events(text)
        .filter((each) => each.startsWith("{"))
        .map((each) => JSON.parse(each).choices[0].delta.tool_calls[0]);
      expect(pieces[0]).toEqual({
        index: 0,
        id: "0",
        type: "function",
        function: { name: "weather", arguments: "{" },
      });
      expect(pieces.slice(1).every(({ function: fn }) => fn.name === null)).toBe(true);
      const args = pieces.map(({ function: fn }) => fn.arguments).join("");
      expect(JSON.parse(args)).toEqual({ city: expect.any(String) });
      expect(pieces.at(-1).function.arguments).toBe("");
    }),
  );

  it(
    "number the calls of a conversation, or name them at random where a former id is no number",
    test(async (sim) => {
      const idOf = async (former: string) => {
        const call = { id: former, type: "function", function: { name: "time", arguments: "{}" } };
        const messages = [
          { role: "assistant", tool_calls: [call] },
          { role: "user", content: "[tool] Again" },
        ];
        const { text } = await post(sim, CHAT, { ...chat(""), messages, tools: TOOLS });
        return JSON.parse(events(text)[0] ?? "").choices[0].delta.tool_calls[0].id;
      };
      expect(await idOf("4")).toBe("5");
      expect(await idOf("call_4")).toMatch(/^[0-9a-f-]{36}$/);
    }),
  );

  it(
    "leave reasoning in the text",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("[think] Hello"));
      expect(choices[0].message.content).toMatch(/^<think>\n.+\n<\/think>\n\n./s);
      expect(joined((await post(sim, CHAT, chat("[think] Hello"))).text)).toBe(choices[0].message.content);
    }),
  );

  it(
    "know a schema by the name of value",
    test(async (sim) => {
      const schema = { properties: { city: { type: "string" } }, required: ["city"] };
      for (const response_format of [
        { type: "json_schema", value: { name: "x", schema } },
        { type: "json_object", value: schema },
      ]) {
        const { choices } = await answered(sim, CHAT, whole("Hello", { response_format }));
        expect(JSON.parse(choices[0].message.content)).toEqual({ city: expect.any(String) });
      }
    }),
  );

  it(
    "tell the probability of the token that ends the text, too, and no bytes",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("Hello", { logprobs: true, top_logprobs: 2 }));
      const { content } = choices[0].logprobs;
      expect(content.at(-1).token).toBe("</s>");
      expect(
        content
          .slice(0, -1)
          .map(({ token }: { token: string }) => token)
          .join(""),
      ).toBe(choices[0].message.content);
      expect(content[0].top_logprobs).toHaveLength(2);
      expect(content[0]).not.toHaveProperty("bytes");
    }),
  );

  it(
    "take any model for an adapter, and name it in the answer",
    test(async (sim) => {
      expect((await answered(sim, CHAT, whole("Hello", { model: "tgi" }))).model).toBe("sim-model");
      expect((await answered(sim, CHAT, whole("Hello", { model: "adapter" }))).model).toBe("adapter");
    }),
  );

  it(
    "go on from a closing assistant message without the space behind it",
    test(async (sim) => {
      const full = predictChat(whole("Hello")).text;
      const at = full.indexOf(" ", 20) + 1;
      const messages = [...chat("Hello").messages, { role: "assistant", content: full.slice(0, at) }];
      const { choices } = await answered(sim, CHAT, { ...whole(""), messages });
      expect(choices[0].message.content).toBe(full.slice(at - 1));
    }),
  );

  it(
    "answer several prompts in the order in which they end, and stream them side by side",
    test(async (sim) => {
      const body = { prompt: ["a", "Once upon a time"], max_tokens: 4 };
      const { choices, usage } = await answered(sim, COMPLETIONS, body);
      expect(choices.map(({ index }: { index: number }) => index)).toEqual([1, 0]);
      expect(usage).toEqual({ prompt_tokens: 5, completion_tokens: 8, total_tokens: 13 });
      const { text } = await post(sim, COMPLETIONS, { ...body, stream: true });
      const chunks = events(text)
        .filter((each) => each.startsWith("{"))
        .map((each) => JSON.parse(each));
      expect(chunks.slice(0, 4).map(({ choices: [choice] }) => choice.index)).toEqual([0, 1, 0, 1]);
      expect(chunks.filter((each) => each.usage)).toHaveLength(2);
    }),
  );

  it(
    "answer natively in one object, or in a list on the older route",
    test(async (sim) => {
      const parameters = { max_new_tokens: 3, details: true, decoder_input_details: true, top_n_tokens: 2 };
      const body = { inputs: "Once upon", parameters };
      const answer = await answered(sim, "/generate", body);
      expect(answer.details).toMatchObject({ finish_reason: "length", generated_tokens: 3, seed: null });
      expect(answer.details.prefill.map(({ text }: { text: string }) => text).join("")).toBe("Once upon");
      expect(answer.details.prefill[0].logprob).toBeNull();
      expect(answer.details.tokens).toHaveLength(3);
      expect(answer.details.top_tokens[0]).toHaveLength(2);
      expect(await answered(sim, "/", body)).toEqual([answer]);
      expect(events((await post(sim, "/", { ...body, parameters: {}, stream: true })).text)[0]).toContain(
        '"index":1',
      );
    }),
  );
});

describe("tgi's HTTP", () => {
  it.each<[string, string, unknown, number, string]>([
    [
      "JSON of the wrong type",
      CHAT,
      whole("a", { stop: "x" }),
      422,
      'target type: stop: invalid type: string "x", expected a sequence at line 1',
    ],
    [
      "null for a stream",
      CHAT,
      whole("a", { stream: null }),
      422,
      "stream: invalid type: null, expected a boolean",
    ],
    [
      "null for its options",
      CHAT,
      whole("a", { stream_options: null }),
      422,
      "expected struct StreamOptions",
    ],
    [
      "biases as OpenAI has them",
      CHAT,
      whole("a", { logit_bias: { "5": 1 } }),
      422,
      "logit_bias: invalid type: map",
    ],
    [
      "two limits",
      CHAT,
      whole("a", { max_tokens: 1, max_completion_tokens: 1 }),
      422,
      "duplicate field `max_tokens`",
    ],
    [
      "a schema as OpenAI has it",
      CHAT,
      whole("a", { response_format: { type: "json_schema", json_schema: {} } }),
      422,
      "missing field `value`",
    ],
    [
      "a format that is text",
      CHAT,
      whole("a", { response_format: { type: "text" } }),
      422,
      "unknown variant `text`",
    ],
    [
      "a tool without parameters",
      CHAT,
      whole("a", { tools: [{ type: "function", function: { name: "f" } }] }),
      422,
      "missing field `arguments`",
    ],
    [
      "a message without content",
      CHAT,
      { messages: [{ role: "user", content: null }] },
      422,
      "did not match any variant",
    ],
    ["token ids", COMPLETIONS, { prompt: [1, 2] }, 422, "did not match any variant"],
    ["no inputs", "/generate", {}, 422, "missing field `inputs`"],
    ["what is no JSON", CHAT, "{", 400, "Failed to parse the request body as JSON"],
    ["an unknown path", "/v1/none", {}, 404, ""],
    ["a wrong method", "/health", {}, 405, ""],
  ])("refuses %s in plain text, or without a word", (_, path, body, status, words) =>
    withSimulator({ kind: "tgi" }, async (sim) => {
      const heard = await post(sim, path, body);
      expect(heard.status).toBe(status);
      expect(heard.text).toContain(words);
      expect(() => JSON.parse(heard.text)).toThrow();
    }),
  );

  it(
    "refuses a body that is not said to be JSON",
    test(async (sim) => {
      expect((await post(sim, CHAT, whole("a"), { "content-type": "text/plain" })).status).toBe(415);
    }),
  );

  it(
    "wants the key where it generates, and says nothing where it is wrong",
    test(
      async (sim) => {
        expect(await post(sim, CHAT, whole("a"))).toMatchObject({ status: 401, text: "" });
        expect((await post(sim, CHAT, whole("a"), { authorization: "bearer SECRET" })).status).toBe(200);
        for (const path of ["/info", "/v1/models", "/health", "/metrics"])
          expect((await get(sim, path)).status).toBe(200);
      },
      { apiKey: "secret" },
    ),
  );

  it(
    "tells its one model, without a time, and more on a route of its own",
    test(
      async (sim) => {
        const { text } = await get(sim, "/v1/models");
        expect(text).toBe(
          '{"object":"list","data":[{"id":"a","object":"model","created":0,"owned_by":"a"}]}',
        );
        expect(JSON.parse((await get(sim, "/info")).text)).toMatchObject({
          model_id: "a",
          max_total_tokens: 500,
          max_input_tokens: 499,
        });
      },
      { models: ["a", "b"], contextTokens: 500 },
    ),
  );

  it(
    "counts its work under its own metric names",
    test(async (sim) => {
      await post(sim, CHAT, chat("Hello [sim tokens=5]"));
      await sim.waitFor(({ tokens }) => tokens === 5);
      const { text } = await get(sim, "/metrics");
      for (const line of [
        "tgi_queue_size 0",
        "tgi_batch_current_size 0",
        "tgi_request_generated_tokens_sum 5",
      ])
        expect(text).toContain(`${line}\n`);
    }),
  );

  it(
    "does not listen while it loads",
    test(async (sim) => {
      await sim.configure({ loading: true });
      await expect(get(sim, "/health")).rejects.toThrow();
      await sim.configure({ loading: false });
      expect(await get(sim, "/health")).toMatchObject({ status: 200, text: "" });
    }),
  );
});
