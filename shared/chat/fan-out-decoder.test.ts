import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineAdapter, EngineEvent } from "../engines/engine.ts";
import { engines } from "../engines/engines.ts";
import { chainStreams } from "../streams/chain-streams.ts";
import { chatChunkWriter } from "./chunk-writer.ts";
import { fanOutDecoder } from "./fan-out-decoder.ts";
import { splitChoices } from "./fan-out.ts";
import { translatedRelay } from "./relay.ts";
import { isComplete } from "./tally.ts";

const body: ChatRequest = { model: "m", n: 2, messages: [{ role: "user", content: "Hello" }] };

/** The body of a recorded answer; see engines/contract.test.ts. */
function recorded(kind: string, name: string): Uint8Array<ArrayBuffer> {
  const whole = readFileSync(new URL(`../engines/__fixtures__/${kind}/${name}.http`, import.meta.url));
  return new Uint8Array(whole.subarray(whole.indexOf("\r\n\r\n") + 4));
}

/** Streams of these recordings, one for each choice, merged, and decoded in pieces of `sizeBytes`. */
async function decoded(kind: keyof typeof engines, names: readonly string[], sizeBytes: number) {
  const streams = names.map((name) => new Blob([recorded(kind, name)]).stream());
  const bytes = new Uint8Array(
    await new Response(chainStreams(streams.map((stream) => () => Promise.resolve(stream)))).arrayBuffer(),
  );
  const decoder = fanOutDecoder(engines[kind].chat.stream, splitChoices({ ...body, n: names.length }));
  const events: EngineEvent[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes)
    events.push(...decoder.push(bytes.subarray(at, at + sizeBytes)));
  return [...events, ...decoder.end()];
}

const textOf = (events: readonly EngineEvent[], choice: number): string =>
  events.map((event) => (event.type === "delta" && event.index === choice ? event.content : "")).join("");

const ALL = (Object.entries(engines) as [keyof typeof engines, EngineAdapter][]).filter(
  ([, { abilities }]) => abilities.chat !== "refused",
);

describe.each(ALL)("several streams of %s", (kind) => {
  it("are one answer, however the network cuts them", async () => {
    const whole = await decoded(kind, ["chat-stream", "chat-stream", "chat-stream"], 1_000_000);
    expect(textOf(whole, 0)).not.toBe("");
    for (const choice of [1, 2]) expect(textOf(whole, choice)).toBe(textOf(whole, 0));
    expect(whole.filter(({ type }) => type === "finish")).toHaveLength(3);
    expect(whole.at(-1)).toMatchObject({ type: "done" });
    for (const sizeBytes of [1, 7, 64])
      expect(await decoded(kind, ["chat-stream", "chat-stream", "chat-stream"], sizeBytes)).toEqual(whole);
  });

  it.each(["error-midstream", "cut"])("are none where one of them is %s", async (name) => {
    const events = await decoded(kind, ["chat-stream", name], 64);
    expect(events.at(-1)).toMatchObject({ type: "error", fault: { class: "failure" } });
    expect(events.some(({ type }) => type === "done")).toBe(false);
  });
});

it("reach the client as the chunks of one answer, whose usage counts the prompt once", async () => {
  const decoder = fanOutDecoder(engines.ollama.chat.stream, splitChoices(body));
  const writer = chatChunkWriter({ id: "chatcmpl-1", model: "m", createdS: 1 });
  const relay = translatedRelay(decoder, writer, { showUsage: true, n: 2, promptTokens: () => 1 });
  const streams = [0, 1].map(() => new Blob([recorded("ollama", "chat-stream")]).stream());
  const out = relay.push(
    new Uint8Array(
      await new Response(chainStreams(streams.map((stream) => () => Promise.resolve(stream)))).arrayBuffer(),
    ),
  );
  expect(isComplete(relay.tally)).toBe(true);
  const one = JSON.parse(new TextDecoder().decode(recorded("ollama", "chat"))) as {
    prompt_eval_count: number;
    eval_count: number;
  };
  expect(relay.tally.usage).toEqual({
    prompt_tokens: one.prompt_eval_count,
    completion_tokens: 2 * one.eval_count,
    total_tokens: one.prompt_eval_count + 2 * one.eval_count,
  });
  for (const choice of [0, 1])
    expect(out).toContain(`"choices":[{"index":${choice},"delta":{"role":"assistant"`);
});
