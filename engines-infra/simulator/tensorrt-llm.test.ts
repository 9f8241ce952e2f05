import { describe, expect, it } from "vitest";
import { predictChat } from "./predict.ts";
import type { Simulator } from "./simulator.ts";
import { chat, events, get, leaveWhen, post, withSimulator } from "./testing.ts";

// What trtllm-serve does that no other kind does: https://github.com/NVIDIA/TensorRT-LLM/tree/main/tensorrt_llm/serve

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const test = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind: "tensorrt-llm" }, run);
const whole = (content: string, more: Record<string, unknown> = {}) => ({
  ...chat(content),
  stream: false,
  ...more,
});
const usage = (prompt: number, completion: number) =>
  `"usage":{"prompt_tokens":${prompt},"total_tokens":${prompt + completion},"completion_tokens":${completion},"prompt_tokens_details":{"cached_tokens":0}}`;

const [one = "", two = ""] = predictChat(chat("Hello")).tokens.map((token) => JSON.stringify(token));

describe("the wire of tensorrt-llm", () => {
  const head = `"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"sim-model"`;
  const chunks = [
    `data: {${head},"choices":[{"index":0,"delta":{"role":"assistant"}}]} \n\n`,
    `data: {${head},"choices":[{"index":0,"delta":{"content":${one},"reasoning_content":""}}]}\n\n`,
    `data: {${head},"choices":[{"index":0,"delta":{"content":${two},"reasoning_content":""}}]}\n\n`,
  ];
  const finish = `data: {${head},"choices":[{"index":0,"delta":{"content":"","reasoning_content":""},"finish_reason":"stop"}]}\n\n`;

  it(
    "streams a chat byte for byte: a space behind the first chunk, and no finish_reason until the end",
    test(async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=2]"));
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(heard.text).toBe(`${chunks.join("")}${finish}data: [DONE]\n\n`);
    }),
  );

  it.each([{ include_usage: true }, {}])("tells its usage in a chunk of its own with %j", (stream_options) =>
    withSimulator({ kind: "tensorrt-llm" }, async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=2]", { stream_options }));
      expect(heard.text).toBe(
        `${chunks.join("")}${finish}data: {${head},"choices":[],${usage(8, 2)}}\n\ndata: [DONE]\n\n`,
      );
    }),
  );

  it(
    "answers whole with every null, and an empty list of calls",
    test(async (sim) => {
      const { text } = await post(sim, CHAT, whole("Hello [sim tokens=2]", { model: "whatever" }));
      const content = JSON.stringify(JSON.parse(one) + JSON.parse(two));
      expect(text.replace(/chatcmpl-\w+/, "x")).toBe(
        `{"id":"x","object":"chat.completion","created":1,"model":"whatever","choices":[{"index":0,` +
          `"message":{"role":"assistant","content":${content},"reasoning_content":null,"reasoning":null,"tool_calls":[]},` +
          `"logprobs":null,"finish_reason":"stop","stop_reason":null,"mm_embedding_handle":null,` +
          `"disaggregated_params":null,"avg_decoded_tokens_per_iter":null}],${usage(8, 2)},"prompt_token_ids":null}`,
      );
    }),
  );

  it(
    "says nothing of an error in mid-stream, and closes the connection",
    test(async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=2 error=2]"));
      expect(heard).toMatchObject({ status: 200, text: chunks.slice(0, 2).join(""), broken: true });
    }),
  );

  it(
    "writes every null into the chunks of a completion",
    test(async (sim) => {
      const { text } = await post(sim, COMPLETIONS, {
        prompt: "Hi [sim tokens=1]",
        stream: true,
        model: "m",
      });
      const [first = ""] = events(text);
      expect(first.replace(/"text":"[^"]*"/, '"text":"x"')).toBe(
        `{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"x","token_ids":null,` +
          `"logprobs":null,"finish_reason":null,"stop_reason":null,"avg_decoded_tokens_per_iter":null}],"usage":null}`,
      );
    }),
  );

  it(
    "streams several prompts under as many ids, with as many usages",
    test(async (sim) => {
      const body = {
        prompt: ["a", "b"],
        stream: true,
        max_tokens: 1,
        stream_options: { include_usage: true },
      };
      const { text } = await post(sim, COMPLETIONS, body);
      const parsed = events(text)
        .filter((event) => event.startsWith("{"))
        .map((event) => JSON.parse(event));
      expect(new Set(parsed.map(({ id }) => id)).size).toBe(2);
      expect(parsed.filter(({ choices }) => choices.length === 0)).toHaveLength(2);
      expect(text.match(/\[DONE\]/g)).toHaveLength(1);
    }),
  );
});

