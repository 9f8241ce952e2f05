import type { ServerResponse } from "node:http";
import type { SeenRequest } from "./journal.ts";

/** One request under way: its socket, its journal entry, and whether its client is still there. */
export type Run = {
  res: ServerResponse;
  entry: SeenRequest;
  /** Fires when the generation must stop: the client has left and the engine has noticed. */
  signal: AbortSignal;
  changed: () => void;
};

/** Writes the status line and headers, once. */
export function sendHead(
  { res, entry, changed }: Run,
  status: number,
  headers: Record<string, string>,
): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, headers);
  res.flushHeaders();
  entry.status = status;
  changed();
}

/** Writes and waits until the kernel has the bytes. After a disconnect it does nothing: an engine goes on unaware. */
export function send({ res, entry, changed }: Run, bytes: Buffer): Promise<void> {
  if (res.destroyed || bytes.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    // A reader that stopped reading blocks the write until it reads on or leaves.
    const settle = () => {
      res.off("close", settle);
      resolve();
    };
    res.once("close", settle);
    res.write(bytes, settle);
    entry.bytes += bytes.length;
    changed();
  });
}

/** Ends the request in the journal. The first ending counts. */
export function finish({ entry, changed }: Run, state: "finished" | "faulted" | "aborted"): void {
  if (entry.endedMs !== undefined) return;
  entry.endedMs = now();
  entry.state = state;
  changed();
}

/** Milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
