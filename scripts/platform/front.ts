import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { Transform } from "node:stream";

/** A listening front. */
export type Front = { readonly port: number; stop(): Promise<void> };

/** Time that the runtime has to close a connection in order before it is reset, in milliseconds. */
const CLOSE_MS = 100;
/** Time that a client has to read the last words of a runtime that has hung up, in milliseconds. */
const LINGER_MS = 1_000;

/**
 * Passes connections on to `targetPort` on `host`, byte for byte, and says goodbye for clients that have left.
 *
 * workerd does not look for the end of a client's sending side while it prepares an answer (half-closed is legal in
 * HTTP), so a client that closed its connection and waits for nothing would keep a generation going until the answer is
 * whole. Cloudflare's edge tells a Worker of such a client at once; on this machine the front does, by a reset.
 * Rejects with the error of `listen` when the port cannot be had.
 */
export async function startFront(host: string, port: number, targetPort: number): Promise<Front> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, target]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    }
    passOn(client, target);
  });
  server.listen(port, host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, stop: () => stopServer(server, open) };
}

/**
 * Lets what has come from the runtime be read before more is sent to it: one that hangs up on an upload resets the
 * connection right behind its answer, and a write that fails takes the unread answer along.
 */
const readFirst = (): Transform =>
  new Transform({ transform: (chunk, _, done) => void setImmediate(done, null, chunk) });

function passOn(client: Socket, target: Socket): void {
  client.pipe(readFirst()).pipe(target);
  target.pipe(client);
  let timer: NodeJS.Timeout | undefined;
  client.on("end", () => {
    timer = setTimeout(() => target.resetAndDestroy(), CLOSE_MS);
  });
  client.on("error", () => target.resetAndDestroy());
  client.on("close", () => {
    clearTimeout(timer);
    target.destroy();
  });
  // Its "close" follows.
  target.on("error", () => undefined);
  target.on("close", () => {
    clearTimeout(timer);
    // A client that is still sending would lose what it was answered if we hung up on it: it is heard out for a while.
    client.resume();
    client.end();
    timer = setTimeout(() => client.destroy(), LINGER_MS);
  });
}

async function stopServer(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  for (const socket of open) socket.destroy();
  server.close();
  await once(server, "close");
}
