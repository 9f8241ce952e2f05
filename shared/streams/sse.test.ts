import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineScanner } from "./lines.ts";
import { EventTooLarge, SseScanner } from "./sse.ts";

const utf8 = new TextEncoder();

/** Pushes `text` in pieces of `sizeBytes` bytes. */
function scan(text: string, sizeBytes: number): (string | undefined)[] {
  const scanner = new SseScanner();
  const bytes = utf8.encode(text);
  const data: (string | undefined)[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes) {
    data.push(...scanner.push(bytes.subarray(at, at + sizeBytes)).map((event) => event.data));
  }
  return [...data, ...scanner.end().map((event) => event.data)];
}

describe("SseScanner", () => {
  it.each<[string, string, (string | undefined)[]]>([
    ["reads one line of data", "data: a\n\n", ["a"]],
    ["reads data without a space", "data:a\n\n", ["a"]],
    ["takes one space away, not two", "data:  a\n\n", [" a"]],
    ["joins several lines of data", "data: a\ndata: b\n\n", ["a\nb"]],
    ["ignores other fields", "event: x\nid: 1\ndata: a\nretry: 5\n\n", ["a"]],
    ["says that a comment has no data", ": ping\n\ndata: a\n\n", [undefined, "a"]],
    ["reads llama-server's bare colon", "data: a\n\n:\n\ndata: b\n\n", ["a", undefined, "b"]],
    ["reads CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
    ["reads lone CR", "data: a\r\rdata: b\r\r", ["a", "b"]],
    ["skips blank lines more than needed", "\n\n\ndata: a\n\n\n\ndata: b\n\n", ["a", "b"]],
    ["keeps an event whose final line end is missing", "data: a\n\ndata: b", ["a", "b"]],
    ["drops a byte order mark", "\uFEFFdata: a\n\n", ["a"]],
    ["keeps a trailing space (TensorRT-LLM's first frame)", "data: a \n\n", ["a "]],
  ])("%s", (_, text, expected) => {
    for (const sizeBytes of [1, 2, 3, 7, 64, 4096]) expect(scan(text, sizeBytes)).toEqual(expected);
  });

  it("gives the same events however the bytes are cut", () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n]/g, ""));
    fc.assert(
      fc.property(
        fc.array(line),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 9 }),
        (data, eol, sizeBytes) => {
          const text = data.map((each) => `data: ${each}${eol}${eol}`).join("");
          expect(scan(text, sizeBytes)).toEqual(data);
        },
      ),
    );
  });

  it("holds no more than the event that is not complete", () => {
    const scanner = new SseScanner();
    const bytes = utf8.encode(`data: ${"x".repeat(1000)}\n\ndata: y`);
    for (let n = 0; n < 1000; n++) scanner.push(utf8.encode(`data: ${"x".repeat(1000)}\n\n`));
    scanner.push(bytes);
    expect(scanner.rest).toBe("data: y");
  });

  it("reads one large event in small pieces in time that grows with its length alone", () => {
    const scanner = new SseScanner();
    const piece = utf8.encode("x".repeat(512));
    scanner.push(utf8.encode("data: "));
    // A scanner that joined what it has for each piece would move 130 GB here.
    for (let n = 0; n < 23_000; n++) scanner.push(piece);
    const [event] = scanner.push(utf8.encode("\n\n"));
    expect(event?.data?.length).toBe(23_000 * 512);
    expect(scanner.rest).toBe("");
  });

  it("gives up on an event without end", () => {
    const scanner = new SseScanner();
    const piece = utf8.encode("x".repeat(1024 * 1024));
    expect(() => {
      for (let n = 0; n < 20; n++) scanner.push(piece);
    }).toThrow(EventTooLarge);
  });
});

describe("LineScanner", () => {
  it("gives the same lines however the bytes are cut", () => {
    const bytes = utf8.encode('{"a":"é😀"}\r\n\n{"b":1}\n{"c":2}');
    for (const sizeBytes of [1, 2, 3, 5, 100]) {
      const scanner = new LineScanner();
      const lines: string[] = [];
      for (let at = 0; at < bytes.length; at += sizeBytes)
        lines.push(...scanner.push(bytes.subarray(at, at + sizeBytes)));
      expect([...lines, ...scanner.end()]).toEqual(['{"a":"é😀"}', '{"b":1}', '{"c":2}']);
    }
  });
});