describe("tensorrt-llm", () => {
  const TOOL = { type: "function", function: { name: "weather", parameters: { type: "object" } } };
  const named = { type: "function", function: { name: "weather" } };
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

  it(
    "takes whatever text the model writes for the arguments of a named call",
    test(async (sim) => {
      const body = whole("Hello", { tools: [TOOL], tool_choice: named });
      const { choices } = JSON.parse((await post(sim, CHAT, body)).text);
      expect(choices[0].message.tool_calls[0].function.arguments).toBe(predictChat(whole("Hello")).text);
      const held = { ...body, response_format: { type: "json_schema", json_schema: schema } };
      const [call] = JSON.parse((await post(sim, CHAT, held)).text).choices[0].message.tool_calls;
      expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) });
    }),
  );

  it(
    "streams a named call without an id, its name each time",
    test(async (sim) => {
      const body = chat("Hello [sim tokens=2]", { tools: [TOOL], tool_choice: named });
      const pieces = events((await post(sim, CHAT, body)).text)
        .filter((event) => event.includes("tool_calls"))
        .map((event) => JSON.parse(event).choices[0].delta.tool_calls[0]);
      expect(pieces).toHaveLength(3);
      for (const piece of pieces) {
        expect(piece).not.toHaveProperty("id");
        expect(piece.function.name).toBe("weather");
      }
    }),
  );

  it(
    "takes a schema bare and wrapped, and calls its own format json",
    test(async (sim) => {
      const formats = [
        { type: "json_schema", json_schema: schema },
        { type: "json_schema", json_schema: { name: "x", schema } },
        { type: "json", schema },
      ];
      for (const response_format of formats) {
        const { text } = await post(sim, CHAT, whole("Hello", { response_format }));
        expect(JSON.parse(JSON.parse(text).choices[0].message.content)).toHaveProperty("city");
      }
    }),
  );

  it.each([{ top_k: -1 }, { max_tokens: 0 }])("does not live through %j", (more) =>
    withSimulator({ kind: "tensorrt-llm" }, async (sim) => {
      await expect(post(sim, CHAT, whole("Hello", more))).rejects.toThrow();
    }),
  );

  it(
    "goes on to the end of the context where a completion has no limit",
    test(async (sim) => {
      const { text } = await post(sim, COMPLETIONS, { prompt: "Hi [sim tokens=100]" });
      expect(JSON.parse(text).usage.completion_tokens).toBe(100);
    }),
  );

  it(
    "takes 0 log probabilities of a completion for none, and tells wrong places of its tokens",
    test(async (sim) => {
      const ask = async (logprobs: number) =>
        JSON.parse((await post(sim, COMPLETIONS, { prompt: "Hi [sim tokens=3]", logprobs })).text).choices[0];
      expect((await ask(0)).logprobs).toBeNull();
      const { tokens, text_offset } = (await ask(1)).logprobs;
      expect(text_offset[1]).toBe(tokens[1].length);
    }),
  );

  it(
    "waits without a word when it has no place left, a stream with its headers sent",
    test(async (sim) => {
      await leaveWhen(sim, CHAT, chat("Hello [sim overload]"), (heard) => heard.includes("\r\n\r\n"));
      const controller = new AbortController();
      const whole = fetch(sim.url + CHAT, {
        method: "POST",
        body: JSON.stringify({ ...chat("Hello [sim overload]"), stream: false }),
        signal: controller.signal,
      });
      await sim.waitFor(({ requests }) => requests.length === 2);
      controller.abort();
      await expect(whole).rejects.toThrow();
      const { requests } = await sim.waitFor((seen) =>
        seen.requests.every(({ state }) => state === "aborted"),
      );
      expect(requests).toMatchObject([
        { status: 200, bytes: 0, tokens: 0 },
        { status: undefined, bytes: 0, tokens: 0 },
      ]);
    }),
  );

  it(
    "refuses connections while it loads",
    test(async (sim) => {
      await sim.configure({ loading: true });
      await expect(get(sim, "/health")).rejects.toThrow();
      await sim.configure({ loading: false });
      expect(await get(sim, "/health")).toMatchObject({ status: 200, text: "" });
    }),
  );

  it(
    "lists the model that it serves",
    test(async (sim) => {
      expect((await get(sim, "/v1/models")).text).toBe(
        '{"object":"list","data":[{"id":"sim-model","object":"model","created":1,"owned_by":"tensorrt_llm"}]}',
      );
    }),
  );

  it(
    "gives its statistics to whoever reads them first, and its gauges to everybody",
    test(async (sim) => {
      expect((await get(sim, "/metrics")).text).toBe("[]");
      await post(sim, CHAT, whole("Hello [sim tokens=5]"));
      await sim.waitFor(({ finished }) => finished === 1);
      expect(JSON.parse((await get(sim, "/metrics")).text)).toMatchObject([{ numCompletedRequests: 1 }]);
      expect((await get(sim, "/metrics")).text).toBe("[]");
      const labels = '{engine_type="trtllm",model_name="sim-model"}';
      for (const _ of [1, 2]) {
        const { text } = await get(sim, "/prometheus/metrics");
        expect(text).toContain(`trtllm_num_requests_running${labels} 0.0\n`);
        expect(text).toContain(`trtllm_generation_tokens_total${labels} 5.0\n`);
      }
    }),
  );

  it(
    "has no gauges unless they were switched on",
    test(async (sim) => {
      await sim.configure({ lacks: ["metrics"] });
      expect((await get(sim, "/prometheus/metrics")).status).toBe(404);
    }),
  );
});
