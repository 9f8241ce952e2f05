import { describe, expect, it } from "vitest";
import { readConversation } from "./model/conversation.ts";
import { generate } from "./model/generate.ts";
import { predictChat } from "./predict.ts";
import type { Simulator, SimulatorOptions } from "./simulator.ts";
import { chat, events, get, joined, leaveWhen, post, withSimulator } from "./testing.ts";

// What is LMDeploy's alone: https://github.com/InternLM/lmdeploy/tree/main/lmdeploy/serve/openai

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const TWO = chat("Hello [sim tokens=2]");
const [one = "", two = ""] = generate(readConversation(chat("Hello").messages).context);
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

const test =
  (run: (sim: Simulator) => Promise<void>, options: Partial<SimulatorOptions> = {}) =>
  () =>
    withSimulator({ kind: "lmdeploy", ...options }, run);

async function answered(sim: Simulator, path: string, body: unknown) {
  const heard = await post(sim, path, body);
  expect(heard.status, heard.text).toBe(200);
  return JSON.parse(heard.text);
}

/** The chunks of a stream. */
const chunksOf = (text: string) =>
  events(text)
    .filter((event) => event.startsWith("{"))
    .map((event) => JSON.parse(event));

const withoutId = (text: string): string => text.replace(/chatcmpl-\w{22}/g, "chatcmpl-x");

/** As Python's `json.dumps` writes it. */
const ascii = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

describe("lmdeploy's bytes", () => {
  const head = `"id": "chatcmpl-x", "object": "chat.completion.chunk", "created": 1, "model": "sim-model"`;
  const chunk = (delta: string, more = "", usage = "") =>
    `data: {${head}, "choices": [{"index": 0, "delta": {"role": "assistant", ${delta}}${more}}]${usage}}\n\n`;
  const finish = ', "finish_reason": "stop"';

  it(
    "stream a chat with the role in every delta, spaces behind commas, and no null",
    test(async (sim) => {
      const heard = await post(sim, CHAT, TWO);
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(withoutId(heard.text)).toBe(
        [
          chunk(`"content": ${ascii(one)}`),
          chunk(`"content": ${ascii(two)}`),
          chunk('"content": ""', finish),
          "data: [DONE]\n\n",
        ].join(""),
      );
    }),
  );

  it(
    "have a null usage in every chunk before the one that tells it, which has no spaces",
    test(async (sim) => {
      const heard = await post(sim, CHAT, { ...TWO, stream_options: { include_usage: true } });
      const compact = `"id":"chatcmpl-x","object":"chat.completion.chunk","created":1,"model":"sim-model"`;
      const pending = ', "usage": null';
      expect(withoutId(heard.text)).toBe(
        [
          chunk(`"content": ${ascii(one)}`, "", pending),
          chunk(`"content": ${ascii(two)}`, "", pending),
          chunk('"content": ""', finish, pending),
          `data: {${compact},"choices":[],"usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}\n\n`,
          "data: [DONE]\n\n",
        ].join(""),
      );
    }),
  );

  it(
    "answer whole without spaces and with every null",
    test(async (sim) => {
      const { text } = await post(sim, CHAT, { ...TWO, stream: false });
      const content = JSON.stringify(one + two);
      expect(withoutId(text)).toBe(
        [
          `{"id":"chatcmpl-x","object":"chat.completion","created":1,"model":"sim-model",`,
          `"choices":[{"index":0,"message":{"role":"assistant","content":${content},"reasoning_content":null,"tool_calls":null},`,
          `"logprobs":null,"output_token_logprobs":null,"finish_reason":"stop","output_ids":null,"routed_experts":null}],`,
          `"usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":null},`,
          `"service_tier":null}`,
        ].join(""),
      );
    }),
  );

  it(
    "stream an error wrapped, and the end marker all the same",
    test(async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=2 error=0]"));
      expect(heard.text).toBe(
        'data: {"error": {"message": "An internal server error occurred.", "type": "server_error", "code": 500, "param": null, "object": "error"}}\n\ndata: [DONE]\n\n',
      );
    }),
  );

  it(
    "name every completion -1, and leave out the finish reason before the end",
    test(async (sim) => {
      const body = { model: "sim-model", prompt: "Once", max_tokens: 1 };
      const { text } = await post(sim, COMPLETIONS, { ...body, stream: true });
      const frame = `"id": "-1", "object": "text_completion", "created": 1, "model": "sim-model"`;
      expect(text).toMatch(/^data: \{[^}]*"text": "[^"]*"\}\]\}\n\n/);
      expect(text).toContain(
        `data: {${frame}, "choices": [{"index": 0, "text": "", "finish_reason": "length"}]}\n\n`,
      );
      expect(await answered(sim, COMPLETIONS, body)).toMatchObject({
        id: "-1",
        usage: { prompt_tokens_details: null },
      });
    }),
  );
});

