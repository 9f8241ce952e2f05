import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ChatCompletion, isFunctionCall } from "../contracts/chat.ts";
import type { Completion } from "../contracts/completions.ts";
import { type Result, ok } from "../kernel/result.ts";
import type {
  EngineAdapter,
  EngineCall,
  EngineEvent,
  EngineFault,
  StreamDecoder,
  StreamFormat,
} from "./engine.ts";
import { engines } from "./engines.ts";
import { openaiDecoder } from "./openai-stream.ts";

// What every engine owes us, held to its own recorded bytes. A new engine is tested the moment the registry lists it,
// and fails until it has its recordings: engines-infra/simulator/record.ts makes them, of a simulator or of a real one.

type Recording = { readonly status: number; readonly text: string; readonly bytes: Uint8Array };

const FOLDER = new URL("__fixtures__/", import.meta.url);

/** An answer as it was recorded: a status line, headers, a blank line, and the body. */
function recording(kind: string, name: string): Recording {
  const whole = readFileSync(new URL(`${kind}/${name}.http`, FOLDER));
  const at = whole.indexOf("\r\n\r\n") + 4;
  const bytes = new Uint8Array(whole.subarray(at));
  return { status: Number(whole.subarray(9, 12).toString()), text: new TextDecoder().decode(bytes), bytes };
}

const has = (kind: string, name: string): boolean =>
  readdirSync(new URL(`${kind}/`, FOLDER)).includes(`${name}.http`);

/** Some kinds know no chat: what is held against the others' chats is held against their completions. */
const ownName = ({ abilities }: EngineAdapter, name: string): string =>
  abilities.chat === "refused" ? name.replace(/^chat/, "completion") : name;

const decoderOf = (stream: StreamFormat): StreamDecoder =>
  stream.format === "translated" ? stream.decoder(question.body) : openaiDecoder();

/** The events of a recorded stream, cut as a network might. */
function decoded(adapter: EngineAdapter, bytes: Uint8Array, sizeBytes = bytes.length): EngineEvent[] {
  const decoder = decoderOf(
    (adapter.abilities.chat === "refused" ? adapter.completion : adapter.chat).stream,
  );
  const events: EngineEvent[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes)
    events.push(...decoder.push(bytes.subarray(at, at + sizeBytes)));
  return [...events, ...decoder.end()];
}

/** A stream's events as one answer. */
function joined(events: readonly EngineEvent[]) {
  const calls: { name: string; arguments: string }[] = [];
  let content = "";
  let reasoning = "";
  for (const event of events) {
    if (event.type !== "delta") continue;
    content += event.content ?? "";
    reasoning += event.reasoning ?? "";
    for (const call of event.toolCalls ?? []) {
      const known = (calls[call.index] ??= { name: "", arguments: "" });
      known.name += call.function?.name ?? "";
      known.arguments += call.function?.arguments ?? "";
    }
  }
  const finish = events.flatMap((event) => (event.type === "finish" ? [event.reason] : []));
  const usage = events.flatMap((event) => (event.type === "usage" ? [event.usage] : [])).at(-1);
  const errors = events.flatMap((event) => (event.type === "error" ? [event.fault] : []));
  return {
    content,
    reasoning,
    calls,
    finish,
    usage,
    errors,
    done: events.some(({ type }) => type === "done"),
  };
}

const call = <Body>(body: Body): EngineCall<Body> => ({
  body,
  text: JSON.stringify(body),
  engine: "recorded",
  model: { names: ["sim-model"] },
  requestId: "req_1",
});
const question = call({
  model: "sim-model",
  messages: [{ role: "user" as const, content: "Say hello to the gateway" }],
});
const prompt = call({ model: "sim-model", prompt: "Once upon a time" });

