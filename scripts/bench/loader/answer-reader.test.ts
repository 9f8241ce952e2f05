import { describe, expect, it } from "vitest";
import { AnswerReader, type Progress } from "./answer-reader.ts";

const withLength = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (chunks: string[], more = "") =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${more}\r\n${[...chunks, ""].map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join("")}`;

function read(text: string, sizeBytes: number) {
  let body = "";
  const reader = new AnswerReader((part) => (body += part));
  const progress: Progress[] = [];
  for (let at = 0; at < text.length; at += sizeBytes)
    progress.push(reader.push(text.slice(at, at + sizeBytes)));
  return {
    body,
    status: reader.status,
    keepAlive: reader.keepAlive,
    last: progress.at(-1),
    before: new Set(progress.slice(0, -1)),
  };
}

const CASES: [string, string, { body: string; status: number; keepAlive: boolean }][] = [
  ["an answer with its length", withLength("hello"), { body: "hello", status: 200, keepAlive: true }],
  [
    "an answer with nothing in it",
    "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
    { body: "", status: 503, keepAlive: true },
  ],
  [
    "a chunked answer",
    chunked(["data: a\n\n", "data: [DONE]\n\n"]),
    { body: "data: a\n\ndata: [DONE]\n\n", status: 200, keepAlive: true },
  ],
  [
    "an answer after which the connection closes",
    chunked(["x"], "Connection: close\r\n"),
    { body: "x", status: 200, keepAlive: false },
  ],
  [
    "chunks that look like framing",
    chunked(["0\r\n\r\n", "\r\n"]),
    { body: "0\r\n\r\n\r\n", status: 200, keepAlive: true },
  ],
];

describe.each(CASES)("%s", (_, text, answer) => {
  it.each([1, 2, 3, 7, 10_000])("is read however it is cut (%d bytes at a time)", (sizeBytes) => {
    const { last, before, ...seen } = read(text, sizeBytes);
    expect(seen).toEqual(answer);
    expect(last).toBe("done");
    expect(before).toEqual(new Set(text.length > sizeBytes ? ["more"] : []));
  });
});

it.each([
  ["bytes behind the end", `${withLength("a")}b`],
  ["bytes behind the last chunk", `${chunked(["a"])}b`],
  ["no HTTP", "SSH-2.0-x\r\n\r\n"],
  ["a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
  ["a chunk that is longer than it said", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"],
  ["no length at all", "HTTP/1.1 200 OK\r\n\r\n"],
  ["a head without an end", "x".repeat(100_000)],
])("calls an answer broken that has %s", (_, text) => {
  expect(read(text, text.length).last).toBe("broken");
});

it("reads the next answer after a restart", () => {
  let body = "";
  const reader = new AnswerReader((part) => (body += part));
  reader.push(withLength("one"));
  reader.restart();
  expect(reader.push(chunked(["two"]))).toBe("done");
  expect(body).toBe("onetwo");
});
