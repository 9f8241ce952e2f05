import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineEvent, StreamDecoder } from "../engines/engine.ts";
import { SseScanner } from "../streams/sse.ts";
import { chatChunkWriter } from "./chunk-writer.ts";
import { continuedRelay } from "./continued-relay.ts";
import { type Repair, pendingBytes, repairCut } from "./cut-event.ts";
import { isComplete } from "./tally.ts";

const utf8 = new TextEncoder();
const frame = { id: "chatcmpl-1", model: "m", createdS: 1 };
const options = { showUsage: true, promptTokens: () => 9 };

/** A decoder whose every push gives the next of these events. */
function scripted(events: readonly EngineEvent[]): StreamDecoder {
  let at = 0;
  return { push: () => events.slice(at, (at += 1)), end: () => [] };
}

/** What the client gets of these events behind what it has. */
function continued(events: readonly EngineEvent[], tokens: number, repair?: Repair) {
  const relay = continuedRelay(scripted(events), chatChunkWriter(frame, [0]), options, {
    tokens,
    ...(repair && { repair }),
  });
  const parts = events.map(() => relay.push(new Uint8Array()));
  const bytes = parts.flatMap((part) => [...(typeof part === "string" ? utf8.encode(part) : part)]);
  return { relay, bytes: Uint8Array.from(bytes) };
}

const delta = (content: string): EngineEvent => ({ type: "delta", index: 0, content });
const ending: readonly EngineEvent[] = [{ type: "finish", index: 0, reason: "stop" }, { type: "done" }];

type Chunk = { id: string; choices: { delta?: { role?: string; content?: string } }[]; usage?: object };
const chunksIn = (bytes: Uint8Array): Chunk[] =>
  new SseScanner()
    .push(bytes)
    .filter(({ data }) => data !== undefined && data !== "[DONE]")
    .map(({ data }) => JSON.parse(data ?? "") as Chunk);

describe("a relay that goes on behind another", () => {
  it("writes chunks of the same answer, and no second role", () => {
    const { relay, bytes } = continued([delta("lo"), ...ending], 1);
    const chunks = chunksIn(bytes);
    expect(chunks.map(({ id }) => id)).toEqual(["chatcmpl-1"]);
    expect(chunks.flatMap(({ choices }) => choices.map(({ delta: { role } = {} }) => role))).toEqual([
      undefined,
    ]);
    expect(isComplete(relay.tally)).toBe(true);
  });

  it("tells the usage of both: what was written before is no part of the prompt", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
    const { relay } = continued([delta("lo"), { type: "usage", usage }, ...ending], 4);
    expect(relay.tally.usage).toEqual({
      prompt_tokens: 8,
      completion_tokens: 7,
      total_tokens: 15,
      estimated: true,
    });
    expect(relay.closing()).toContain('"completion_tokens":7');
  });

  it("leaves the usage alone where nothing was written before", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
    expect(continued([{ type: "usage", usage }, ...ending], 0).relay.tally.usage).toEqual(usage);
  });

  it("counts pieces where no usage is told", () => {
    expect(continued([delta("lo"), ...ending], 4).relay.tally.pieces).toBe(5);
  });
});

describe("a relay that has a cut event to complete", () => {
  const event = (text: string) =>
    `data: {"id":"chatcmpl-1","created":1,"model":"m","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]}`;
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });

  it("reads as one answer with it, wherever within its characters it was cut", () => {
    fc.assert(
      fc.property(text, text, fc.nat(), (said, more, where) => {
        const whole = utf8.encode(event(said));
        const sent = whole.subarray(0, 1 + (where % (whole.length - 1)));
        const pending = pendingBytes(sent);
        const cut = new TextDecoder().decode(sent.subarray(0, sent.length - pending.length));
        const repair = repairCut(cut, pending, [event("before")]);
        if (!repair?.wantsNext) return;
        const { relay, bytes } = continued(
          [delta((said + more).slice(repair.text.length)), ...ending],
          1,
          repair,
        );
        expect(relay.isMended()).toBe(true);
        const joined = chunksIn(Uint8Array.from([...sent, ...bytes]))
          .map(({ choices }) => choices[0]?.delta?.content ?? "")
          .join("");
        expect(joined).toBe(said + more);
        expect(repair.text + relay.written().text).toBe(said + more);
      }),
      { numRuns: 300 },
    );
  });

  const half = repairCut(event("a").slice(0, event("a").indexOf('"a"') + 2), Uint8Array.of(0xc3), [
    event("b"),
  ]);

  it.each<[string, EngineEvent]>([
    ["another character", delta("x")],
    ["a finish", { type: "finish", index: 0, reason: "stop" }],
    ["a tool call", { type: "delta", index: 0, toolCalls: [{ index: 0, id: "a" }] }],
  ])("fails, and writes nothing into it, where %s follows", (_, next) => {
    const { relay, bytes } = continued([next], 1, half);
    expect(half?.wantsNext).toBe(true);
    expect(bytes).toHaveLength(0);
    expect(relay.isMended()).toBe(false);
    expect(relay.tally.fault).toMatchObject({ class: "failure" });
  });
});
