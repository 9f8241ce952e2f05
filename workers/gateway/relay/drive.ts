import { NativeFollower, type Relay } from "../../../shared/chat/relay.ts";
import { faultOf, isComplete } from "../../../shared/chat/tally.ts";
import { SSE_KEEP_ALIVE } from "../../../shared/streams/sse.ts";
import { type AttemptFault, lostConnection, timedOut } from "./attempt.ts";
import type { Defer } from "../ports.ts";
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
};

/** Relays an opened stream to its end. The client's pipe stays open: what follows depends on how this ended. */
export async function relayStream(
  opened: OpenedStream,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  startedMs: number,
): Promise<Relayed> {
  // Whoever leaves takes the engine's generation along, in every phase.
  client.gone.addEventListener("abort", opened.abort);
  try {
    const { stage } = opened;
    const relayed =
      stage instanceof NativeFollower
        ? await relayNative(opened, stage, client, startedMs)
        : await relayScripted(opened, stage, client, keepAliveMs, startedMs);
    if (relayed.outcome !== "complete") opened.abort();
    return relayed;
  } finally {
    client.gone.removeEventListener("abort", opened.abort);
  }
}

async function relayNative(
  opened: OpenedStream,
  follower: NativeFollower,
  client: ClientPipe,
  startedMs: number,
): Promise<Relayed> {
  const writer = client.writable.getWriter();
  try {
    for (const chunk of opened.first) await writer.write(bytesOf(chunk));
  } catch {
    return { outcome: "client_gone" };
  } finally {
    writer.releaseLock();
  }
  const watch = watchdog(opened, startedMs);
  const { reached } = await pipeNative(
    opened.rest,
    client,
    (bytes) => {
      watch.progress();
      follower.push(bytes);
    },
    opened.timeouts.idleMs,
  );
  watch.stop();
  const sent = follower.end();
  if (client.gone.aborted) return { outcome: "client_gone" };
  if (watch.fault()) return { outcome: "broken", fault: watch.fault() as AttemptFault, sent };
  if (isComplete(follower.tally)) {
    // The blank line behind the last event may have been left out.
    if (sent !== "") await write(client.writable, "\n\n");
    return { outcome: "complete" };
  }
  return {
    outcome: "broken",
    fault: reached === "lost" && !follower.tally.fault ? lostConnection() : faultOf(follower.tally),
    sent,
    told: follower.tally.told,
  };
}

async function relayScripted(
  opened: OpenedStream,
  relay: Relay,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  startedMs: number,
): Promise<Relayed> {
  const writer = client.writable.getWriter();
  const reader = opened.rest.getReader();
  const watch = watchdog(
    opened,
    startedMs,
    keepAliveMs,
    () => void writer.write(utf8.encode(SSE_KEEP_ALIVE)).catch(() => undefined),
  );
  let lost = false;
  const put = async (out: string | Uint8Array) => {
    if (out.length > 0) await writer.write(bytesOf(out));
  };
  try {
    for (const chunk of opened.first) await put(chunk);
    while (!relay.tally.done && !relay.tally.fault) {
      const next = await reader.read().catch(() => {
        lost = true;
        return undefined;
      });
      watch.progress();
      if (!next || next.done) {
        if (!lost) await put(relay.end());
        break;
      }
      await put(relay.push(next.value));
    }
    if (client.gone.aborted) return { outcome: "client_gone" };
    const late = watch.fault();
    if (late) return { outcome: "broken", fault: late, sent: "" };
    if (!isComplete(relay.tally)) {
      return {
        outcome: "broken",
        fault: lost && !relay.tally.fault ? lostConnection() : faultOf(relay.tally),
        sent: "",
      };
    }
    await put(relay.closing());
    return { outcome: "complete" };
  } catch {
    // Only writing to the client throws here.
    return { outcome: "client_gone" };
  } finally {
    watch.stop();
    writer.releaseLock();
    if (relay.tally.done) client.defer(drain(reader));
    else reader.cancel().catch(() => undefined);
  }
}

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
export async function write(writable: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(utf8.encode(text)).catch(() => undefined);
  writer.releaseLock();
}

type Watchdog = { progress(): void; stop(): void; fault(): AttemptFault | undefined };

/** Ends a stream that is silent or has gone on for too long, and keeps a silent one alive meanwhile. One timer. */
function watchdog(
  { timeouts, abort }: OpenedStream,
  startedMs: number,
  keepAliveMs?: number,
  keepAlive?: () => void,
): Watchdog {
  let moved = true;
  let silentMs = 0;
  let fault: AttemptFault | undefined;
  const tickMs = Math.min(timeouts.idleMs, keepAliveMs ?? Infinity);
  const timer = setInterval(() => {
    silentMs = moved ? 0 : silentMs + tickMs;
    moved = false;
    if (Date.now() - startedMs >= timeouts.totalMs) fault = timedOut("answer", timeouts.totalMs);
    else if (silentMs >= timeouts.idleMs) fault = timedOut("next chunk", timeouts.idleMs);
    if (fault) abort();
    else if (silentMs > 0) keepAlive?.();
  }, tickMs);
  return {
    progress: () => {
      moved = true;
    },
    stop: () => clearInterval(timer),
    fault: () => fault,
  };
}
