import { describe, expect, it } from "vitest";
import { generate } from "./model/generate.ts";
import { predictChat } from "./predict.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import type { Simulator } from "./simulator.ts";
import { chat, events, get, joined, leaveWhen, post, withSimulator } from "./testing.ts";

// What DeepSpeed-MII's three servers do: https://github.com/deepspeedai/DeepSpeed-MII

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const REST = "/mii/sim-model";
const DONE = "[DONE]";

const test = (kind: SimulatedKind, run: (sim: Simulator) => Promise<void>) => () =>
  withSimulator({ kind }, run);
const openai = (run: (sim: Simulator) => Promise<void>) => test("deepspeed", run);
const native = (run: (sim: Simulator) => Promise<void>) => test("deepspeed-native", run);
const rest = (run: (sim: Simulator) => Promise<void>) => test("deepspeed-rest", run);

const withoutId = (text: string): string => text.replaceAll(/"id":"[^"]+"/g, '"id":"x"');
const sse = (...data: string[]): string => data.map((each) => `data: ${each}\n\n`).join("");
const jsonOf = async (sim: Simulator, path: string, body: unknown) => {
  const { status, text } = await post(sim, path, body);
  expect(status, text).toBe(200);
  return JSON.parse(text);
};

const two = predictChat(chat("Hello [sim tokens=2]")).tokens.map((token) => JSON.stringify(token));

