import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pendingBytes, repairCut } from "./cut-event.ts";

const utf8 = new TextEncoder();

/** How engines write the chunks of a stream: the one that opens it, and those with text. */
const STYLES: Record<string, { opening: string; chunk: (text: string) => string }> = {
  vllm: {
    opening:
      'data: {"id":"c1","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}',
    chunk: (text) =>
      `data: {"id":"c1","created":1,"choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"logprobs":null,"finish_reason":null}]}`,
  },
  "llama.cpp": {
    opening:
      'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"c1","model":"m"}',
    chunk: (text) =>
      `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":${JSON.stringify(text)}}}],"created":1,"id":"c1","model":"m"}`,
  },
  "escaped, with spaces": {
    opening: 'data: {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}',
    chunk: (text) => `data: {"id": "c1", "choices": [{"index": 0, "delta": {"content": ${ascii(text)}}}]}`,
  },
  completions: {
    opening: 'data: {"id":"c1","choices":[{"text":"","index":0,"finish_reason":null}]}',
    chunk: (text) =>
      `data: {"id":"c1","choices":[{"text":${JSON.stringify(text)},"index":0,"finish_reason":null}]}`,
  },
};

const ascii = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The text of a whole event. */
function textOf(event: string): string {
  const json = JSON.parse(event.slice("data: ".length)) as {
    choices: { text?: string; delta?: { content?: string } }[];
  };
  return json.choices[0]?.text ?? json.choices[0]?.delta?.content ?? "";
}

/** Cuts an event's bytes at `at` and has it repaired; what the client then has of text, and the text that was left. */
function cutAndRepaired(event: string, at: number, earlier: readonly string[], answer: string) {
  const sent = utf8.encode(event).subarray(0, at);
  const pending = pendingBytes(sent);
  const cut = new TextDecoder().decode(sent.subarray(0, sent.length - pending.length));
  const repair = repairCut(cut, pending, earlier);
  if (!repair) return undefined;
  const next = answer.slice(repair.text.length);
  const completed = repair.finish(next);
  if (!completed) return undefined;
  const whole = new TextDecoder().decode(new Uint8Array([...sent, ...completed.bytes]));
  expect(whole.endsWith("\n\n")).toBe(true);
  return { text: textOf(whole.slice(0, -2)), rest: next.slice(completed.used) };
}

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 12 });

describe.each(Object.entries(STYLES))("an event that was cut, as %s writes it", (_, { opening, chunk }) => {
  it("is completed, and the answer goes on without a byte lost or doubled, wherever it was cut", () => {
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (first, said, next, early, where) => {
          const event = chunk(said);
          const at = 1 + Math.floor(where * (utf8.encode(event).length - 1));
          const earlier = early ? [opening] : [chunk(first), opening];
          const repaired = cutAndRepaired(event, at, earlier, said + next);
          expect(repaired).toBeDefined();
          expect((repaired?.text ?? "") + (repaired?.rest ?? "")).toBe(said + next);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("a cut that cannot be mended", () => {
  const { chunk } = STYLES.vllm ?? { chunk: String };
  it.each([
    ["an event of another pattern", 'data: {"id":"c1","usage":{"prom'],
    ["a finish", `${chunk("x").slice(0, -40).replace('{"content":"x"}', "{}")}`],
    ["something that is no event", "{"],
    ["a stream of another id", 'data: {"id":"c2","created":1,"cho'],
  ])("%s", (_, cut) => {
    expect(repairCut(cut, new Uint8Array(), [chunk("before")])).toBeUndefined();
  });

  it("half a character that the answer does not go on with", () => {
    const whole = chunk("a\u00e9");
    const sent = utf8.encode(whole.slice(0, whole.indexOf("\u00e9")));
    const repair = repairCut(new TextDecoder().decode(sent), Uint8Array.of(0xc3), [chunk("before")]);
    expect(repair?.text).toBe("a");
    expect(repair?.finish("\u00e9tude")).toMatchObject({ used: 1 });
    expect(repair?.finish("b")).toBeUndefined();
    expect(repair?.finish("")).toBeUndefined();
  });

  it("no earlier event to go by", () => {
    expect(repairCut("data: {", new Uint8Array(), [])).toBeUndefined();
  });
});

describe("the bytes of half a character", () => {
  it("are found, and nothing of a whole one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(), (whole, cut) => {
        const bytes = utf8.encode(whole);
        const sent = bytes.subarray(0, cut % (bytes.length + 1));
        const pending = pendingBytes(sent);
        const kept = sent.subarray(0, sent.length - pending.length);
        expect(utf8.encode(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(kept))).toEqual(
          kept,
        );
        expect(pending.length).toBeLessThan(4);
        expect(pending.length > 0).toBe(kept.length < sent.length);
      }),
    );
  });
});
