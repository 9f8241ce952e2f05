import { NativeFollower, type Relay } from "../../../shared/chat/relay.ts";
import { type Tally, faultOf, isComplete } from "../../../shared/chat/tally.ts";
import { SSE_KEEP_ALIVE } from "../../../shared/streams/sse.ts";
import { type AttemptFault, lostConnection, timedOut } from "./attempt.ts";
import type { Defer } from "../ports.ts";
import { TICK_MS } from "../fleet/slots.ts";
import { feed } from "./feed.ts";
import { pipeNative } from "./native.ts";
import type { OpenedStream } from "./open-stream.ts";

const utf8 = new TextEncoder();
const bytesOf = (chunk: string | Uint8Array): Uint8Array =>
  typeof chunk === "string" ? utf8.encode(chunk) : chunk;

/** How relaying ended. `sent` is the text of a half-sent event, for the error that must follow it. */
export type Relayed =
  | { readonly outcome: "complete" }
  | { readonly outcome: "client_gone" }
  | {
      readonly outcome: "broken";
      readonly fault: AttemptFault;
      readonly sent: string;
      readonly told?: boolean;
    };

/** The client's end of a stream. `defer` carries work past the answer's last byte. */
export type ClientPipe = {
  readonly writable: WritableStream<Uint8Array>;
  readonly gone: AbortSignal;
  readonly defer: Defer;
  /** Called when all of the answer is known, before its last word goes to the client. */
  readonly settle: () => Promise<void>;
};

/** Relays an opened stream to its end. The client's pipe stays open: what follows depends on how this ended. */
export async function relayStream(
  opened: OpenedStream,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  startedMs: number,
  tick: () => void,
): Promise<Relayed> {
  const { stage } = opened;
  const relayed =
    stage instanceof NativeFollower
      ? await relayNative(opened, stage, client, startedMs, tick)
      : await relayScripted(opened, stage, client, keepAliveMs, startedMs, tick);
  if (relayed.outcome !== "complete") opened.abort();
  return relayed;
}

/**
 * What became of a stream that is over. An answer that came to its end is complete, however its connections ended
 * afterwards. `late` is the watchdog's fault, `lost` whether the engine's connection broke.
 */
function verdict(
  tally: Tally,
  { gone, late, lost, sent = "" }: { gone: AbortSignal; late?: AttemptFault; lost: boolean; sent?: string },
): Relayed {
  if (isComplete(tally)) return { outcome: "complete" };
  if (gone.aborted) return { outcome: "client_gone" };
  if (late) return { outcome: "broken", fault: late, sent };
  const fault = lost && !tally.fault ? lostConnection() : faultOf(tally);
  return { outcome: "broken", fault, sent, told: tally.told };
}

async function relayNative(
  opened: OpenedStream,
  follower: NativeFollower,
  client: ClientPipe,
  startedMs: number,
  tick: () => void,
): Promise<Relayed> {
  const { tally } = follower;
  const writer = client.writable.getWriter();
  try {
    for (const chunk of opened.first) await writer.write(bytesOf(chunk));
  } catch {
    return { outcome: "client_gone" };
  } finally {
    writer.releaseLock();
  }
  const watch = watchdog(opened, startedMs, tick);
  const { reached } = await pipeNative(
    opened.rest,
    client,
    (bytes) => {
      watch.progress();
      if (tally.fault) return;
      feed(follower, bytes);
      if (tally.fault) opened.abort();
    },
    opened.timeouts.idleMs,
  );
  watch.stop();
  const sent = follower.end();
  const relayed = verdict(tally, { gone: client.gone, late: watch.fault(), lost: reached === "lost", sent });
  // The blank line behind the last event may have been left out.
  if (relayed.outcome === "complete" && sent !== "") await write(client.writable, "\n\n");
  return relayed;
}

