import { describe, expect, it } from "vitest";
import { readStamp } from "../clock.ts";
import { STREAMED, WHOLE } from "./answers.ts";

const BEHAVIOUR = { stream: true, gapMs: 0, chunks: 3, includeUsage: true };

/** The body of a chunked answer; it throws where the framing is wrong. */
function unframe(text: string): string {
  let body = "";
  let at = text.indexOf("\r\n\r\n") + 4;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (text.slice(at - 2, at) !== "\r\n") throw new Error(`bad frame before ${at}`);
    if (size === 0) return at === text.length ? body : `${body}<trailing bytes>`;
  }
}

describe.each(Object.entries(STREAMED))("the stream of %s", (path, script) => {
  const text = unframe(
    script.open + [1.5, 2.5, 3.5].map((nowMs) => script.chunk(nowMs)).join("") + script.end(BEHAVIOUR),
  );

  it("carries the moment of each chunk", () => {
    const stamps = [...text.matchAll(/"t=/g)].map((match) => readStamp(text, match.index + 3));
    expect(stamps).toEqual([1.5, 2.5, 3.5]);
  });

  it("is JSON in every event, and says that it is complete", () => {
    const events =
      path === "/api/chat"
        ? text.trimEnd().split("\n")
        : text
            .trimEnd()
            .split("\n\n")
            .map((event) => event.slice("data: ".length));
    const last = path === "/api/chat" ? events.at(-1) : events.pop();
    for (const event of events) expect(() => JSON.parse(event) as unknown).not.toThrow();
    expect(last).toContain(path === "/api/chat" ? '"done":true' : "[DONE]");
    expect(text).toMatch(/"finish_reason":"stop"|"done_reason":"stop"/);
  });
});

it("tells OpenAI's usage only where it was asked for", () => {
  const end = STREAMED["/v1/chat/completions"]?.end;
  expect(end?.(BEHAVIOUR)).toContain('"usage"');
  expect(end?.({ ...BEHAVIOUR, includeUsage: false })).not.toContain('"usage"');
});

it.each(Object.entries(WHOLE))("the answer to %s is as long as it says", (_, bytes) => {
  const [head = "", body = ""] = bytes.toString().split("\r\n\r\n");
  expect(Number(/Content-Length: (\d+)/.exec(head)?.[1])).toBe(Buffer.byteLength(body));
  expect(() => JSON.parse(body) as unknown).not.toThrow();
});
