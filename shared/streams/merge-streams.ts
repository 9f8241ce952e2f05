/** Bytes in front of each piece: which stream it is of, and how long it is; both of 32 bits, little-endian. */
const HEAD_BYTES = 8;

/** The head of a piece of stream `at`. A length of 0 says that the stream has ended. */
function headOf(at: number, sizeBytes: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setUint32(0, at, true);
  head.setUint32(4, sizeBytes, true);
  return new Uint8Array(head.buffer);
}

type Read = { readonly at: number; readonly value: Uint8Array | undefined };

/**
 * Several streams as one, piece by piece as they come, each piece with a head that says whose it is; {@link PieceScanner}
 * takes them apart again. It is read no faster than its reader reads, breaks where one of them breaks, and takes all of
 * them along where it is cancelled.
 */
export function mergeStreams(streams: readonly ReadableStream<Uint8Array>[]): ReadableStream<Uint8Array> {
  const readers = streams.map((stream) => stream.getReader());
  const pending = new Map<number, Promise<Read>>();
  const next = (at: number): void => {
    const reading = readers[at]?.read().then(({ value }) => ({ at, value }));
    if (!reading) return;
    // Nobody may be waiting when it breaks; whoever asks next hears of it.
    reading.catch(() => undefined);
    pending.set(at, reading);
  };
  const leave = async (reason: unknown): Promise<void> => {
    await Promise.allSettled(readers.map((reader) => reader.cancel(reason)));
  };
  /** The next piece that has bytes, or is an end. An empty one is neither. */
  const take = async (): Promise<Read> => {
    for (;;) {
      const read = await Promise.race(pending.values());
      pending.delete(read.at);
      if (read.value) next(read.at);
      if (read.value?.length !== 0) return read;
    }
  };
  return new ReadableStream<Uint8Array>({
    start: () => {
      for (const at of readers.keys()) next(at);
    },
    async pull(out) {
      if (pending.size === 0) return out.close();
      try {
        const { at, value } = await take();
        out.enqueue(headOf(at, value?.length ?? 0));
        if (value) out.enqueue(value);
      } catch (error) {
        void leave(error);
        throw error;
      }
    },
    cancel: leave,
  });
}

/** A piece of stream `at`; `bytes` undefined where that stream has ended. */
export type Piece = { readonly at: number; readonly bytes: Uint8Array | undefined };

/** Takes apart what {@link mergeStreams} made, however it was cut on the way. */
export class PieceScanner {
  #head: number[] = [];
  #at = 0;
  #leftBytes = 0;

  /** The pieces in the next bytes. One that is cut comes in parts. */
  push(bytes: Uint8Array): Piece[] {
    const pieces: Piece[] = [];
    for (let from = 0; from < bytes.length;) {
      if (this.#leftBytes > 0) {
        const part = bytes.subarray(from, from + this.#leftBytes);
        pieces.push({ at: this.#at, bytes: part });
        this.#leftBytes -= part.length;
        from += part.length;
        continue;
      }
      this.#head.push(bytes[from] ?? 0);
      from += 1;
      if (this.#head.length < HEAD_BYTES) continue;
      const head = new DataView(Uint8Array.from(this.#head).buffer);
      this.#head = [];
      this.#at = head.getUint32(0, true);
      this.#leftBytes = head.getUint32(4, true);
      if (this.#leftBytes === 0) pieces.push({ at: this.#at, bytes: undefined });
    }
    return pieces;
  }
}
