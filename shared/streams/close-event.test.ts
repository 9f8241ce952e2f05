import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeBrokenStream, completeObject } from "./close-event.ts";
import { SseScanner } from "./sse.ts";

const error = { error: { message: "lost", type: "api_error", param: null, code: "engine_failed" } };

/** What an OpenAI client makes of the bytes: the parsed data of each event. */
function seenByClient(text: string): unknown[] {
  const scanner = new SseScanner();
  return [...scanner.push(new TextEncoder().encode(text)), ...scanner.end()]
    .filter((event) => event.data !== undefined)
    .map((event) => JSON.parse(event.data ?? "") as unknown);
}

describe("closeBrokenStream", () => {
  it.each([
    ["between events", ""],
    ["inside a field name", "dat"],
    ["before the data", "data:"],
    ["inside a comment", ": keep"],
    ["after a whole object without its line end", 'data: {"a":1}'],
    ["after a whole line", 'data: {"a":1}\n'],
  ])("tells of the error when the cut is %s", (_, sent) => {
    expect(seenByClient(sent + closeBrokenStream(sent, error)).at(-1)).toMatchObject(error);
  });

  it("tells of the error wherever an event was cut", () => {
    const event = `data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta: { content: 'a"\\\u0001é😀\n' }, finish_reason: null }], n: [-1.5e-7, true, false, {}, []] })}`;
    for (let cut = 0; cut <= event.length; cut++) {
      const sent = event.slice(0, cut);
      const seen = seenByClient(sent + closeBrokenStream(sent, error));
      expect(seen.at(-1), sent).toMatchObject(error);
    }
  });
});

describe("completeObject", () => {
  it("completes every beginning of every object to valid JSON", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(),
        fc.constantFrom(0, 1),
        (object, position, indent) => {
          const json = JSON.stringify(object, null, indent);
          const begun = json.slice(0, 1 + (position % json.length));
          const rest = completeObject(begun, '"error":1') ?? "";
          const whole = rest.startsWith("\n\ndata: ") ? rest.slice(8) : begun + rest;
          expect(JSON.parse(whole)).toMatchObject({ error: 1 });
        },
      ),
      { numRuns: 2000 },
    );
  });
});
