import { describe, expect, it } from "vitest";
import { lastWords } from "./last-words.ts";
import { SSE_DONE, SseScanner, sseEvent } from "./sse.ts";

const frame = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, estimated: true };
const CLOSING = sseEvent(JSON.stringify({ ...frame, choices: [], usage }));
const ENGINE_USAGE = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

/** The data of each event, as a client's library reads it. */
function seen(text: string): unknown[] {
  const scanner = new SseScanner();
  return [...scanner.push(new TextEncoder().encode(text)), ...scanner.end()]
    .flatMap(({ data }) => data ?? [])
    .map((data) => (data === "[DONE]" ? data : (JSON.parse(data) as unknown)));
}

describe("the last words of an answer whose engine was lost behind its finish", () => {
  it.each([
    ["tells the usage", false, [{ ...frame, choices: [], usage }, "[DONE]"]],
    ["says the end mark alone where the usage was told", true, ["[DONE]"]],
  ])("between two events %s", (_, told, expected) => {
    expect(seen(lastWords("", CLOSING, told) ?? "")).toEqual(expected);
  });

  it("completes the usage wherever its event was cut, and says it once", () => {
    const event = `data: ${JSON.stringify({ ...frame, choices: [], usage: ENGINE_USAGE, timings: { ms: [1.5, true] } })}\n`;
    for (let at = 0; at <= event.length; at++) {
      const cut = event.slice(0, at);
      const events = seen(cut + lastWords(cut, CLOSING, false));
      expect(events, cut).toHaveLength(2);
      const told = at >= event.length - 1 ? ENGINE_USAGE : usage;
      expect(events[0], cut).toMatchObject({ ...frame, choices: [], usage: told });
      expect(events[1], cut).toBe("[DONE]");
    }
  });

  it("completes the end mark wherever it was cut", () => {
    for (let at = "data: ".length + 1; at <= SSE_DONE.length; at++) {
      const cut = SSE_DONE.slice(0, at);
      expect(seen(cut + lastWords(cut, CLOSING, false)), cut).toEqual(["[DONE]"]);
    }
  });

  it("tells the usage behind a whole event that has none", () => {
    const cut = `data: ${JSON.stringify({ ...frame, choices: [] })}`;
    expect(seen(cut + lastWords(cut, CLOSING, false)).slice(1)).toEqual([
      { ...frame, choices: [], usage },
      "[DONE]",
    ]);
  });

  it.each([
    ["a choice that is cut", 'data: {"id":"x","choices":[{"index":0,"del'],
    ["a choice that is whole", 'data: {"id":"x","choices":[{"index":0,"delta":{}}]}'],
    ["a field of another name", "event: erro"],
    ["data that is no chunk", "data: 12"],
  ])("does not pretend that %s is harmless", (_, cut) => {
    expect(lastWords(cut, CLOSING, false)).toBeUndefined();
  });
});
