import { within } from "./within.ts";

// Script on every chunk of a stream costs two to four times a native relay and collapses at some 500 streams, so the
// client's bytes do not touch it: the engine's body is split natively, one branch goes to the client, the other to a
// reader that wakes once in many events. Two traps are avoided here: reading a branch of tee() directly, in large
// pieces, starves the other one; and a branch that goes on reading keeps the engine generating for nobody.

/** Bytes of a stream between two wakes of its reader, at most: some twenty events, so seldom that they cost little. */
const PIECE_BYTES_MAX = 4 * 1024;
const PIECE_BYTES_MIN = 64;
/**
 * Slowest stream that is not taken for a silent one, in bytes per second: an event every six seconds. Bytes that do not
 * fill a piece are not seen, so a piece is small enough to be filled within the silence that is allowed.
 */
const BYTES_PER_S_MIN = 32;
/** Longest wait for the follower to come to the end of a body that broke off. */
const LINGER_MS = 250;

/** How the engine's body ended: at its end, or because the connection to the engine or to the client was lost. */
export type NativeEnd = { readonly reached: "end" | "lost" };

/**
 * Pipes `body` to the client without script per chunk. `follow` sees the same bytes, later and in larger pieces, and
 * has seen all of them when the promise settles. The client's pipe is left open. `idleMs` is the silence that counts as a
 * fault.
 */
export async function pipeNative(
  body: ReadableStream<Uint8Array>,
  client: { readonly writable: WritableStream<Uint8Array>; readonly gone: AbortSignal },
  follow: (bytes: Uint8Array) => void,
  idleMs: number,
): Promise<NativeEnd> {
  const [toClient, toFollower] = body.tee();
  const follower = new IdentityTransformStream();
  const over = new AbortController();
  const read = readPieces(follower.readable, follow, pieceBytes(idleMs));
  const followed = toFollower
    .pipeTo(follower.writable, { signal: over.signal, preventAbort: true })
    .catch(() => follower.writable.close().catch(() => undefined));
  let reached: NativeEnd["reached"] = "end";
  try {
    await toClient.pipeTo(client.writable, { preventClose: true, preventAbort: true });
  } catch {
    reached = "lost";
    // When the engine was lost, the follower's branch ends by itself, behind the last byte that the client got: the
    // text of a half-sent event is in it. When the client was lost it would go on, and the engine with it.
    if (!client.gone.aborted) await within(followed, LINGER_MS);
    over.abort();
  }
  await followed;
  await read;
  return { reached };
}

const pieceBytes = (idleMs: number): number =>
  Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_MAX, Math.floor((idleMs / 1000) * BYTES_PER_S_MIN)));

/** Reads in pieces of a size, the last one shorter. */
async function readPieces(
  readable: ReadableStream<Uint8Array>,
  follow: (bytes: Uint8Array) => void,
  sizeBytes: number,
): Promise<void> {
  const reader = readable.getReader({ mode: "byob" });
  let buffer = new Uint8Array(sizeBytes);
  for (;;) {
    const { done, value } = await reader.readAtLeast(sizeBytes, buffer);
    if (value && value.byteLength > 0) follow(value);
    if (done || !value) return;
    buffer = new Uint8Array(value.buffer);
  }
}
