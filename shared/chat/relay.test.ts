import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { engines } from "../engines/engines.ts";
import type { EngineAdapter } from "../engines/engine.ts";
import { SseScanner } from "../streams/sse.ts";
import { chatChunkWriter } from "./chunk-writer.ts";
import { NativeFollower, type Relay, type RelayOptions, exactRelay, translatedRelay } from "./relay.ts";
import { faultOf, isComplete } from "./tally.ts";

const CUTS = [1, 2, 3, 7, 64, 100_000];
const utf8 = new TextEncoder();

/** The body of a recorded answer; see engines/contract.test.ts. */
function recorded(kind: string, name: string): Uint8Array {
  const whole = readFileSync(new URL(`../engines/__fixtures__/${kind}/${name}.http`, import.meta.url));
  return new Uint8Array(whole.subarray(whole.indexOf("\r\n\r\n") + 4));
}

function relayOf({ chat: { stream } }: EngineAdapter, options: RelayOptions): Relay {
  const writer = chatChunkWriter({ id: "chatcmpl-1", model: "m", createdS: 1 });
  if (stream.format === "translated") return translatedRelay(stream.decoder(), writer, options);
  return exactRelay(stream.rules, options);
}

const shown: RelayOptions = { showUsage: true, promptTokens: () => 7 };
const hidden: RelayOptions = { ...shown, showUsage: false };

/** What the client gets of a stream before it is known to be complete, and of its closing. */
function relayed(kind: keyof typeof engines, bytes: Uint8Array, sizeBytes: number, options = hidden) {
  const relay = relayOf(engines[kind], options);
  const decoder = new TextDecoder();
  let text = "";
  const take = (out: string | Uint8Array) =>
    (text += typeof out === "string" ? out : decoder.decode(out, { stream: true }));
  for (let at = 0; at < bytes.length; at += sizeBytes) take(relay.push(bytes.subarray(at, at + sizeBytes)));
  take(relay.end());
  return { text, relay, closing: isComplete(relay.tally) ? relay.closing() : "" };
}

const dataOf = (text: string) => {
  const scanner = new SseScanner();
  return [...scanner.push(utf8.encode(text)), ...scanner.end()].flatMap(({ data }) => data ?? []);
};

type Chunk = {
  choices: { delta: { content?: string | null }; finish_reason: string | null }[];
  usage?: unknown;
};
const chunksOf = (text: string) =>
  dataOf(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as Chunk);
const textOf = (text: string) =>
  chunksOf(text)
    .flatMap(({ choices }) => choices)
    .map(({ delta }) => delta.content ?? "")
    .join("");

const KINDS = Object.keys(engines) as (keyof typeof engines)[];
const STREAMS = ["chat-stream", "tools-stream", "reasoning-stream", "error-midstream", "cut"];

