import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { type RequestListener, createServer as createHttpServer } from "node:http";

/** A host that nobody has registered: whoever connects to it has been talked into it. */
export type Canary = {
  readonly host: string;
  readonly port: number;
  connections(): number;
  stop(): Promise<void>;
};

/** Listens, and counts. It answers like an engine, so that a request that got here would go on as if all were well. */
export async function startCanary(): Promise<Canary> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
  });
  const { port, stop } = await listen(server);
  return { host: `127.0.0.1:${port}`, port, connections: () => connections, stop };
}

/** An HTTP server on loopback. */
export async function startServer(
  listener: RequestListener,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createHttpServer(listener);
  const { port, stop } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    stop,
  };
}

async function listen(server: Server): Promise<{ port: number; stop(): Promise<void> }> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Sends these bytes as they are, and gives all that comes back until the other side hangs up. */
export async function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const heard: Buffer[] = [];
  socket.on("data", (part) => heard.push(part));
  socket.on("error", () => undefined);
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return Buffer.concat(heard).toString("latin1");
}
