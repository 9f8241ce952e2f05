import { expect, it } from "vitest";
import { writeStamp } from "../clock.ts";
import { EventCounter } from "./event-counter.ts";

const event = (timeMs: number) => `data: {"delta":{"content":"t=${writeStamp(timeMs)} token"}}\n\n`;
const STREAM = `data: {"delta":{"role":"assistant"}}\n\n${event(1.25)}: a comment\n\n${event(2.5)}data: [DONE]\n\n`;

it.each([1, 2, 5, 64, 10_000])(
  "finds stamps and the end however the stream is cut (%d characters at a time)",
  (size) => {
    const seen: (number | string)[] = [];
    const counter = new EventCounter({
      chunk: (writtenMs) => seen.push(writtenMs),
      done: () => seen.push("done"),
    });
    for (let at = 0; at < STREAM.length; at += size) counter.push(STREAM.slice(at, at + size));
    expect(seen).toEqual([1.25, 2.5, "done"]);
  },
);

it("does not carry a cut stream over into the next", () => {
  const seen: number[] = [];
  const counter = new EventCounter({ chunk: (writtenMs) => seen.push(writtenMs), done: () => undefined });
  counter.push(event(1).slice(0, 20));
  counter.restart();
  counter.push(event(2));
  expect(seen).toEqual([2]);
});