describe("lmdeploy", () => {
  it(
    "answers several prompts one after the other, all under index 0, and whole under their own",
    test(async (sim) => {
      const body = { model: "sim-model", prompt: ["one", "two"], max_tokens: 2 };
      const { choices, usage } = await answered(sim, COMPLETIONS, body);
      expect(choices.map(({ index }: { index: number }) => index)).toEqual([0, 1]);
      expect(usage.completion_tokens).toBe(4);
      const { text } = await post(sim, COMPLETIONS, { ...body, stream: true });
      const streamed = chunksOf(text).map(({ choices: [choice] }) => [choice.index, choice.finish_reason]);
      expect(streamed).toEqual([
        [0, undefined],
        [0, undefined],
        [0, "length"],
        [0, undefined],
        [0, undefined],
        [0, "length"],
      ]);
    }),
  );

  it(
    "goes on to the end of a text where no limit is given, and ignores echo, suffix and n",
    test(async (sim) => {
      const body = { model: "sim-model", prompt: "Once upon", echo: true, suffix: "end", n: 3 };
      const { choices, usage } = await answered(sim, COMPLETIONS, body);
      expect(choices).toHaveLength(1);
      expect(choices[0].text).toBe(generate("", "Once upon").join(""));
      expect(usage.completion_tokens).toBeGreaterThan(16);
    }),
  );

  it(
    "completes a text that is given for messages",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, { model: "sim-model", messages: "Once upon" });
      expect(choices[0].message.content).toBe(generate("", "Once upon").join(""));
    }),
  );

  it(
    "stops at a text of one token and at no longer one",
    test(async (sim) => {
      const tokens = predictChat(whole("Hello")).tokens;
      const long = (tokens[3] ?? "") + (tokens[4] ?? "");
      const stopped = async (stop: string) =>
        (await answered(sim, CHAT, whole("Hello", { stop: [stop] }))).choices[0].message.content;
      expect(await stopped(long)).toBe(tokens.join(""));
      expect(await stopped(tokens[3] ?? "")).toBe(tokens.slice(0, 3).join(""));
    }),
  );

  it.each<[choice: unknown, called: string | undefined]>([
    ["auto", "weather"],
    ["required", "weather"],
    ["none", "weather"],
    [{ type: "function", function: { name: "time" } }, "time"],
  ])("tells its model of tools whatever the choice, but only of a named one: %j", (tool_choice, called) =>
    withSimulator({ kind: "lmdeploy" }, async (sim) => {
      const ask = async (content: string) =>
        (await answered(sim, CHAT, whole(content, { tools: TOOLS, tool_choice }))).choices[0].message
          .tool_calls?.[0].function.name;
      expect(await ask("[tool] Weather?")).toBe(called);
      expect(await ask("Hello")).toBeUndefined();
    }),
  );

  it(
    "streams a call's name, then all of its arguments at once, and empty ones never",
    test(async (sim) => {
      const none = { type: "function", function: { name: "none", parameters: { type: "object" } } };
      const body = chat("[tools=2] Both!", { tools: [TOOLS[0], none] });
      const { choices } = await answered(sim, CHAT, { ...body, stream: false });
      const { text } = await post(sim, CHAT, body);
      const deltas = chunksOf(text).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
      const [first, second] = choices[0].message.tool_calls;
      expect(deltas).toEqual([
        {
          id: expect.stringMatching(/^chatcmpl-tool-\w{22}$/),
          type: "function",
          index: 0,
          function: { name: "weather" },
        },
        { index: 0, function: { arguments: first.function.arguments } },
        { id: expect.any(String), type: "function", index: 1, function: { name: "none" } },
      ]);
      expect(JSON.parse(first.function.arguments)).toEqual({ city: expect.any(String) });
      expect(second.function.arguments).toBe("{}");
      expect(text).toContain('"finish_reason": "tool_calls"');
      const single = await answered(sim, CHAT, { ...body, stream: false, parallel_tool_calls: false });
      expect(single.choices[0].message.tool_calls).toHaveLength(1);
    }),
  );

  it(
    "makes n different answers",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("Hello [sim tokens=4]", { n: 3 }));
      expect(
        new Set(choices.map(({ message }: { message: { content: string } }) => message.content)).size,
      ).toBe(3);
    }),
  );

  it(
    "answers in JSON that fits a schema",
    test(async (sim) => {
      const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
      const response_format = { type: "json_schema", json_schema: { name: "x", schema } };
      const { choices } = await answered(sim, CHAT, whole("Hello", { response_format }));
      expect(JSON.parse(choices[0].message.content)).toEqual({ a: expect.any(Number) });
    }),
  );

  it(
    "thinks unless its template is told not to, and counts it",
    test(async (sim) => {
      const thought = await answered(sim, CHAT, whole("[think] Why?"));
      expect(thought.choices[0].message.reasoning_content).toMatch(/\w/);
      expect(thought.usage.completion_tokens_details).toEqual({ reasoning_tokens: 12 });
      const off = { chat_template_kwargs: { enable_thinking: false } };
      const { choices } = await answered(sim, CHAT, whole("[think] Why?", off));
      expect(choices[0].message.reasoning_content).toBeNull();
    }),
  );

  it(
    "tells tokens as its vocabulary writes them, and not among their own alternatives",
    test(async (sim) => {
      const { tokens } = predictChat(whole("Hello"));
      const { choices } = await answered(sim, CHAT, whole("Hello", { logprobs: true, top_logprobs: 2 }));
      const told = choices[0].logprobs.content;
      expect(told).toHaveLength(tokens.length);
      expect(told[1].token).toBe(`\u0120${(tokens[1] ?? "").slice(1)}`);
      expect(told[1].top_logprobs).toHaveLength(1);
    }),
  );

  it(
    "sleeps with a health of 200, and refuses to generate until it is woken",
    test(async (sim) => {
      expect((await post(sim, "/sleep?level=3", {})).status).toBe(400);
      expect((await post(sim, "/sleep?level=1", {})).status).toBe(200);
      expect(await get(sim, "/health")).toMatchObject({
        status: 200,
        text: '{"status":"sleeping","message":"Engine is sleeping."}',
      });
      expect((await get(sim, "/is_sleeping")).text).toBe('{"is_sleeping":true}');
      const refused = await post(sim, CHAT, whole("Hello"));
      expect(refused.status).toBe(503);
      expect(JSON.parse(refused.text).message).toMatch(/^Engine is sleeping; call POST \/wakeup/);
      expect((await post(sim, "/wakeup", "")).status).toBe(200);
      expect((await get(sim, "/health")).text).toContain('"healthy"');
      expect((await post(sim, CHAT, whole("Hello"))).status).toBe(200);
    }),
  );

  it(
    "waits without a word where it is overloaded, a stream with its headers sent",
    test(async (sim) => {
      await leaveWhen(sim, CHAT, chat("Hello [sim overload]"), (heard) => heard.includes("\r\n\r\n"));
      const { requests } = await sim.waitFor((seen) => seen.requests[0]?.state === "aborted");
      expect(requests[0]).toMatchObject({ status: 200, bytes: 0, tokens: 0 });
    }),
  );

  it(
    "has an abort call in plain text, and one that ends it, both of which it was not started for",
    test(async (sim) => {
      const aborted = await post(sim, "/abort_request", { abort_all: true });
      expect(aborted.status).toBe(501);
      expect(aborted.headers.get("content-type")).toMatch(/^text\/plain/);
      expect((await get(sim, "/terminate")).status).toBe(400);
    }),
  );

  it("lists its model and its adapters alike, and tells no length", () =>
    withSimulator({ kind: "lmdeploy", models: ["base", "sql"] }, async (sim) => {
      const { data } = JSON.parse((await get(sim, "/v1/models")).text);
      expect(data.map(({ id, root, parent }: Record<string, unknown>) => [id, root, parent])).toEqual([
        ["base", "base", null],
        ["sql", "sql", null],
      ]);
      expect(data[0]).not.toHaveProperty("max_model_len");
      expect((await post(sim, CHAT, whole("Hello", { model: "sql" }))).status).toBe(200);
    }));

  it(
    "counts its work under its own metric names",
    test(async (sim) => {
      await post(sim, CHAT, chat("Hello [sim tokens=5]"));
      await sim.waitFor(({ tokens }) => tokens === 5);
      const { text } = await get(sim, "/metrics");
      expect(text).toContain('lmdeploy:num_requests_running{engine="0",model_name="sim-model"} 0.0\n');
      expect(text).toContain('lmdeploy:generation_tokens_total{engine="0",model_name="sim-model"} 5.0\n');
      expect(joined((await post(sim, CHAT, chat("Hello"))).text)).toBe(predictChat(chat("Hello")).text);
    }),
  );
});