describe("the OpenAI-style server", () => {
  const chunk = (delta: string, finish = "null") =>
    `{"id":"x","model":"sim-model","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}`;
  const opening = chunk('{"role":"assistant"}');

  it(
    "streams a chat byte for byte: no object, no time, the end of the turn shown, an empty last chunk",
    openai(async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=2]"));
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      const said = [...two, '"</s>"'].map((token) => chunk(`{"content":${token}}`));
      expect(withoutId(heard.text)).toBe(sse(opening, ...said, chunk('{"content":""}', '"stop"'), DONE));
    }),
  );

  it(
    "answers a chat whole without the end of the turn, and counts the prompt without its template",
    openai(async (sim) => {
      const { text } = await post(sim, CHAT, { ...chat("Hello [sim tokens=2]"), stream: false });
      const content = JSON.stringify(two.map((token) => JSON.parse(token)).join(""));
      expect(withoutId(text)).toBe(
        `{"id":"x","object":"chat.completion","created":1,"model":"sim-model","choices":[{"index":0,"message":{"role":"assistant","content":${content}},"finish_reason":"stop"}],` +
          `"usage":{"prompt_tokens":1,"total_tokens":3,"completion_tokens":2}}`,
      );
    }),
  );

  it(
    "streams a completion with an object and null for log probabilities",
    openai(async (sim) => {
      const body = { model: "sim-model", prompt: "Once", max_tokens: 1, stream: true };
      const piece = (text: string, finish: string) =>
        `{"id":"x","object":"text_completion","model":"sim-model","choices":[{"index":0,"text":${text},"logprobs":null,"finish_reason":${finish}}]}`;
      const token = JSON.stringify(generate("", "Once", { tokens: 1 }).join(""));
      expect(withoutId((await post(sim, COMPLETIONS, body)).text)).toBe(
        sse(piece(token, "null"), piece('""', '"length"'), DONE),
      );
    }),
  );

  it(
    "ends after 128 tokens unless told, and knows no newer name for the limit",
    openai(async (sim) => {
      const body = { ...chat("Hello [sim tokens=500]"), stream: false, max_completion_tokens: 5 };
      expect((await jsonOf(sim, CHAT, body)).usage.completion_tokens).toBe(128);
      const { choices } = await jsonOf(sim, CHAT, { ...body, max_tokens: 5 });
      expect(choices[0].finish_reason).toBe("length");
    }),
  );

  it(
    "ignores seeds, tools, formats and log probabilities without a word",
    openai(async (sim) => {
      const tool = { type: "function", function: { name: "f" } };
      const asked = { seed: 7, tools: [tool], tool_choice: "required", logprobs: true };
      const plain = await jsonOf(sim, CHAT, { ...chat("[tool] Hello"), stream: false });
      const { choices } = await jsonOf(sim, CHAT, {
        ...chat("[tool] Hello"),
        ...asked,
        stream: false,
        response_format: { type: "json_object" },
      });
      expect(choices).toEqual(plain.choices);
    }),
  );

  it(
    "looks a stop text up as one token, never finds it, and does not stop at the end of the turn either",
    openai(async (sim) => {
      const full = predictChat(chat("Hello")).text;
      const body = { ...chat("Hello", { stop: [full.slice(10, 14)] }), stream: false, max_tokens: 100 };
      const { choices, usage } = await jsonOf(sim, CHAT, body);
      expect(choices[0].finish_reason).toBe("length");
      expect(choices[0].message.content.startsWith(full)).toBe(true);
      expect(usage.completion_tokens).toBe(100);
      expect(await post(sim, CHAT, chat("Hello", { stop: [] }))).toMatchObject({
        status: 500,
        text: "Internal Server Error",
      });
    }),
  );

  it(
    "generates the first of several choices or prompts only where it streams",
    openai(async (sim) => {
      const { choices, usage } = await jsonOf(sim, CHAT, { ...chat("Hello", { n: 2 }), stream: false });
      expect(
        new Set(choices.map((each: { message: { content: string } }) => each.message.content)).size,
      ).toBe(2);
      expect(usage.prompt_tokens).toBe(2);
      const streamed = events((await post(sim, CHAT, chat("Hello [sim tokens=2]", { n: 2 }))).text);
      expect(JSON.parse(streamed[0] ?? "").choices).toHaveLength(2);
      expect(streamed.slice(1, -1).every((each) => JSON.parse(each).choices.length === 1)).toBe(true);
      const prompts = { model: "sim-model", prompt: ["Once", "Twice"], max_tokens: 3 };
      expect((await jsonOf(sim, COMPLETIONS, prompts)).choices).toHaveLength(2);
      const { text } = await post(sim, COMPLETIONS, { ...prompts, stream: true });
      expect(joined(text)).toBe(generate("", "Once", { tokens: 40 }).slice(0, 3).join(""));
    }),
  );

  it.each([
    ["a temperature of 0", { temperature: 0 }],
    ["a top_p of 0", { top_p: 0 }],
    ["a prompt over the context", { messages: chat("word ".repeat(40)).messages }],
  ])("answers %s with a 500, and in a stream with an end mark and nothing else", (_, more) =>
    withSimulator({ kind: "deepspeed", contextTokens: 32 }, async (sim) => {
      expect((await post(sim, CHAT, { ...chat("Hello"), ...more, stream: false })).status).toBe(500);
      const heard = await post(sim, CHAT, { ...chat("Hello"), ...more });
      expect(withoutId(heard.text)).toBe(sse(opening, DONE));
    }),
  );

  it(
    "takes a completion's length from the request, and its own default for the deployment's",
    openai(async (sim) => {
      const body = { model: "sim-model", prompt: "Once upon a time", max_tokens: 3 };
      await sim.configure({ contextTokens: 3 });
      expect((await post(sim, COMPLETIONS, body)).status).toBe(200);
      expect((await post(sim, COMPLETIONS, { ...body, max_length: 3 })).status).toBe(500);
    }),
  );

  it(
    "lists its one model, whatever else there is",
    openai(async (sim) => {
      await sim.configure({ models: ["org/model", "other"] });
      const { data } = JSON.parse((await get(sim, "/v1/models")).text);
      expect(data).toMatchObject([{ id: "org/model", owned_by: "deepspeed-mii", root: "org/model" }]);
    }),
  );
});

describe("/generate", () => {
  const frames = (...texts: string[]) => sse(...texts.map((text) => `{"text": [${text}]}`), DONE);

  it(
    "streams texts and nothing about them, in ASCII, and ends with an empty one",
    native(async (sim) => {
      const tokens = generate("", "Hello there", { tokens: 12 });
      expect(tokens.join("")).toMatch(/[^ -~\n\t]/);
      const body = { prompt: "Hello there [sim tokens=12]", stream: true };
      const { text } = await post(sim, "/generate", body);
      expect(text).toMatch(/^[ -~\n]*$/);
      expect(
        events(text)
          .slice(0, -1)
          .flatMap((each) => JSON.parse(each).text),
      ).toEqual([...tokens, "</s>", ""]);
      const [first = "", second = ""] = generate("", "Once", { tokens: 2 }).map((each) =>
        JSON.stringify(each),
      );
      const short = { prompt: "Once [sim tokens=2]", stream: true };
      expect((await post(sim, "/generate", short)).text).toBe(frames(first, second, '"</s>"', '""'));
    }),
  );

  it(
    "says neither why it ended nor what it cost",
    native(async (sim) => {
      const heard = await post(sim, "/generate", { prompt: ["Once", "Twice"], max_tokens: 2, model: "any" });
      const texts = ["Once", "Twice"].map((each) => generate("", each).slice(0, 2).join(""));
      expect(heard.text).toBe(JSON.stringify({ text: texts }));
      const limited = { prompt: "Once", max_tokens: 2, stream: true };
      expect(events((await post(sim, "/generate", limited)).text)).not.toContain('{"text": ["</s>"]}');
    }),
  );

  it(
    "answers token ids with a 500, and in a stream a temperature of 0 with an end mark alone",
    native(async (sim) => {
      expect((await post(sim, "/generate", { prompt: [1, 2] })).status).toBe(500);
      const { text } = await post(sim, "/generate", { prompt: "Once", temperature: 0, stream: true });
      expect(text).toBe(sse(DONE));
    }),
  );
});

