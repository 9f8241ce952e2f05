import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ollamaControl } from "../../../shared/engines/control.ts";
import { pullProgress } from "./pull-progress.ts";

const read = (line: string) => ollamaControl.readProgress?.(line);
const LINES = [
  '{"status":"pulling manifest"}',
  '{"status":"pulling 8eeb52dfb3bb","digest":"sha256:8e","total":100,"completed":40}',
  '{"status":"pulling 8eeb52dfb3bb","digest":"sha256:8e","total":100,"completed":100}',
  '{"status":"success"}',
];

/** A body in pieces, which may end in an error; `cancelled` says whether it was let go. */
function bodyOf(pieces: readonly string[], error?: Error) {
  const state = { cancelled: false };
  const rest = pieces.map((piece) => new TextEncoder().encode(piece));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = rest.shift();
      if (piece) controller.enqueue(piece);
      else if (error) controller.error(error);
      else controller.close();
    },
    cancel: () => void (state.cancelled = true),
  });
  return { body, state };
}

const all = async (body: ReadableStream<Uint8Array> | null) => Array.fromAsync(pullProgress(body, read));

describe("the progress of a pull", () => {
  it("is told line by line, to the end", async () => {
    expect(await all(bodyOf([`${LINES.join("\n")}\n`]).body)).toEqual([
      { status: "pulling manifest", done: 0, total: 0 },
      { status: "pulling 8eeb52dfb3bb", done: 40, total: 100 },
      { status: "pulling 8eeb52dfb3bb", done: 100, total: 100 },
      { status: "success", done: 0, total: 0, finished: true },
    ]);
  });

  it("is the same however the network cuts it", async () => {
    const text = `${LINES.join("\n")}\n`;
    const whole = await all(bodyOf([text]).body);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 6 }), async (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(await all(bodyOf(pieces.filter((piece) => piece !== "")).body)).toEqual(whole);
      }),
    );
  });

  it.each<[string, ReadableStream<Uint8Array> | null]>([
    ["has ended without a word", bodyOf([`${LINES[0]}\n`]).body],
    ["has ended in the middle of a word", bodyOf([`${LINES[0]}\n{"status":"succ`]).body],
    ["was cut off", bodyOf([`${LINES[0]}\n`], new Error("reset")).body],
    ["is no list of lines", bodyOf(["<html>"]).body],
    ["is empty", null],
  ])("that %s has failed", async (_, body) => {
    const told = await all(body);
    expect(told.at(-1)?.error).toMatch(/broke off/);
    expect(told.filter(({ finished }) => finished)).toEqual([]);
  });

  it("that the engine gives up is told in its words, and nothing after it", async () => {
    const told = await all(bodyOf([`{"error":"file does not exist"}\n${LINES[3]}\n`]).body);
    expect(told).toEqual([
      { status: "file does not exist", done: 0, total: 0, error: "file does not exist" },
    ]);
  });

  it("that nobody reads to its end lets the engine go", async () => {
    const { body, state } = bodyOf(LINES.map((line) => `${line}\n`));
    for await (const _ of pullProgress(body, read)) break;
    expect(state.cancelled).toBe(true);
  });
});
