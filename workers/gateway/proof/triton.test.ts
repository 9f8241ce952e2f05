import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { generate } from "../../../engines-infra/simulator/model/generate.ts";
import { chat, errorOf, get, post, readStream } from "./asking.ts";
import { leaver } from "./bare-client.ts";
import { generationsOf, proofForFile } from "./harness.ts";

// Triton makes completions and nothing else: a model of the LLM API, and a classic one, which has other names for
// everything, no word for why it ended, and leaves its stop texts in.
const proof = proofForFile([
  { kind: "triton", id: "api", sim: { models: ["tensorrt_llm"] } },
  { kind: "triton", id: "classic", sim: { models: ["ensemble"] } },
  { kind: "triton", id: "small", sim: { models: ["small_tensorrt_llm"], contextTokens: 20 } },
  { kind: "triton", id: "shared-a", sim: { models: ["shared"] }, config: { weight: 1000 } },
  { kind: "vllm", id: "shared-b", sim: { models: ["shared"] }, config: { weight: 0 } },
]);

const COMPLETIONS = "/v1/completions";
const TOKENS = 6;
const MODELS = { api: "tensorrt_llm", classic: "ensemble" } as const;
type Id = keyof typeof MODELS;
const IDS = Object.keys(MODELS) as Id[];
const streamed = { stream: true, stream_options: { include_usage: true } };

const ask = (model: string, prompt: string, more: object = {}, headers = {}) =>
  post(proof(), COMPLETIONS, { model, prompt, max_tokens: 500, ...more }, { headers });
const said = (prompt: string, tokens?: number) =>
  generate("", prompt, tokens === undefined ? {} : { tokens }).join("");

type Answer = {
  readonly choices: readonly { readonly text: string; readonly finish_reason: string }[];
  readonly usage: { readonly completion_tokens: number; readonly estimated?: true };
};

describe.each(IDS)("a completion of triton's %s model", (id) => {
  const model = MODELS[id];
  const sent = () => generationsOf(proof().sim(id).seen().requests).at(-1)?.body as Record<string, unknown>;

  it("is the model's text and nothing of the prompt, whole and streamed", async () => {
    const text = said("Tell me of rivers", 40);
    const whole = (await (await ask(model, "Tell me of rivers [sim tokens=40]")).json()) as Answer;
    expect(whole.choices).toMatchObject([{ text, finish_reason: "stop" }]);
    const response = await ask(model, "Tell me of rivers [sim tokens=40]", streamed);
    const heard = await readStream(response);
    expect(heard).toMatchObject({ text, finishes: ["stop"], done: true });
    expect(heard.usage).toMatchObject({ completion_tokens: 40 });
    expect((await proof().lineOf(response)).usage).toMatchObject({ completion_tokens: 40 });
  });

  it.each([true, false])("ends at its limit, and says so (stream: %s)", async (stream) => {
    const response = await ask(model, "Go on and on", { max_tokens: 5, stream });
    const [text, finish] = stream
      ? await readStream(response).then((heard) => [heard.text, heard.finishes[0]])
      : await response
          .json()
          .then((answer) => [
            (answer as Answer).choices[0]?.text,
            (answer as Answer).choices[0]?.finish_reason,
          ]);
    expect({ text, finish }).toEqual({ text: said("Go on and on", 5), finish: "length" });
  });

  it.each([true, false])("ends at a stop text, which does not come (stream: %s)", async (stream) => {
    const free = said("Stop me");
    const stop = free.slice(11, 19);
    const response = await ask(model, "Stop me", { stop: ["never said", stop], stream });
    const text = stream
      ? (await readStream(response)).text
      : ((await response.json()) as Answer).choices[0]?.text;
    expect(text).toBe(free.slice(0, free.indexOf(stop)));
  });

  it("is counted by the engine or by us, and says by whom", async () => {
    const { usage } = (await (await ask(model, "Count [sim tokens=9]")).json()) as Answer;
    expect(usage.estimated).toBe(id === "api" ? true : undefined);
    const heard = await readStream(await ask(model, "Count [sim tokens=9]", streamed));
    expect(heard.usage).toMatchObject({ completion_tokens: 9, ...(id === "api" && { estimated: true }) });
  });

  it.each(["split=1", "split=7"])("arrives whole however its bytes come (%s)", async (directive) => {
    const heard = await readStream(await ask(model, `Say something [sim tokens=12 ${directive}]`, streamed));
    expect(heard).toMatchObject({ text: said("Say something", 12), done: true });
  });

  // The end of a classic model's body is its only end mark: where it comes too early, nobody can know.
  const early = id === "api" ? ["fin=1", "fin=4", "nofinish", "onlydone"] : ["onlydone"];
  it.each([
    "error=0",
    "error=1",
    "error=4",
    "die=0",
    "die=1",
    "die=4",
    "cutin=1",
    "cutin=4",
    "abort=3",
    "html",
    "status=500",
    ...early,
  ])("is never taken for an answer where its stream fails (%s)", async (fault) => {
    const response = await ask(model, `Fail me [sim tokens=${TOKENS} ${fault}]`, streamed);
    if (response.status !== 200) {
      expect([502, 503]).toContain(response.status);
      return expect((await errorOf(response)).message).toContain(id);
    }
    const heard = await readStream(response);
    expect(heard).toMatchObject({ done: false, finishes: [], usage: undefined });
    expect(heard.error).toBeDefined();
    expect(said("Fail me", TOKENS)).toContain(heard.text);
  });

  it.each(["die=3", "fin=3", "cutin=1", "error=3", "html", "status=500"])(
    "is never taken for an answer where it fails as a whole (%s)",
    async (fault) => {
      const response = await ask(model, `Fail me [sim tokens=${TOKENS} ${fault}]`);
      expect([502, 503]).toContain(response.status);
      expect((await errorOf(response)).message).toContain(id);
    },
  );

  it.each([true, false])("has as many choices as requests are made of it (stream: %s)", async (stream) => {
    const response = await ask(model, "Twice [sim tokens=5]", { n: 2, ...(stream && streamed) });
    const finishes = stream
      ? (await readStream(response)).finishes
      : ((await response.json()) as Answer).choices.map(({ finish_reason }) => finish_reason);
    expect(finishes).toEqual(["stop", "stop"]);
    expect(proof().sim(id).seen().accepted).toBe(2);
  });

  it.each([true, false])(
    "is asked to be tried later where the queue is full (stream: %s)",
    async (stream) => {
      const response = await ask(model, "[sim overload]", { stream });
      expect(response.status).toBe(429);
      expect((await errorOf(response)).code).toBe("engines_overloaded");
    },
  );

  it("is not made while the model loads", async () => {
    const response = await ask(model, "[sim loading]");
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("model_loading");
  });

  it.each(["reset", "close"] as const)("ends when its client leaves (%s)", async (way) => {
    const body = { model, prompt: "[sim gap=20 tokens=3000]", max_tokens: 3000, stream: true };
    const client = leaver(proof(), COMPLETIONS, body);
    await client.heard(/data: \{[^]*data: \{/);
    client[way]();
    const { requests } = await proof()
      .sim(id)
      .waitFor((seen) => generationsOf(seen.requests)[0]?.state === "aborted");
    expect(generationsOf(requests)[0]?.tokens).toBeLessThan(200);
  });

  it("is asked for in the names of the model's repository", async () => {
    await ask(model, "Hello", { temperature: 0.5, seed: 7, stop: "x" });
    expect(sent()).toMatchObject(
      id === "api"
        ? { sampling_param_temperature: 0.5, sampling_param_seed: 7, sampling_param_stop: ["x"] }
        : { temperature: 0.5, seed: 7, stop_words: ["x"], exclude_input_in_output: true },
    );
  });

  it.each([
    ["echo", { echo: true }],
    ["logprobs", { logprobs: 1 }],
    ["logit_bias", { logit_bias: { "42": 1 } }],
    ["suffix", { suffix: "z" }],
    ["prompt", { prompt: ["one", "two"] }],
    ["prompt", { prompt: [1, 2, 3] }],
    ["made_up", { made_up: 1 }],
  ])("is refused by name for %s, which would be lost in silence", async (param, more) => {
    const response = await ask(model, "Hello", more);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "unsupported_parameter", param });
    expect(proof().sim(id).seen().accepted).toBe(0);
  });
});

