import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { engines } from "../engines/engines.ts";
import type { EngineAdapter } from "../engines/engine.ts";
import { SseScanner } from "../streams/sse.ts";
import { chatChunkWriter } from "./chunk-writer.ts";
import { NativeFollower, type Relay, type RelayOptions, exactRelay, translatedRelay } from "./relay.ts";
import { faultOf, isComplete } from "./tally.ts";

const CUTS = [1, 2, 3, 7, 64, 100_000];
const utf8 = new TextEncoder();

const fileOf = (kind: string, name: string): URL =>
  new URL(`../engines/__fixtures__/${kind}/${name}.http`, import.meta.url);

/** The body of a recorded answer; see engines/contract.test.ts. */
function recorded(kind: string, name: string): Uint8Array {
  const whole = readFileSync(fileOf(kind, name));
  return new Uint8Array(whole.subarray(whole.indexOf("\r\n\r\n") + 4));
}

function relayOf({ chat: { stream } }: EngineAdapter, options: RelayOptions): Relay {
  const writer = chatChunkWriter({ id: "chatcmpl-1", model: "m", createdS: 1 });
  if (stream.format === "translated")
    return translatedRelay(
      stream.decoder({ model: "m", messages: [{ role: "user", content: "" }] }),
      writer,
      options,
    );
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

/** Kinds without chats relay their completions in the same way. */
const KINDS = (Object.keys(engines) as (keyof typeof engines)[]).filter(
  (kind) => engines[kind].abilities.chat !== "refused",
);
/** Some kinds tell it in any case, or are not asked. */
const withUsage = (kind: string): string =>
  kind !== "ollama" && existsSync(fileOf(kind, "chat-stream-usage")) ? "chat-stream-usage" : "chat-stream";

const STREAMS = ["chat-stream", "tools-stream", "reasoning-stream", "error-midstream", "cut"];

describe.each(KINDS)("relaying %s", (kind) => {
  // What a kind refuses has no recording.
  it.each(STREAMS.filter((name) => existsSync(fileOf(kind, name))))(
    "gives the same events however %s was cut",
    (name) => {
      const bytes = recorded(kind, name);
      const whole = relayed(kind, bytes, bytes.length);
      for (const sizeBytes of CUTS) {
        const cut = relayed(kind, bytes, sizeBytes);
        expect(dataOf(cut.text + cut.closing)).toEqual(dataOf(whole.text + whole.closing));
        expect(cut.relay.tally).toEqual(whole.relay.tally);
      }
    },
  );

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
    const name = withUsage(kind);
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
    const name = withUsage(kind);
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

  it("passes comments on", () => {
    const { text } = run(`:\n\n${piece({ content: "x" })}${piece({}, "stop")}data: [DONE]\n\n`);
    expect(text).toMatch(/^:\n\n/);
  });

  it("does not mistake an answer that speaks of errors and ends for one", () => {
    const said = 'the "error" and "finish_reason":"stop" and [DONE] and "usage": {';
    const { text, closing, relay } = run(`${piece({ content: said })}${piece({}, "stop")}data: [DONE]\n\n`);
    expect(textOf(text + closing)).toBe(said);
    expect(isComplete(relay.tally)).toBe(true);
  });
});

describe("an error inside a stream of llama.cpp", () => {
  it.each<[message: string, fault: object]>([
    ["input (900 tokens) is too large to process", { class: "client_fault", status: 400 }],
    ["Failed to parse input at pos 3: <tool_call>", { class: "failure", status: 500 }],
  ])("is judged as its answers are: %s", (message, fault) => {
    const { stream } = engines["llama-cpp"].chat;
    if (stream.format !== "openai") throw new Error("llama.cpp speaks OpenAI's format");
    const follower = new NativeFollower(stream.rules);
    const relay = exactRelay(stream.rules, hidden);
    const bytes = utf8.encode(`data: ${JSON.stringify({ error: { code: 500, message } })}\n\n`);
    follower.push(bytes);
    relay.push(bytes);
    for (const { tally } of [follower, relay]) expect(tally.fault).toMatchObject(fault);
  });
});

describe("a finish reason behind more than one space", () => {
  it("reaches the client before the end mark", () => {
    const relay = relayOf(engines.vllm, hidden);
    relay.push(utf8.encode('data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'));
    relay.push(
      utf8.encode(
        'data:  {"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      ),
    );
    expect(relay.closing()).toMatch(/"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/s);
  });
});

describe("several choices", () => {
  const event = (value: object) => `data: ${JSON.stringify({ id: "a", ...value })}\n\n`;
  const usage = (prompt_tokens: number, completion_tokens: number) => ({
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
  });
  const text = (index: number, more: object = {}) =>
    event({ choices: [{ index, text: "x", finish_reason: null }], ...more });
  const end = (index: number, more: object = {}) =>
    event({ choices: [{ index, text: "", delta: {}, finish_reason: "stop" }], ...more });
  const DONE = "data: [DONE]\n\n";
  const run = (operation: "chat" | "completion", body: string, options: Partial<RelayOptions>) => {
    const { stream } = engines["llama-cpp"][operation];
    if (stream.format !== "openai") throw new Error("llama.cpp speaks OpenAI's format");
    const relay = exactRelay(stream.rules, { ...hidden, ...options });
    relay.push(utf8.encode(body));
    return relay.tally;
  };

  it("go on in their order when one of them has finished", () => {
    const relay = relayOf(engines.vllm, { ...hidden, n: 2 });
    const say = (index: number, delta: object, finish_reason: string | null = null) =>
      event({ choices: [{ index, delta, finish_reason }] });
    const reasoning = say(1, { reasoning: "why" });
    const passed = [
      say(0, { content: "a" }),
      say(0, {}, "stop"),
      reasoning,
      say(1, { content: "b" }),
      say(1, {}, "stop"),
      DONE,
    ].map((each) => {
      const out = relay.push(utf8.encode(each));
      return typeof out === "string" ? out : new TextDecoder().decode(out);
    });
    expect(passed.map((each) => each !== "")).toEqual([true, false, true, true, false, false]);
    expect(passed[2]).toContain('"reasoning_content":"why"');
    expect(chunksOf(relay.closing()).map((chunk) => chunk.choices[0])).toMatchObject([
      { index: 0, finish_reason: "stop" },
      { index: 1, finish_reason: "stop" },
    ]);
  });

  it("of one prompt have the tokens of all, and the prompt's once", () => {
    const body = `${end(0)}${event({ choices: [], usage: usage(7, 20) })}${end(1)}${event({ choices: [], usage: usage(7, 20) })}${DONE}`;
    expect(run("chat", body, { n: 2 }).usage).toEqual(usage(7, 40));
  });

  it("of several prompts have the tokens of each prompt once", () => {
    const ends = [0, 1, 2, 3].map((index) => end(index, { usage: usage(index < 2 ? 5 : 6, 10) }));
    expect(run("completion", ends.join("") + DONE, { n: 2, prompts: 2 }).usage).toEqual(usage(11, 40));
  });

  it("are counted by their usage, not by counts that run along", () => {
    const timings = { prompt_n: 7, predicted_n: 1 };
    const body = `${text(0, { timings })}${end(0, { usage: usage(7, 1), timings })}${end(1, { usage: usage(7, 1) })}`;
    expect(run("completion", body, { n: 2 }).usage).toEqual(usage(7, 2));
  });

  it("are complete when each of them has ended", () => {
    const half = run("chat", `${text(0)}${end(0)}${DONE}`, { n: 2 });
    expect(isComplete(half)).toBe(false);
    expect(faultOf(half).message).toBe("it ended the stream with 1 of 2 choices finished");
    expect(isComplete(run("chat", `${end(0)}${end(1)}${DONE}`, { n: 2 }))).toBe(true);
  });

  it("are followed to the end of each of them", () => {
    const { stream } = engines.openai.chat;
    if (stream.format !== "openai") throw new Error("it speaks OpenAI's format");
    const follower = new NativeFollower(stream.rules, 2);
    follower.push(utf8.encode(`${end(0)}${DONE}`));
    expect(isComplete(follower.tally)).toBe(false);
  });
});

describe.each(["vllm", "openai"] as const)("an exact relay of %s", (kind) => {
  type Choice = { index: number; delta: object; finish_reason: string | null };
  const finishes = (...choices: Choice[]) => {
    const events = choices.map((choice) => `data: ${JSON.stringify({ id: "c", choices: [choice] })}\n\n`);
    const bytes = utf8.encode(`${events.join("")}data: [DONE]\n\n`);
    const { text, closing } = relayed(kind, bytes, bytes.length);
    return chunksOf(text + closing)
      .flatMap((chunk) => chunk.choices as unknown as Choice[])
      .filter((choice) => choice.finish_reason !== null)
      .map(({ index, finish_reason }) => `${index}: ${finish_reason}`);
  };
  const part = (index: number, delta: object, finish_reason: string | null = null) => ({
    index,
    delta,
    finish_reason,
  });
  const call = { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f" } }] };

  it("says `tool_calls` where a call ends with `stop`", () => {
    expect(finishes(part(0, { role: "assistant" }), part(0, call), part(0, {}, "stop"))).toEqual([
      "0: tool_calls",
    ]);
  });

  it("says so of the choice that called, and of no other", () => {
    expect(
      finishes(part(0, call), part(1, { content: "x" }), part(1, {}, "stop"), part(0, {}, "stop")),
    ).toEqual(["1: stop", "0: tool_calls"]);
  });

  it.each(["repetition", "eos_token"])("says `stop` for an end in the engine's own words: %s", (reason) => {
    expect(finishes(part(0, { content: "x" }), part(0, {}, reason))).toEqual(["0: stop"]);
  });

  it("leaves out what is null and OpenAI's types do not know", () => {
    const event = { system_fingerprint: null, choices: [part(0, { content: "x" })] };
    const bytes = utf8.encode(`data: ${JSON.stringify(event)}\n\n`);
    expect(chunksOf(relayed(kind, bytes, bytes.length).text)).toEqual([{ choices: event.choices }]);
  });

  it("gives reasoning the name that everybody uses", () => {
    const bytes = utf8.encode(`data: ${JSON.stringify({ choices: [part(0, { reasoning: "hm" })] })}\n\n`);
    expect(chunksOf(relayed(kind, bytes, bytes.length).text)[0]?.choices[0]?.delta).toEqual({
      reasoning_content: "hm",
    });
  });
});
