import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Children } from "../children.ts";

const START_MS = 20_000;

/** A workerd process, and the port that it gave to the socket we asked about. */
export type Workerd = { readonly pid: number; readonly port: number };

// It has no types of its own.
const workerd = createRequire(import.meta.url)("workerd") as {
  readonly default: string;
  readonly version: string;
};

/** The runtime's own binary. The package's `bin` is a script of Node around it, which would be measured too. */
export const WORKERD_BINARY = workerd.default;
export const WORKERD_VERSION = workerd.version;

/**
 * Starts plain workerd and waits until it listens. Its sockets should have port 0: which ports they got, workerd tells
 * on the control channel. What the Worker logs goes to /dev/null, as it would go elsewhere in production.
 */
export async function serveWorkerd(
  children: Children,
  args: readonly string[],
  socket: string,
): Promise<Workerd> {
  const child = children.start(
    WORKERD_BINARY,
    ["serve", ...args.slice(0, -1), "--control-fd=3", ...args.slice(-1)],
    ["ignore", "ignore", "pipe", "pipe"],
  );
  let complaints = "";
  child.stderr?.on("data", (text: Buffer) => (complaints = (complaints + text.toString()).slice(-4_000)));
  const signal = AbortSignal.timeout(START_MS);
  const ended = once(child, "exit", { signal }).then(() => undefined);
  const port = await Promise.race([ended, listening(child.stdio[3] as Readable, socket, signal)]).catch(
    () => undefined,
  );
  if (port === undefined || child.pid === undefined)
    throw new Error(`workerd did not start: ${complaints || "it said nothing"}`);
  return { pid: child.pid, port };
}

/** The port of a socket, from workerd's control messages. The channel is read on, so that workerd never waits for us. */
function listening(control: Readable, socket: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("workerd did not listen")));
    createInterface(control).on("line", (line) => {
      const message = JSON.parse(line) as { event?: string; socket?: string; port?: number };
      if (message.event === "listen" && message.socket === socket && message.port !== undefined)
        resolve(message.port);
    });
  });
}