describe("the RESTful gateway", () => {
  it(
    "answers whole, its members sorted and in ASCII, and closes the connection",
    rest(async (sim) => {
      const heard = await post(sim, REST, {
        prompts: ["Once [sim tokens=2]"],
        max_new_tokens: 8,
        stream: true,
      });
      const text = JSON.stringify(generate("", "Once", { tokens: 2 }).join(""));
      expect(heard.text).toBe(
        `[{"finish_reason":"stop","generated_length":2,"generated_text":${text},"prompt_length":1}]\n`,
      );
      expect(heard.headers.get("connection")).toBe("close");
      const long = await post(sim, REST, { prompts: "Hello there [sim tokens=200]", max_new_tokens: 200 });
      expect(long.text).toMatch(/^[ -~]*\n$/);
      expect(JSON.parse(long.text)[0].generated_text).toMatch(/[^ -~\n\t]/);
    }),
  );

  it(
    "has its generations in the prompts' order, and goes on to the end of the context unless told",
    rest(async (sim) => {
      await sim.configure({ contextTokens: 50 });
      const body = { prompts: ["Once", "Twice upon"], ignore_eos: true };
      const list = await jsonOf(sim, REST, body);
      expect(list).toMatchObject([
        { prompt_length: 1, generated_length: 49, finish_reason: "length" },
        { prompt_length: 2, generated_length: 48, finish_reason: "length" },
      ]);
      const [echoed] = await jsonOf(sim, REST, {
        prompts: "Once",
        max_new_tokens: 2,
        return_full_text: true,
      });
      expect(echoed.generated_text).toMatch(/^Once/);
    }),
  );

  it(
    "says that it lives in plain text, knows one deployment, and takes JSON alone",
    rest(async (sim) => {
      expect(await get(sim, "/healthz")).toMatchObject({ status: 200, text: "ok" });
      const unknown = await post(sim, "/mii/other", { prompts: "Once" });
      expect(unknown.status).toBe(404);
      expect(unknown.text).toContain("<h1>Not Found</h1>");
      const asText = await post(sim, REST, "{}", { "content-type": "text/plain" });
      expect([asText.status, JSON.parse(asText.text).message]).toEqual([
        415,
        expect.stringContaining("Content-Type"),
      ]);
    }),
  );

  it(
    "finds the default name of a deployment, slash and all",
    rest(async (sim) => {
      await sim.configure({ models: ["org/model-mii-deployment"] });
      const path = "/mii/org/model-mii-deployment";
      expect((await post(sim, path, { prompts: "Once", max_new_tokens: 1 })).status).toBe(200);
    }),
  );
});

const ASKS: readonly [SimulatedKind, string, (text: string) => Record<string, unknown>][] = [
  ["deepspeed", CHAT, (text) => chat(text, { max_tokens: 4000 })],
  ["deepspeed-native", "/generate", (text) => ({ prompt: text, stream: true, max_tokens: 4000 })],
];

