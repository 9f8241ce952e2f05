import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PieceScanner, mergeStreams } from "./merge-streams.ts";

const utf8 = new TextEncoder();

const streamOf = (pieces: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(out) {
      for (const piece of pieces) out.enqueue(utf8.encode(piece));
      out.close();
    },
  });

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
        const bytes = await bytesOf(mergeStreams(streams.map(streamOf)));
        const { texts: read, ended } = taken(bytes, sizeBytes, streams.length);
        expect(read).toEqual(streams.map((pieces) => pieces.join("")));
        expect(ended.toSorted()).toEqual(streams.map((_, at) => at));
      }),
    );
  });

  it("take turns where all of them have something to say", async () => {
    const merged = mergeStreams([streamOf(["a1", "a2"]), streamOf(["b1", "b2"])]);
    const scanner = new PieceScanner();
    const order = scanner.push(await bytesOf(merged)).map(({ at }) => at);
    expect(order).toEqual([0, 1, 0, 1, 0, 1]);
  });

  it("break where one of them breaks, and leave the others", async () => {
    let left: unknown;
    const endless = new ReadableStream<Uint8Array>({
      cancel: (reason) => {
        left = reason;
      },
    });
    const lost = new Error("lost");
    const broken = new ReadableStream<Uint8Array>({ start: (out) => out.error(lost) });
    await expect(bytesOf(mergeStreams([endless, broken]))).rejects.toThrow("lost");
    expect(left).toBe(lost);
  });

  it("all end where their reader leaves", async () => {
    const left: number[] = [];
    const endless = (at: number) =>
      new ReadableStream<Uint8Array>({
        cancel: () => {
          left.push(at);
        },
      });
    await mergeStreams([endless(0), endless(1)]).cancel();
    expect(left).toEqual([0, 1]);
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
    const reader = mergeStreams([eager]).getReader();
    await reader.read();
    await reader.read();
    expect(pulled).toBeLessThan(5);
    await reader.cancel();
  });
});