describe("triton", () => {
  it.each([true, false])(
    "is asked for no chat, whose template it does not have (stream: %s)",
    async (stream) => {
      const response = await post(proof(), "/v1/chat/completions", chat("ensemble", "Hello", { stream }));
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        code: "unsupported_parameter",
        param: "messages",
        message: expect.stringContaining("/v1/completions"),
      });
      expect(proof().sim("classic").seen().accepted).toBe(0);
    },
  );

  it("lists the models that take texts, and not the steps that they are made of", async () => {
    const { data } = (await (await get(proof(), "/v1/models")).json()) as { data: { id: string }[] };
    expect(data.map((each) => each.id)).toEqual(["tensorrt_llm", "ensemble", "small_tensorrt_llm", "shared"]);
  });

  it("says in OpenAI's words that a prompt does not fit", async () => {
    const response = await ask("small_tensorrt_llm", "word ".repeat(60));
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "context_length_exceeded", param: "prompt" });
  });

  it("serves the openai client", async () => {
    const client = new OpenAI({
      baseURL: `${proof().url}/v1`,
      apiKey: proof().key,
      fetch: proof().fetch,
      maxRetries: 0,
    });
    const body = { model: "ensemble", prompt: "Once upon a time", max_tokens: 12 };
    const whole = await client.completions.create(body);
    expect(whole.choices[0]?.text).toBe(said("Once upon a time", 12));
    let text = "";
    for await (const chunk of await client.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.text ?? "";
    expect(text).toBe(said("Once upon a time", 12));
  });

  it.each([1, 3, 6])("is gone on from by another engine where it breaks off (%d)", async (at) => {
    const prompt = `Of bridges, no. ${at} [sim tokens=12] [sim on=shared-a die=${at}]`;
    const heard = await readStream(await ask("shared", prompt, { max_tokens: 12, ...streamed }));
    expect(heard).toMatchObject({ text: said(`Of bridges, no. ${at}`, 12), done: true });
  });
});