async function relayScripted(
  opened: OpenedStream,
  relay: Relay,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  startedMs: number,
  tick: () => void,
): Promise<Relayed> {
  const { tally } = relay;
  const writer = client.writable.getWriter();
  const reader = opened.rest.getReader();
  const watch = watchdog(
    opened,
    startedMs,
    tick,
    keepAliveMs,
    () => void writer.write(utf8.encode(SSE_KEEP_ALIVE)).catch(() => undefined),
  );
  /** Writes to the client; false where it has left. */
  const put = async (out: string | Uint8Array | undefined): Promise<boolean> => {
    if (out === undefined || out.length === 0) return true;
    // A client that reads slowly is not an engine that is silent.
    watch.hold();
    const written = await writer.write(bytesOf(out)).then(
      () => true,
      () => false,
    );
    watch.progress();
    return written;
  };
  let there = true;
  let lost = false;
  for (const chunk of opened.first) there &&= await put(chunk);
  while (there && !lost && !tally.done && !tally.fault) {
    const next = await reader.read().catch(() => undefined);
    watch.progress();
    lost = !next;
    if (next) there = await put(feed(relay, next.value));
    if (next?.done) break;
  }
  watch.stop();
  const relayed = verdict(tally, { gone: client.gone, late: watch.fault(), lost });
  if (relayed.outcome === "complete" && there) {
    // Whoever reads the last word may rely on it that the answer is in the books.
    await client.settle();
    there = await put(relay.closing());
  }
  writer.releaseLock();
  // Any other is ended by its `abort`: closed here, its connection would be gone before an engine's own call has come.
  if (tally.done) client.defer(drain(reader));
  return there ? relayed : { outcome: "client_gone" };
}

/** How often a stream is looked at in the time that it may take, at least: it ends that much too late, at most. */
const TICKS_MIN = 10;
/** Longest wait for an engine that has said its last word to end its answer. */
const DRAIN_MS = 2_000;

/** Reads to the end of the engine's body: an answer left unread costs its connection. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => reader.cancel().catch(() => undefined), DRAIN_MS);
  let done = false;
  while (!done)
    done = await reader.read().then(
      (next) => next.done,
      () => true,
    );
  clearTimeout(timer);
}

/** Writes text to the client's pipe; a client that has left is no error. */
export const write = (writable: WritableStream<Uint8Array>, text: string): Promise<void> =>
  writeBytes(writable, utf8.encode(text));

/** Likewise, bytes. */
export async function writeBytes(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(bytes).catch(() => undefined);
  writer.releaseLock();
}

type Watchdog = {
  /** The engine has sent something. */
  progress(): void;
  /** We are not waiting for the engine, until there is progress again. */
  hold(): void;
  stop(): void;
  fault(): AttemptFault | undefined;
};

/** Ends a stream that is silent or has gone on for too long, and keeps a silent one alive meanwhile. One timer. */
function watchdog(
  { timeouts: { idleMs, totalMs }, abort }: OpenedStream,
  startedMs: number,
  tick: () => void,
  keepAliveMs = Infinity,
  keepAlive?: () => void,
): Watchdog {
  let moved = true;
  let held = false;
  let silentMs = 0;
  let fault: AttemptFault | undefined;
  const tickMs = Math.min(idleMs, keepAliveMs, totalMs / TICKS_MIN, TICK_MS);
  let commentedMs = 0;
  const timer = setInterval(() => {
    tick();
    silentMs = moved || held ? 0 : silentMs + tickMs;
    moved = false;
    if (Date.now() - startedMs >= totalMs) fault = timedOut("answer", totalMs);
    else if (silentMs >= idleMs) fault = timedOut("next chunk", idleMs);
    if (fault) abort();
    else if (silentMs - commentedMs >= keepAliveMs) {
      commentedMs = silentMs;
      keepAlive?.();
    } else if (silentMs === 0) commentedMs = 0;
  }, tickMs);
  return {
    progress: () => {
      moved = true;
      held = false;
    },
    hold: () => {
      held = true;
    },
    stop: () => clearInterval(timer),
    fault: () => fault,
  };
}
