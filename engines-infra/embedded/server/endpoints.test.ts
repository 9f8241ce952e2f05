import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Harness } from "../testing/harness.ts";
import { eventsOf, startHarness, until } from "../testing/harness.ts";
import { ScriptedModel } from "../testing/scripted-model.ts";
import { createEngineServer } from "./http.ts";

let harness: Harness | undefined;
afterEach(() => harness?.stop());

async function start(script = {}, options = {}): Promise<Harness> {
  harness = await startHarness(new ScriptedModel(script), options);
  return harness;
}

const getJson = async (path: string): Promise<unknown> => (await fetch(`${harness?.url}${path}`)).json();

describe("text completion", () => {
  it("answers key by key as llama-server does", async () => {
    const { post } = await start({ answer: () => "b c" });
    const body = (await (await post("/v1/completions", { prompt: "a" })).json()) as Record<string, unknown>;
    expect(Object.keys(body)).toEqual([
      "choices",
      "created",
      "model",
      "system_fingerprint",
      "object",
      "usage",
      "id",
      "timings",
    ]);
    expect(body["choices"]).toEqual([{ text: "b c", index: 0, logprobs: null, finish_reason: "stop" }]);
    expect(body["object"]).toBe("text_completion");
  });

  it("gives a choice for every prompt, and sums their cost", async () => {
    const { post } = await start({ answer: (prompt: string) => prompt.toUpperCase() });
    const response = await post("/v1/completions", { prompt: ["ab", [99, 100]], n: 2 });
    const { choices, usage } = (await response.json()) as {
      choices: Array<{ index: number; text: string }>;
      usage: object;
    };
    expect(choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "AB"],
      [1, "AB"],
      [2, "CD"],
      [3, "CD"],
    ]);
    expect(usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 12 });
  });

  it("streams text with the usage in its last chunk, always", async () => {
    const { post } = await start({ answer: () => "xyz" });
    const events = eventsOf(
      await (await post("/v1/completions", { prompt: "a", stream: true, stop: "z" })).text(),
    );
    expect(events.at(-1)).toBe("[DONE]");
    expect(events.at(-2)).toMatchObject({
      choices: [{ text: "", index: 0, logprobs: null, finish_reason: "stop" }],
      usage: { completion_tokens: 3, prompt_tokens: 1 },
      timings: { predicted_n: 3 },
    });
    expect(
      events.slice(0, -2).map((event) => (event as { choices: Array<{ text: string }> }).choices[0]?.text),
    ).toEqual(["x", "y"]);
  });

  it.each<[string, object, string]>([
    ["no prompt", {}, "'prompt'"],
    ["an empty prompt", { prompt: "" }, "prompt must not be empty"],
    ["tokens that are not in the vocabulary", { prompt: [1, 9999] }, "'prompt'"],
    ["too many prompts", { prompt: Array.from({ length: 17 }, String) }, "'prompt'"],
    ["echo", { prompt: "a", echo: true }, "'echo'"],
    ["a prompt longer than the context", { prompt: "x".repeat(2048) }, "exceeds the available context size"],
  ])("refuses %s", async (_, body, message) => {
    const { post } = await start();
    const response = await post("/v1/completions", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });
});

