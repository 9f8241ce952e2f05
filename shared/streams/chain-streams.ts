/** Bytes in front of each piece: which stream it is of, and how long it is; both of 32 bits, little-endian. */
const HEAD_BYTES = 8;

/** The head of a piece of stream `at`. A length of 0 says that the stream has ended. */
function headOf(at: number, sizeBytes: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setUint32(0, at, true);
  head.setUint32(4, sizeBytes, true);
  return new Uint8Array(head.buffer);
}

/**
 * Several streams as one, each opened when the one before has been read; every piece has a head that says whose it is,
 * and {@link PieceScanner} takes them apart again. It is read no faster than its reader reads, breaks where one of them
 * breaks or cannot be opened, and takes the open one along where it is cancelled.
 */
export function chainStreams(
  openers: readonly (() => Promise<ReadableStream<Uint8Array>>)[],
): ReadableStream<Uint8Array> {
  let at = 0;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      const opener = openers[at];
      if (!opener) return out.close();
      reader ??= (await opener()).getReader();
      const { value } = await reader.read();
      // An empty piece would look like an end.
      if (value?.length === 0) return this.pull?.(out);
      out.enqueue(headOf(at, value?.length ?? 0));
      if (value) return out.enqueue(value);
      reader = undefined;
      at += 1;
    },
    cancel: (reason) => reader?.cancel(reason),
  });
}

/** A piece of stream `at`; `bytes` undefined where that stream has ended. */
export type Piece = { readonly at: number; readonly bytes: Uint8Array | undefined };

/** Takes apart what {@link chainStreams} made, however it was cut on the way. */
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