describe.each(ASKS)("directives on %s", (kind, path, ask) => {
  const run = (with_: (sim: Simulator, full: string[]) => Promise<void>) => () =>
    withSimulator({ kind }, async (sim) => with_(sim, await said(sim, "")));
  const hear = (sim: Simulator, directive: string) =>
    post(sim, path, ask(`Hello [sim tokens=6 ${directive}]`));
  const said = async (sim: Simulator, directive: string) =>
    events((await hear(sim, directive)).text).map(withoutId);

  it(
    "die, fin and cutin break a stream off after, or within, every event",
    run(async (sim, full) => {
      for (let count = 1; count < full.length; count++) {
        const died = await hear(sim, `die=${count}`);
        expect([events(died.text).map(withoutId), died.broken]).toEqual([full.slice(0, count), true]);
        expect(await said(sim, `fin=${count}`)).toEqual(full.slice(0, count));
        const cut = await hear(sim, `cutin=${count + 1}`);
        expect(cut.broken).toBe(true);
        expect(events(cut.text).slice(0, count).map(withoutId)).toEqual(full.slice(0, count));
      }
    }),
  );

  it(
    "error=N is an end mark too early: nobody hears of a replica that has failed",
    run(async (sim, full) => {
      for (const count of [0, 3])
        expect(await said(sim, `error=${count}`)).toEqual([...full.slice(0, count), DONE]);
    }),
  );

  it(
    "nofinish leaves out the last frame, onlydone all but the end mark, abort cuts",
    run(async (sim, full) => {
      expect(await said(sim, "nofinish")).toEqual([...full.slice(0, -2), DONE]);
      expect(await said(sim, "onlydone")).toEqual([DONE]);
      expect((await hear(sim, "abort=3")).broken).toBe(true);
    }),
  );

  it(
    "overload is a wait without a word, headers sent",
    run(async (sim) => {
      await leaveWhen(sim, path, ask("Hello [sim overload]"), (heard) => heard.includes("\r\n\r\n"));
      const { requests } = await sim.waitFor(({ requests }) => requests.at(-1)?.status === 200);
      expect(requests.at(-1)).toMatchObject({ bytes: 0, tokens: 0 });
    }),
  );

  it(
    "goes on to the end of its answer for a client that has left",
    run(async (sim) => {
      const body = ask("Hello [sim tokens=300 gap=1]");
      await leaveWhen(sim, path, body, (heard) => heard.split("\n\n").length > 4);
      const { requests } = await sim.waitFor(({ requests }) => requests.at(-1)?.tokens === 300);
      expect(requests.at(-1)?.aborted).toBeUndefined();
    }),
  );

  it(
    "status=N and html answer as the server and a tunnel do",
    run(async (sim) => {
      expect(await hear(sim, "status=500")).toMatchObject({ status: 500, text: "Internal Server Error" });
      expect(await hear(sim, "status=404")).toMatchObject({ status: 404, text: '{"detail":"Not Found"}' });
      expect((await hear(sim, "html")).status).toBe(502);
    }),
  );
});

describe("directives on deepspeed-rest", () => {
  const ask = (directive: string) => ({ prompts: `Once [sim tokens=6 ${directive}]`, max_new_tokens: 4000 });

  it(
    "break off what is only written when all is there",
    rest(async (sim) => {
      await expect(post(sim, REST, ask("die=3"))).rejects.toThrow();
      expect((await post(sim, REST, ask("error=3"))).text).toBe('{"message": "Internal Server Error"}\n');
      for (const cut of ["fin=3", "cutin=1"])
        expect(await post(sim, REST, ask(cut))).toMatchObject({ status: 200, broken: true });
      expect((await post(sim, REST, ask("status=400"))).status).toBe(400);
    }),
  );

  it(
    "keep a process for a client that has left",
    rest(async (sim) => {
      await sim.configure({ slots: 1 });
      const controller = new AbortController();
      const left = fetch(sim.url + REST, {
        method: "POST",
        body: JSON.stringify(ask("tokens=200 gap=1")),
        headers: { "content-type": "application/json" },
        signal: controller.signal,
      });
      await sim.waitFor(({ running }) => running === 1);
      controller.abort();
      await expect(left).rejects.toThrow();
      const next = post(sim, REST, ask(""));
      await sim.waitFor(({ waiting }) => waiting === 1);
      expect((await next).status).toBe(200);
      expect(sim.seen().requests[0]).toMatchObject({ tokens: 200, aborted: undefined });
    }),
  );
});

describe("loading", () => {
  it.each(["deepspeed", "deepspeed-native", "deepspeed-rest"] as const)(
    "%s listens only when all is there",
    (kind) =>
      withSimulator({ kind }, async (sim) => {
        await sim.configure({ loading: true });
        await expect(get(sim, "/health")).rejects.toThrow();
      }),
  );
});
