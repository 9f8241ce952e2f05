import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** A listening front. */
export type Front = { readonly port: number; stop(): Promise<void> };

/** Time that the runtime has to close a connection in order before it is reset, in milliseconds. */
const CLOSE_MS = 100;

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

function passOn(client: Socket, target: Socket): void {
  client.pipe(target);
  target.pipe(client);
  let grace: NodeJS.Timeout | undefined;
  client.on("end", () => {
    grace = setTimeout(() => target.resetAndDestroy(), CLOSE_MS);
  });
  // What goes wrong with one side is told to the other as it came: the end of a whole connection by its end, a loss by a reset.
  client.on("error", () => target.resetAndDestroy());
  target.on("error", () => client.resetAndDestroy());
  client.on("close", () => target.destroy());
  target.on("close", () => {
    clearTimeout(grace);
    client.destroySoon();
  });
}

async function stopServer(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  for (const socket of open) socket.destroy();
  server.close();
  await once(server, "close");
}
