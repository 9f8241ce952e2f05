import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { ChatCompletion } from "../contracts/chat.ts";
import { decodeVector } from "../contracts/vector.ts";
import type { EngineAdapter, EngineCall, EngineEvent, StreamDecoder, StreamFormat } from "./engine.ts";
import { engines } from "./engines.ts";
import { openaiDecoder } from "./openai-stream.ts";

// The very bytes of real engines: vLLM 0.32.0, Ollama 0.32.15 and llama-server b10488 with SmolLM2-135M-Instruct, as
// `npm run conformance -- --out` keeps them. engines-infra/README.md says how each was started.

const FOLDER = new URL("__fixtures__/", import.meta.url);
const REAL = ["llama-cpp", "ollama", "vllm"] as const;
type Real = (typeof REAL)[number];

function recording(kind: Real, name: string) {
  const whole = readFileSync(new URL(`${kind}-real/${name}.http`, FOLDER));
  const bytes = new Uint8Array(whole.subarray(whole.indexOf("\r\n\r\n") + 4));
  const text = new TextDecoder().decode(bytes);
  return { status: Number(whole.subarray(9, 12).toString()), text, bytes };
}

const jsonOf = (kind: Real, name: string): unknown => JSON.parse(recording(kind, name).text);

const call = <Body>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "real",
  model: { names: ["smollm2"] },
  requestId: "req_1",
});
const chat: ChatRequest = { model: "smollm2", messages: [{ role: "user", content: "Tell me a story." }] };
const prompt: CompletionRequest = { model: "smollm2", prompt: "Once upon a time" };

function decoderOf(stream: StreamFormat, body: ChatRequest | CompletionRequest): StreamDecoder {
  return stream.format === "translated" ? stream.decoder(body) : openaiDecoder();
}

/** The events of a recorded stream, in pieces of one size. */
function events(kind: Real, name: string, sizeBytes = Infinity): EngineEvent[] {
  const adapter: EngineAdapter = engines[kind];
  const ofCompletion = name.startsWith("completion");
  const { stream } = ofCompletion ? adapter.completion : adapter.chat;
  const decoder = decoderOf(stream, ofCompletion ? prompt : chat);
  const { bytes } = recording(kind, name);
  const all: EngineEvent[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes)
    all.push(...decoder.push(bytes.subarray(at, at + sizeBytes)));
  return [...all, ...decoder.end()];
}

const deltas = (kind: Real, name: string) => events(kind, name).filter((event) => event.type === "delta");
const textOf = (kind: Real, name: string, choice = 0): string =>
  deltas(kind, name)
    .filter(({ index }) => index === choice)
    .map(({ content }) => content ?? "")
    .join("");
const finishes = (kind: Real, name: string) =>
  events(kind, name).flatMap((event) => (event.type === "finish" ? [event.reason] : []));
const usages = (kind: Real, name: string) =>
  events(kind, name).flatMap((event) => (event.type === "usage" ? [event.usage] : []));

