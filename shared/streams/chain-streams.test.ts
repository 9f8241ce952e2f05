import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PieceScanner, chainStreams } from "./chain-streams.ts";

const utf8 = new TextEncoder();

const streamOf = (pieces: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(out) {
      for (const piece of pieces) out.enqueue(utf8.encode(piece));
      out.close();
    },
  });

/** Each opened when its turn comes. */
const chained = (streams: readonly ReadableStream<Uint8Array>[]) =>
  chainStreams(streams.map((stream) => () => Promise.resolve(stream)));

/** What a stream holds, in one piece. */
async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The text of each stream, and which of them have ended, however the bytes are cut. */
function taken(bytes: Uint8Array, sizeBytes: number, streams: number) {
  const scanner = new PieceScanner();
  const texts = Array.from({ length: streams }, () => "");
  const ended: number[] = [];
  for (let from = 0; from < bytes.length; from += sizeBytes)
    for (const { at, bytes: part } of scanner.push(bytes.subarray(from, from + sizeBytes)))
      if (part) texts[at] += new TextDecoder("latin1").decode(part);
      else ended.push(at);
  return { texts, ended };
}

describe("several streams as one", () => {
  const texts = fc.array(fc.array(fc.string({ unit: "grapheme-ascii", maxLength: 20 }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  });

  it("can be taken apart again, however they were cut on the way", async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 40 }), async (streams, sizeBytes) => {
        const bytes = await bytesOf(chained(streams.map(streamOf)));
        const { texts: read, ended } = taken(bytes, sizeBytes, streams.length);
        expect(read).toEqual(streams.map((pieces) => pieces.join("")));
        expect(ended.toSorted()).toEqual(streams.map((_, at) => at));
      }),
    );
  });

  it("come one after the other, each opened when the one before has been read", async () => {
    const opened: string[] = [];
    const opener = (name: string) => () => {
      opened.push(name);
      return Promise.resolve(streamOf([`${name}1`, `${name}2`]));
    };
    const reader = chainStreams([opener("a"), opener("b")]).getReader();
    await reader.read();
    expect(opened).toEqual(["a"]);
    let done = false;
    while (!done) done = (await reader.read()).done;
    expect(opened).toEqual(["a", "b"]);
  });

  it("break where one of them breaks, or cannot be opened", async () => {
    const broken = new ReadableStream<Uint8Array>({ start: (out) => out.error(new Error("lost")) });
    await expect(bytesOf(chained([streamOf(["a"]), broken]))).rejects.toThrow("lost");
    const shut = () => Promise.reject(new Error("shut"));
    await expect(bytesOf(chainStreams([() => Promise.resolve(streamOf(["a"])), shut]))).rejects.toThrow(
      "shut",
    );
  });

  it("take the open one along where their reader leaves", async () => {
    const left: number[] = [];
    const endless = (at: number) =>
      new ReadableStream<Uint8Array>({
        pull: (out) => out.enqueue(utf8.encode("x")),
        cancel: () => {
          left.push(at);
        },
      });
    const reader = chained([endless(0), endless(1)]).getReader();
    await reader.read();
    await reader.cancel();
    expect(left).toEqual([0]);
  });

  it("are read no faster than their reader reads", async () => {
    let pulled = 0;
    const eager = new ReadableStream<Uint8Array>(
      {
        pull: (out) => {
          pulled += 1;
          out.enqueue(utf8.encode("x"));
        },
      },
      { highWaterMark: 0 },
    );
    const reader = chained([eager]).getReader();
    await reader.read();
    await reader.read();
    expect(pulled).toBeLessThan(5);
    await reader.cancel();
  });
});