describe.each(KINDS)("relaying %s", (kind) => {
  it.each(STREAMS)("gives the same events however %s was cut", (name) => {
    const bytes = recorded(kind, name);
    const whole = relayed(kind, bytes, bytes.length);
    for (const sizeBytes of CUTS) {
      const cut = relayed(kind, bytes, sizeBytes);
      expect(dataOf(cut.text + cut.closing)).toEqual(dataOf(whole.text + whole.closing));
      expect(cut.relay.tally).toEqual(whole.relay.tally);
    }
  });

  it("lets out whole events only, so that no cut leaves half of one", () => {
    const relay = relayOf(engines[kind], hidden);
    const outs = Array.from(recorded(kind, "chat-stream"), (byte) => relay.push(Uint8Array.of(byte)));
    const texts = outs.map((out) => (typeof out === "string" ? out : new TextDecoder().decode(out)));
    for (const text of texts.filter((each) => each !== "")) expect(text).toMatch(/^data: [^]*\n\n$/);
    expect(texts.join("")).not.toBe("");
  });

  it("holds the finish reason back until the answer is complete", () => {
    for (const sizeBytes of CUTS) {
      const { text, closing } = relayed(kind, recorded(kind, "chat-stream"), sizeBytes);
      expect(
        chunksOf(text).flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? [])),
      ).toEqual([]);
      expect(chunksOf(closing).at(-1)?.choices[0]?.finish_reason).toBe("stop");
      expect(dataOf(closing).at(-1)).toBe("[DONE]");
      expect(dataOf(text)).not.toContain("[DONE]");
    }
  });

  it.each(["error-midstream", "cut"])("never says that %s is complete", (name) => {
    for (const sizeBytes of CUTS) {
      const { relay, text, closing } = relayed(kind, recorded(kind, name), sizeBytes);
      expect(isComplete(relay.tally)).toBe(false);
      expect(faultOf(relay.tally).message).not.toBe("");
      expect(closing).toBe("");
      expect(text).not.toContain("[DONE]");
      expect(text).not.toContain('"error"');
    }
  });

  it("shows usage once, at the end, and only where it was asked for", () => {
    const name = kind === "ollama" ? "chat-stream" : "chat-stream-usage";
    const asked = relayed(kind, recorded(kind, name), 64, shown);
    const all = chunksOf(asked.text + asked.closing).filter(({ usage }) => usage);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
    expect(dataOf(asked.closing).at(-2)).toBe(JSON.stringify(all[0]));
    const unasked = relayed(kind, recorded(kind, name), 64, hidden);
    expect(chunksOf(unasked.text + unasked.closing).filter(({ usage }) => usage)).toEqual([]);
    expect(textOf(unasked.text + unasked.closing)).toBe(textOf(asked.text + asked.closing));
  });

  it("tells usage as part of the same answer", () => {
    const name = kind === "ollama" ? "chat-stream" : "chat-stream-usage";
    const { text, closing } = relayed(kind, recorded(kind, name), 64, shown);
    const frames = dataOf(text + closing)
      .slice(0, -1)
      .map((data) => JSON.parse(data) as { id: string; model: string; created: number });
    expect(new Set(frames.map(({ id, model, created }) => `${id} ${model} ${created}`)).size).toBe(1);
  });

  it("counts and marks usage that nobody told", () => {
    const untold = new TextDecoder()
      .decode(recorded(kind, "chat-stream"))
      .replaceAll(/"(prompt_eval_count|eval_count)":\d+,?/g, "")
      .replaceAll(/,"(usage|timings)":\{[^}]*(\{[^}]*\})?[^}]*\}/g, "");
    const { closing, relay } = relayed(kind, utf8.encode(untold), 64, shown);
    const usage = chunksOf(closing).at(-1)?.usage;
    expect(usage).toMatchObject({ prompt_tokens: 7, completion_tokens: relay.tally.pieces, estimated: true });
    expect(relay.tally.pieces).toBeGreaterThan(3);
  });
});

describe("a stream that is followed natively", () => {
  const followed = (kind: "llama-cpp" | "openai", bytes: Uint8Array, sizeBytes: number) => {
    const { stream } = engines[kind].chat;
    if (stream.format !== "openai") throw new Error(`${kind} is not relayed natively`);
    const follower = new NativeFollower(stream.rules);
    for (let at = 0; at < bytes.length; at += sizeBytes) follower.push(bytes.subarray(at, at + sizeBytes));
    const cut = follower.end();
    return { cut, tally: follower.tally };
  };

  it.each((["llama-cpp", "openai"] as const).flatMap((kind) => STREAMS.map((name) => [kind, name] as const)))(
    "is judged the same however it was cut: %s %s",
    (kind, name) => {
      const bytes = recorded(kind, name);
      const whole = followed(kind, bytes, bytes.length);
      for (const sizeBytes of CUTS) expect(followed(kind, bytes, sizeBytes)).toEqual(whole);
      expect(isComplete(whole.tally)).toBe(name.endsWith("-stream"));
    },
  );

  it("knows that the client has the engine's own error event already", () => {
    expect(followed("llama-cpp", recorded("llama-cpp", "error-midstream"), 64).tally).toMatchObject({
      told: true,
      fault: { class: "failure" },
    });
  });

  it("tells the text of the event that was cut", () => {
    const bytes = utf8.encode('data: {"choices":[]}\n\ndata: {"choices":[{"del');
    for (const sizeBytes of CUTS)
      expect(followed("openai", bytes, sizeBytes).cut).toBe('data: {"choices":[{"del');
  });

  it("takes an end mark without its blank line for the end", () => {
    const text = new TextDecoder().decode(recorded("openai", "chat-stream")).trimEnd();
    expect(isComplete(followed("openai", utf8.encode(text), 64).tally)).toBe(true);
  });
});