describe("embeddings", () => {
  type Body = {
    model: string;
    object: string;
    usage: object;
    data: Array<{ embedding: number[] | string; index: number }>;
  };
  const embed = async (body: object): Promise<Body> =>
    (await (await harness?.post("/v1/embeddings", body))?.json()) as Body;

  it("answers key by key as llama-server does, with unit vectors", async () => {
    await start();
    const body = await embed({ model: "letters", input: ["aab", "c"] });
    expect(Object.keys(body)).toEqual(["model", "object", "usage", "data"]);
    expect(body).toMatchObject({
      model: "letters",
      object: "list",
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
    expect(body.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(Math.hypot(...(body.data[0]?.embedding as number[]))).toBeCloseTo(1, 6);
  });

  it("gives the same numbers as base64 of little-endian floats", async () => {
    await start();
    const plain = (await embed({ input: "hello" })).data[0]?.embedding as number[];
    const packed = (await embed({ input: "hello", encoding_format: "base64" })).data[0];
    expect(packed).toMatchObject({ encoding_format: "base64" });
    const bytes = Buffer.from(String(packed?.embedding), "base64");
    expect(Array.from({ length: 26 }, (_, index) => bytes.readFloatLE(index * 4))).toEqual(plain);
  });

  it("takes tokens, one list or several", async () => {
    await start();
    const text = await embed({ input: "ab" });
    expect((await embed({ input: [97, 98] })).data).toEqual(text.data);
    expect((await embed({ input: [[97, 98], "ab"] })).data).toHaveLength(2);
  });

  it("takes hundreds of inputs at once", async () => {
    await start();
    expect((await embed({ input: Array.from({ length: 500 }, () => "abc") })).data).toHaveLength(500);
  });

  it.each<[string, object, number, string]>([
    ["no input", {}, 400, "'input' is required"],
    ["an empty list", { input: [] }, 400, "'input' must not be empty"],
    ["an empty text", { input: ["a", ""] }, 400, "'input[1]' must not be empty"],
    [
      "an input that is too long",
      { input: "x".repeat(17) },
      400,
      "'input' has 17 tokens, 'letters' reads at most 16",
    ],
    [
      "an input that is too long whatever its tokens are",
      { input: "x".repeat(1100) },
      400,
      "'input' has at least 18 tokens, 'letters' reads at most 16",
    ],
    ["fewer dimensions", { input: "a", dimensions: 8 }, 400, "'dimensions' must be 26"],
    ["an unknown format", { input: "a", encoding_format: "int8" }, 400, "'encoding_format'"],
    ["an input that is no text", { input: { text: "a" } }, 400, "'input'"],
    ["the language model", { input: "a", model: "scripted" }, 501, "does not compute embeddings"],
    ["an unknown model", { input: "a", model: "x" }, 404, "model 'x' not found"],
  ])("refuses %s", async (_, body, status, message) => {
    const { post } = await start();
    const response = await post("/v1/embeddings", body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { code: status, message: expect.stringContaining(message) },
    });
  });

  it("says that it has none where no embedding model is loaded", async () => {
    const { post } = await start({}, { embeddings: false });
    expect((await post("/v1/embeddings", { input: "a" })).status).toBe(501);
    expect(JSON.stringify(await getJson("/v1/models"))).not.toContain("letters");
  });
});

describe("information", () => {
  it("lists both models, each with what it can do", async () => {
    await start();
    const body = (await getJson("/v1/models")) as {
      object: string;
      data: Array<Record<string, unknown>>;
      models: unknown[];
    };
    expect(Object.keys(body)).toEqual(["models", "object", "data"]);
    expect(body.models).toHaveLength(2);
    expect(body.data[0]).toMatchObject({
      id: "scripted",
      object: "model",
      owned_by: "eco-base",
      meta: {
        vocab_type: 2,
        n_vocab: 258,
        n_ctx: 2048,
        n_ctx_train: 8192,
        n_embd: 64,
        n_params: 500,
        size: 1000,
        capabilities: ["completion"],
      },
    });
    expect(body.data[1]).toMatchObject({ id: "letters", meta: { capabilities: ["embedding"] } });
  });

  it("tells of one model by its id", async () => {
    await start();
    expect(await getJson("/v1/models/letters")).toMatchObject({ id: "letters" });
    expect(await getJson("/v1/models/none")).toMatchObject({ error: { code: 404, type: "not_found_error" } });
  });

  it("has health, properties and slots", async () => {
    await start({ slots: 2 });
    expect(await getJson("/health")).toEqual({ status: "ok" });
    expect(await getJson("/v1/health")).toEqual({ status: "ok" });
    expect(await getJson("/props")).toMatchObject({
      total_slots: 2,
      model_alias: "scripted",
      default_generation_settings: { n_ctx: 2048 },
      build_info: "scripted-1",
      is_sleeping: false,
    });
    expect(await getJson("/slots")).toMatchObject([
      { id: 0, is_processing: false },
      { id: 1, is_processing: false },
    ]);
  });

  it("shows a slot at work, and says when none is free", async () => {
    const gate = Promise.withResolvers<void>();
    const { post, url } = await start({
      beforeToken: (index: number) => (index > 2 ? gate.promise : Promise.resolve()),
    });
    const answer = post("/v1/completions", { prompt: "a", max_tokens: 100 });
    await until(
      async () => JSON.stringify(await getJson("/slots")).includes('"n_decoded":3'),
      "three tokens are there",
    );
    expect(await getJson("/slots")).toMatchObject([
      { is_processing: true, n_prompt_tokens: 1, next_token: [{ has_next_token: true, n_remain: 97 }] },
    ]);
    expect((await fetch(`${url}/slots?fail_on_no_slot=1`)).status).toBe(503);
    gate.resolve();
    await answer;
    expect((await fetch(`${url}/slots?fail_on_no_slot=1`)).status).toBe(200);
  });

  it("counts what it did in Prometheus's format", async () => {
    const { post, url } = await start({ answer: () => "abc" });
    await (await post("/v1/completions", { prompt: "hello" })).text();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    const text = await response.text();
    expect(text).toContain("# TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total 5\n");
    expect(text).toContain("llamacpp:tokens_predicted_total 4\n");
    expect(text).toContain("llamacpp:requests_processing 0\n");
    expect(text).toContain("llamacpp:requests_deferred 0\n");
    expect(text).toContain("llamacpp:predicted_tokens_seconds 100\n");
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("llamacpp:predicted_tokens_seconds 0\n");
  });

  it("turns text into tokens and back", async () => {
    const { post } = await start();
    expect(await (await post("/tokenize", { content: "a<|im_end|>" })).json()).toEqual({ tokens: [97, 257] });
    expect(
      await (await post("/tokenize", { content: "<", parse_special: false, with_pieces: true })).json(),
    ).toEqual({ tokens: [{ id: 60, piece: "<" }] });
    expect(await (await post("/detokenize", { tokens: [104, 105] })).json()).toEqual({ content: "hi" });
    expect((await post("/detokenize", { tokens: ["x"] })).status).toBe(400);
    expect((await post("/tokenize", { content: 5 })).status).toBe(400);
  });
});

describe("HTTP", () => {
  it.each<[string, string, RequestInit, number, string]>([
    ["an unknown path", "/nope", {}, 404, "not_found_error"],
    ["a path that only looks known", "/constructor", {}, 404, "not_found_error"],
    ["a path that is no address", "//", {}, 404, "not_found_error"],
    ["GET where POST is meant", "/v1/chat/completions", {}, 405, "invalid_request_error"],
    ["POST where GET is meant", "/v1/models", { method: "POST", body: "{}" }, 405, "invalid_request_error"],
    ["the native format", "/completion", { method: "POST", body: "{}" }, 501, "not_supported_error"],
  ])("answers %s with a status and llama-server's envelope", async (_, path, init, status, type) => {
    const { url } = await start();
    const response = await fetch(`${url}${path}`, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code: status, type } });
  });

  it("tokenizes no text that would hold up all others", async () => {
    const { post } = await start();
    const response = await post("/tokenize", { content: "x".repeat(1_000_001) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: "'content' may have at most 1000000 characters" },
    });
  });

  it.each(["{", "", "[1]", '"text"', "null"])("refuses the body %j as the client's mistake", async (body) => {
    const { post } = await start();
    const response = await post("/v1/chat/completions", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { type: "invalid_request_error", message: expect.stringContaining("body") },
    });
  });

  it("refuses a body that is too large", async () => {
    const { post } = await start({}, { bodyBytesMax: 100 });
    expect((await post("/v1/chat/completions", "x".repeat(101))).status).toBe(413);
  });

  it("answers 503 on every path while the model is loading, and when it could not be loaded", async () => {
    let state: { status: "loading" } | { status: "failed"; message: string } = { status: "loading" };
    const server = createEngineServer({ state: () => state, log: () => undefined });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const path of ["/health", "/v1/models", "/nope"]) {
      const response = await fetch(`${url}${path}`);
      expect([response.status, await response.text()]).toEqual([
        503,
        '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}',
      ]);
    }
    state = { status: "failed", message: "the model cannot be loaded" };
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      error: { message: "the model cannot be loaded" },
    });
    server.close();
  });

  it("survives a client that sends half a request", async () => {
    const { url, post } = await start();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const half = 'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"pro';
    socket.write(half, () => socket.destroy());
    await new Promise((resolve) => socket.once("close", resolve));
    expect((await post("/v1/completions", { prompt: "a" })).status).toBe(200);
    expect(harness?.log).toEqual([]);
  });
});
