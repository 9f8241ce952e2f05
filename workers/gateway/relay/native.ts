import { within } from "./within.ts";

// Script on every chunk of a stream costs two to four times a native relay and collapses at some 500 streams, so the
// client's bytes do not touch it: the engine's body is split natively, one branch goes to the client, the other to a
// reader that wakes about once a second. Two traps are avoided here: reading a branch of tee() directly, in large
// pieces, starves the other one; and a branch that goes on reading keeps the engine generating for nobody.

/** Time between two wakes that the reader aims at where the watchdog allows it: seldom enough to cost nothing. */
export const AIM_MS_MAX = 1_000;
const PIECE_BYTES_MIN = 64;
const PIECE_BYTES_FIRST_MAX = 1024;
/** Longest wait for the follower to come to the end of a body that broke off. */
const LINGER_MS = 250;
const PIECE_BYTES_MAX = 16 * 1024;

/** How the engine's body ended: at its end, or because the connection to the engine or to the client was lost. */
export type NativeEnd = { readonly reached: "end" | "lost" };

/**
 * Pipes `body` to the client without script per chunk. `follow` sees the same bytes, later and in larger pieces, and
 * has seen all of them when the promise settles. The client's pipe is left open. `aimMs` is how long it may take until
 * bytes that came are seen: well below the silence that counts as a fault.
 */
export async function pipeNative(
  body: ReadableStream<Uint8Array>,
  client: { readonly writable: WritableStream<Uint8Array>; readonly gone: AbortSignal },
  follow: (bytes: Uint8Array) => void,
  aimMs: number,
): Promise<NativeEnd> {
  const [toClient, toFollower] = body.tee();
  const follower = new IdentityTransformStream();
  const over = new AbortController();
  const read = readPieces(follower.readable, follow, aimMs);
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

/** Reads in pieces whose size follows the stream's own rate. */
async function readPieces(
  readable: ReadableStream<Uint8Array>,
  follow: (bytes: Uint8Array) => void,
  aimMs: number,
): Promise<void> {
  const reader = readable.getReader({ mode: "byob" });
  // With little patience for silence even a slow stream's first piece must come in time.
  let sizeBytes = Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_FIRST_MAX, aimMs));
  for (;;) {
    const beganMs = Date.now();
    const { done, value } = await reader.readAtLeast(sizeBytes, new Uint8Array(sizeBytes + PIECE_BYTES_MIN));
    if (value && value.byteLength > 0) follow(value);
    if (done || !value) return;
    const tookMs = Math.max(1, Date.now() - beganMs);
    const wanted = Math.floor((value.byteLength / tookMs) * aimMs);
    // Growing by at most four at a time: one burst must not make the next piece a long time coming.
    sizeBytes = Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_MAX, wanted, sizeBytes * 4));
  }
}