/** A completion as the chat that it would be. */
const asChat = (read: Result<Completion, EngineFault>): Result<ChatCompletion, EngineFault> =>
  read.ok
    ? ok({
        ...read.value,
        object: "chat.completion",
        usage: read.value.usage ?? { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
        choices: read.value.choices.map(({ index, text, finish_reason }) => ({
          index,
          message: { role: "assistant", content: text, refusal: null },
          logprobs: null,
          finish_reason: finish_reason ?? "stop",
        })),
      })
    : read;

const STREAMS = ["chat-stream", "error-midstream", "cut"];
/** The RESTful gateway of DeepSpeed-MII streams nothing: a stream is made of its whole answer. */
const WHOLE = "deepspeed-rest";
/** They do not say what they serve: their operator does. */
const NAMELESS = ["deepspeed-native", WHOLE];

const streamsOf = (kind: string, { abilities }: EngineAdapter): string[] => [
  ...(kind === WHOLE ? ["chat-stream"] : STREAMS),
  ...(abilities.tools === "refused" ? [] : ["tools-stream"]),
  ...(abilities.reasoning === "refused" ? [] : ["reasoning-stream"]),
];
const NAMES = ["chat", "models", "error-400", "error-404"];

/** What a kind must have recorded: nothing of what it refuses. */
const namesOf = (kind: string, adapter: EngineAdapter, { abilities } = adapter): string[] => [
  ...streamsOf(kind, adapter),
  ...NAMES,
  ...(abilities.tools === "refused" ? [] : ["tools"]),
  ...(abilities.json_object === "refused" ? [] : ["json"]),
  ...(abilities.embedding === "refused" ? [] : ["embeddings"]),
  ...(abilities.rerank === "refused" ? [] : ["rerank"]),
];

describe.each<[string, EngineAdapter]>(Object.entries(engines))("%s", (kind, adapter) => {
  const stream = (name: string) => joined(decoded(adapter, recording(kind, ownName(adapter, name)).bytes));
  const answer = (name: string) => {
    const json = JSON.parse(recording(kind, ownName(adapter, name)).text) as unknown;
    const read =
      adapter.abilities.chat === "refused"
        ? asChat(adapter.completion.answer(json, prompt, 0))
        : adapter.chat.answer(json, question, 0);
    if (!read.ok) throw new Error(read.error.message);
    return read.value;
  };

  it("has its recordings", () => {
    expect(namesOf(kind, adapter).filter((name) => !has(kind, ownName(adapter, name)))).toEqual([]);
  });

  it.each(streamsOf(kind, adapter))("decodes %s the same however the network cuts it", (name) => {
    const { bytes } = recording(kind, ownName(adapter, name));
    const whole = decoded(adapter, bytes);
    expect(whole.length).toBeGreaterThan(1);
    for (const sizeBytes of [1, 2, 3, 7, 64, 1_000])
      expect(decoded(adapter, bytes, sizeBytes)).toEqual(whole);
  });

  it("says the same whole and streamed", () => {
    const streamed = stream("chat-stream");
    expect(streamed).toMatchObject({ errors: [], done: true, finish: ["stop"] });
    expect(streamed.content).not.toBe("");
    // Of some kinds whole answers are never asked for.
    if (adapter.chat.assembled) return;
    const whole = answer("chat");
    expect(streamed.finish).toEqual([whole.choices[0]?.finish_reason]);
    expect(streamed.content).toBe(whole.choices[0]?.message.content);
    if (streamed.usage)
      expect(streamed.usage).toMatchObject({
        completion_tokens: whole.usage.completion_tokens,
        prompt_tokens: whole.usage.prompt_tokens,
      });
  });

  it("tells its usage in a stream when it is asked to", () => {
    const name = has(kind, "chat-stream-usage") ? "chat-stream-usage" : "chat-stream";
    // Triton's model does not tell, and the relay counts.
    if (kind === "triton") return expect(stream(name).usage).toBeUndefined();
    // Nobody tells it: it is counted.
    if (adapter.abilities.usage_in_streams === "gateway")
      return expect(stream(name).usage).toMatchObject({ estimated: true });
    const { prompt_tokens, completion_tokens } = answer("chat").usage;
    expect(stream(name).usage).toMatchObject({
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
    });
  });

  it.skipIf(adapter.abilities.tools === "refused")("calls the same tool whole and streamed", () => {
    const [choice] = answer("tools").choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    const calls = choice?.message.tool_calls
      ?.filter(isFunctionCall)
      .map(({ function: { name, arguments: args } }) => ({ name, arguments: JSON.parse(args) as unknown }));
    expect(calls).toHaveLength(1);
    const streamed = stream("tools-stream");
    expect(streamed.finish).toEqual(["tool_calls"]);
    expect(
      streamed.calls.map(({ name, arguments: args }) => ({ name, arguments: JSON.parse(args) as unknown })),
    ).toEqual(calls);
  });

  it.skipIf(adapter.abilities.reasoning === "refused")("keeps reasoning and text apart", () => {
    const { content, reasoning } = stream("reasoning-stream");
    expect(content).not.toBe("");
    expect(content).not.toContain("<think>");
    // A server that only follows OpenAI's reference has no reasoning to show.
    expect(reasoning === "").toBe(kind === "openai");
  });

  it.skipIf(adapter.abilities.json_object === "refused")("reads its JSON answer", () => {
    expect(JSON.parse(answer("json").choices[0]?.message.content ?? "")).toHaveProperty("tags");
  });

  it.skipIf(!adapter.embedding)("reads its embeddings", () => {
    const inputs = call({ model: "sim-model", input: ["first text", "second text"] });
    const list = JSON.parse(recording(kind, "embeddings").text) as unknown;
    const read = adapter.embedding?.answer(list, inputs, 0);
    expect(read).toMatchObject({
      ok: true,
      value: {
        object: "list",
        data: [{ index: 0 }, { index: 1 }],
        usage: { prompt_tokens: expect.any(Number) },
      },
    });
    expect(adapter.embedding?.answer(list, call({ model: "sim-model", input: "one" }), 0).ok).toBe(false);
  });

  it.skipIf(adapter.abilities.rerank === "refused")(
    "reads its ranking, and none that is of fewer documents",
    () => {
      const documents = ["The tax form is due in May", "A kitten is a young cat", "Dogs chase cats"];
      const asked = { model: "sim-model", query: "What is a kitten?", documents, return_documents: true };
      const list = JSON.parse(recording(kind, "rerank").text) as unknown;
      const read = adapter.rerank?.answer(list, call(asked), 0);
      expect(read).toMatchObject({
        ok: true,
        value: { results: [{ index: 1, document: { text: documents[1] } }, {}, {}] },
      });
      expect(read?.ok && read.value.usage.prompt_tokens).toBeGreaterThan(0);
      const more = call({ ...asked, documents: [...documents, "one more"] });
      expect(adapter.rerank?.answer(list, more, 0)).toMatchObject({ ok: false, error: { class: "failure" } });
    },
  );

  it.skipIf(NAMELESS.includes(kind))("reads its models, under every name that they have", () => {
    const [model, ...others] = adapter.models.read(JSON.parse(recording(kind, "models").text));
    expect(others).toEqual([]);
    expect(model?.names).toContain("sim-model");
    // TGI and Triton do not say when their model was made.
    if (kind === "tgi" || kind === "triton") expect(model).not.toHaveProperty("created");
    else expect(model?.created).toBeGreaterThan(1_700_000_000);
    expect(adapter.models.read({})).toEqual([]);
    expect(adapter.models.read(null)).toEqual([]);
  });

  // llama-server and TGI know no models by name: their 404 is of a path, and the paths are ours.
  const mistakes = ["llama-cpp", "tgi"].includes(kind) ? ["error-400"] : ["error-400", "error-404"];
  it.each(mistakes)("takes %s for the caller's mistake, and keeps its words", (name) => {
    const { status, text } = recording(kind, name);
    const fault = adapter.classify(status, text, undefined);
    expect(fault).toMatchObject({ class: "client_fault", message: expect.stringMatching(/\w/) });
    expect(fault.status).toBeGreaterThanOrEqual(400);
    expect(fault.status).toBeLessThan(500);
  });

  it.skipIf(kind === WHOLE)(
    "hears of an error in mid-stream, with its words, and believes nothing after it",
    () => {
      const { errors, content, finish, done } = stream("error-midstream");
      expect(finish).toEqual([]);
      // TensorRT-LLM says nothing, and closes the connection.
      if (kind === "tensorrt-llm") return expect({ errors, done }).toEqual({ errors: [], done: false });
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({ class: "failure", message: expect.stringMatching(/\w/) });
      expect(content).not.toBe("");
    },
  );

  it("takes a stream that was cut for unfinished", () => {
    expect(stream("cut")).toMatchObject({ finish: [], done: false });
  });

  it("reads its own health", () => {
    expect(adapter.health.read(200, "")).toBe("ready");
    expect(adapter.health.read(404, "")).toBe("down");
    expect(adapter.health.read(500, "")).toBe("down");
  });

  it.each(["http://gpu:8000", "http://gpu:8000/", "http://gpu:8000/v1", "http://gpu:8000/v1/"])(
    "takes the base URL %s as it is meant",
    (url) => {
      expect(adapter.trimBaseUrl(url)).toBe("http://gpu:8000");
      expect(adapter.trimBaseUrl("https://host/proxy/v1")).toBe("https://host/proxy");
    },
  );
});