describe("an exact relay", () => {
  const { stream } = engines.vllm.chat;
  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
  const piece = (delta: object, finish_reason: string | null = null) =>
    event({ id: "a", choices: [{ index: 0, delta, finish_reason }] });
  const run = (text: string, sizeBytes = 1_000) => relayed("vllm", utf8.encode(text), sizeBytes);

  it.each([
    [
      "an error and then [DONE]",
      piece({ content: "x" }) + event({ error: { message: "no", code: 500 } }) + "data: [DONE]\n\n",
    ],
    ["nothing but [DONE]", "data: [DONE]\n\n"],
    ["an abort that ends well", piece({ content: "x" }) + piece({}, "abort") + "data: [DONE]\n\n"],
    ["[DONE] without a finish", piece({ content: "x" }) + "data: [DONE]\n\n"],
    ["a finish without [DONE]", piece({ content: "x" }) + piece({}, "stop")],
    ["half an event", piece({ content: "x" }) + 'data: {"choices":[{"ind'],
    [
      "an error in a field of its own",
      `${piece({ content: "x" })}error: {"message":"old build","code":500}\n\ndata: [DONE]\n\n`,
    ],
  ])("does not believe %s", (_, text) => {
    expect(stream.format).toBe("openai");
    for (const sizeBytes of CUTS) {
      const { relay, closing, text: out } = run(text, sizeBytes);
      expect(isComplete(relay.tally)).toBe(false);
      expect(closing).toBe("");
      expect(out).not.toContain("[DONE]");
    }
  });

  it("passes comments on, and gives reasoning the name that everybody uses", () => {
    const { text } = run(
      `:\n\n${piece({ reasoning: "hm" })}${piece({ content: "x" })}${piece({}, "stop")}data: [DONE]\n\n`,
    );
    expect(text).toMatch(/^:\n\n/);
    expect(chunksOf(text)[0]?.choices[0]?.delta).toEqual({ reasoning_content: "hm" });
  });

  it("does not mistake an answer that speaks of errors and ends for one", () => {
    const said = 'the "error" and "finish_reason":"stop" and [DONE] and "usage": {';
    const { text, closing, relay } = run(`${piece({ content: said })}${piece({}, "stop")}data: [DONE]\n\n`);
    expect(textOf(text + closing)).toBe(said);
    expect(isComplete(relay.tally)).toBe(true);
  });
});

describe("an exact relay of a tool call", () => {
  it("says `tool_calls` where vLLM ends a named call with `stop`", () => {
    const chunk = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const call = {
      tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "{}" } }],
    };
    const format = engines.vllm.chat.stream;
    if (format.format !== "openai") throw new Error("vLLM speaks OpenAI's format");
    const relay = exactRelay(format.rules, { showUsage: false, promptTokens: () => 0 });
    const bytes = new TextEncoder().encode(
      `${chunk({ role: "assistant", content: "" }, null)}${chunk(call, null)}${chunk({}, "stop")}data: [DONE]\n\n`,
    );
    const out = relay.push(bytes);
    expect(`${typeof out === "string" ? out : ""}${relay.closing()}`).toContain(
      '"finish_reason":"tool_calls"',
    );
  });
});
