import { describe, expect, it } from "vitest";
import { type EngineRequest, RequestReader } from "./request-reader.ts";

const withLength = (body: string) =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (...chunks: string[]) =>
  `POST /api/chat HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n${[...chunks, ""].map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join("")}`;

const CASES: [string, string, EngineRequest[]][] = [
  ["a request without a body", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", [{ path: "/health", body: "" }]],
  ["a body with its length", withLength('{"a":1}'), [{ path: "/v1/chat/completions", body: '{"a":1}' }]],
  ["a chunked body", chunked('{"a":', "1}"), [{ path: "/api/chat", body: '{"a":1}' }]],
  [
    "requests one behind the other",
    withLength("one") + chunked("two") + withLength("three"),
    [
      { path: "/v1/chat/completions", body: "one" },
      { path: "/api/chat", body: "two" },
      { path: "/v1/chat/completions", body: "three" },
    ],
  ],
];

describe.each(CASES)("%s", (_, text, requests) => {
  it.each([1, 2, 7, 10_000])("is read however it is cut (%d bytes at a time)", (sizeBytes) => {
    const reader = new RequestReader();
    const seen: EngineRequest[] = [];
    for (let at = 0; at < text.length; at += sizeBytes)
      seen.push(...reader.push(text.slice(at, at + sizeBytes)));
    expect(seen).toEqual(requests);
  });
});

it("gives up on what is no HTTP", () => {
  expect(() => new RequestReader().push("x".repeat(100_000))).toThrow("no end");
  expect(() =>
    new RequestReader().push("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  ).toThrow("no size");
});