describe.each(REAL)("a real %s", (kind) => {
  const adapter: EngineAdapter = engines[kind];
  const answer = (name: string) => {
    const read = adapter.chat.answer(jsonOf(kind, name), call(chat), 0);
    if (!read.ok) throw new Error(read.error.message);
    return read.value;
  };

  it("lists the model that it was started with", () => {
    const names = adapter.models.read(jsonOf(kind, "models")).flatMap((model) => model.names);
    expect(names).toContain("smollm2");
  });

  it("is ready", () => {
    const { status, text } = recording(kind, "health");
    expect(adapter.health.read(status, text)).toBe("ready");
  });

  it("answers in OpenAI's types, and ends at the limit", () => {
    const whole = answer("chat");
    expect(ChatCompletion.safeParse(whole).error).toBeUndefined();
    expect(whole.choices[0]?.message.content).toMatch(/river/);
    expect(whole.choices[0]?.finish_reason).toBe("length");
    expect(whole.usage).toMatchObject({ completion_tokens: 48 });
    expect(whole.usage.estimated).toBeUndefined();
  });

  it("says the same in a stream, with its usage", () => {
    const whole = answer("chat");
    expect(textOf(kind, "chat-stream")).toBe(whole.choices[0]?.message.content);
    expect(finishes(kind, "chat-stream")).toEqual(["length"]);
    expect(usages(kind, "chat-stream").at(-1)).toMatchObject({
      prompt_tokens: whole.usage.prompt_tokens,
      completion_tokens: 48,
    });
    expect(events(kind, "chat-stream").at(-1)).toEqual({ type: "done" });
  });

  it.each(["chat-stream", "wide", "stop-stream", "logprobs-stream", "completion-stream", "continue"])(
    "streams %s, which is read the same however the network cuts it",
    (name) => {
      const whole = events(kind, name);
      expect(whole.length).toBeGreaterThan(3);
      for (const size of [1, 2, 3, 5, 7, 64, 1_021]) expect(events(kind, name, size)).toEqual(whole);
    },
  );

  it("says characters of several bytes whole", () => {
    expect(JSON.parse(textOf(kind, "wide"))).toEqual({ text: "é 水 🌊 👩‍🚀" });
  });

  it("stops before the stop text", () => {
    const free = answer("chat").choices[0]?.message.content ?? "";
    const stopped = textOf(kind, "stop-stream");
    expect(finishes(kind, "stop-stream")).toEqual(["stop"]);
    expect(stopped.length).toBeGreaterThan(0);
    expect(stopped.length).toBeLessThan(free.length);
    expect(free.startsWith(stopped)).toBe(true);
  });

  it("answers with JSON of a schema", () => {
    expect(JSON.parse(answer("json-schema").choices[0]?.message.content ?? "")).toEqual({
      mood: expect.stringMatching(/^(calm|wild)$/),
      depth: expect.any(Number),
      clear: expect.any(Boolean),
      banks: [expect.stringMatching(/^(left|right)$/), expect.stringMatching(/^(left|right)$/)],
    });
  });

  it("tells the log probability of each token", () => {
    const tokens = deltas(kind, "logprobs-stream").flatMap(({ logprobs }) => logprobs?.content ?? []);
    expect(tokens).toHaveLength(12);
    expect(tokens.map(({ token }) => token).join("")).toBe(textOf(kind, "logprobs-stream"));
    for (const { logprob, top_logprobs: top } of tokens) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(2);
    }
  });

  it("goes on with a prompt, the same whole and streamed", () => {
    const read = adapter.completion.answer(jsonOf(kind, "completion"), call(prompt), 0);
    expect(read).toMatchObject({ ok: true, value: { usage: { completion_tokens: 48 } } });
    expect(read.ok && read.value.choices[0]?.text).toBe(textOf(kind, "completion-stream"));
    expect(usages(kind, "completion-stream").at(-1)).toMatchObject({ completion_tokens: 48 });
  });

  it("goes on where an answer broke off after four tokens: both read as the unbroken one", () => {
    const pieces = deltas(kind, "continue-whole").map(({ content }) => content ?? "");
    expect(pieces.slice(0, 4).join("") + textOf(kind, "continue")).toBe(pieces.join(""));
  });

  it.each(["context", "context-stream", "context-completion"])(
    "says in %s that the prompt does not fit",
    (name) => {
      const { status, text } = recording(kind, name);
      expect(adapter.classify(status, text, undefined)).toMatchObject({
        class: "client_fault",
        status: 400,
        code: "context_length_exceeded",
        message: expect.stringMatching(/\d+ (input )?tokens/),
      });
    },
  );

  it.each(["malformed", "wrong-type", "images"])("takes %s for the caller's mistake", (name) => {
    const { status, text } = recording(kind, name);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(adapter.classify(status, text, undefined)).toMatchObject({ class: "client_fault", status: 400 });
  });
});

describe("real engines that look at names", () => {
  it.each(["ollama", "vllm"] as const)("know no other model (%s)", (kind) => {
    const { status, text } = recording(kind, "unknown-model");
    expect(engines[kind].classify(status, text, undefined)).toMatchObject({
      class: "client_fault",
      status: 404,
      message: expect.stringContaining("no-such-model"),
    });
  });
});

describe("real engines that tell how busy they are", () => {
  it.each(["llama-cpp", "vllm"] as const)("tell it in figures (%s)", (kind) => {
    const { load }: EngineAdapter = engines[kind];
    const read = load?.read(recording(kind, "load").text);
    expect(read).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("real engines that give several choices", () => {
  it.each(["llama-cpp", "vllm"] as const)("stream both (%s)", (kind) => {
    expect(finishes(kind, "choices-stream")).toHaveLength(2);
    for (const choice of [0, 1]) expect(textOf(kind, "choices-stream", choice)).not.toBe("");
  });
});

describe("a real vLLM", () => {
  it("calls the tool that it must call, whole and streamed", () => {
    const read = engines.vllm.chat.answer(jsonOf("vllm", "tool-choice"), call(chat), 0);
    expect(read).toMatchObject({
      ok: true,
      value: {
        choices: [
          { finish_reason: "tool_calls", message: { tool_calls: [{ function: { name: "get_weather" } }] } },
        ],
      },
    });
    const calls = deltas("vllm", "tool-choice-stream").flatMap(({ toolCalls }) => toolCalls ?? []);
    expect(calls[0]).toMatchObject({ index: 0, id: expect.any(String), function: { name: "get_weather" } });
    const args = calls.map((each) => each.function?.arguments ?? "").join("");
    expect(JSON.parse(args)).toBeInstanceOf(Object);
  });
});

describe("a real llama.cpp", () => {
  it("gives vectors as base64 where it is asked to", () => {
    const { embedding } = engines["llama-cpp"];
    const asked = call({ model: "all-minilm", input: "one", encoding_format: "base64" as const });
    const read = embedding?.answer(jsonOf("llama-cpp", "embeddings-base64"), asked, 0);
    const vector = read?.ok ? read.value.data[0]?.embedding : undefined;
    expect(typeof vector).toBe("string");
    expect(decodeVector(vector ?? "")).toHaveLength(384);
  });

  it("says that a text is too long to embed by a 500, which is the caller's mistake", () => {
    const { status, text } = recording("llama-cpp", "context-embedding");
    expect(status).toBe(500);
    expect(engines["llama-cpp"].classify(status, text, undefined)).toMatchObject({ class: "client_fault" });
  });
});
