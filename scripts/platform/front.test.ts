import { once } from "node:events";
import { type Server, createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Front, startFront } from "./front.ts";

const HOST = "127.0.0.1";
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A front before a server whose connections the test holds in its hands, half-closed ones included. */
async function frontBefore(onSocket: (socket: Socket) => void): Promise<Front> {
  const sockets: Socket[] = [];
  const target = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  target.listen(0, HOST);
  await once(target, "listening");
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => target.close(resolve));
  });
  return frontOf(target);
}

async function frontOf(target: Server | ReturnType<typeof createServer>): Promise<Front> {
  const front = await startFront(HOST, 0, (target.address() as AddressInfo).port);
  stops.push(() => front.stop());
  return front;
}

async function clientOf({ port }: Front): Promise<Socket> {
  const socket = connect({ host: HOST, port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** How a connection's other side ended it: a reset is an error, an end is none. */
const endOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("closed"));
    socket.resume();
  });

describe("the front", () => {
  it.each([
    ["closes its connection", (client: Socket) => client.destroy()],
    ["closes its sending side", (client: Socket) => client.end()],
    ["resets its connection", (client: Socket) => client.resetAndDestroy()],
  ])("tells a server that is busy of a client that %s", async (_, leave) => {
    const busy = Promise.withResolvers<Socket>();
    const front = await frontBefore((socket) => socket.once("data", () => busy.resolve(socket)));
    const client = await clientOf(front);
    client.on("error", () => undefined);
    client.write("a question");
    const socket = await busy.promise;
    const ended = endOf(socket);
    // Node sees a reset behind an end only when it writes; workerd sees it by itself.
    const writing = setInterval(() => socket.write("."), 10);
    leave(client);
    expect(await ended).toMatch(/ECONNRESET|EPIPE/);
    clearInterval(writing);
  });

  it("lets a server that has answered close in order", async () => {
    const closed = Promise.withResolvers<string>();
    const front = await frontBefore((socket) => {
      closed.resolve(endOf(socket));
      socket.on("end", () => socket.end());
    });
    const client = await clientOf(front);
    const ended = endOf(client);
    client.end();
    expect(await closed.promise).toBe("closed");
    expect(await ended).toBe("closed");
  });

  it("passes on the last bytes of a server that closes behind its answer", async () => {
    const answer = "x".repeat(300_000);
    const front = await frontBefore((socket) => socket.once("data", () => socket.end(answer)));
    const client = await clientOf(front);
    let heard = 0;
    client.on("data", (part: Buffer) => (heard += part.length));
    client.write("a question");
    await once(client, "end");
    expect(heard).toBe(answer.length);
    client.destroy();
  });

  it("tells a client of a server that was lost", async () => {
    const front = await frontBefore((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const client = await clientOf(front);
    client.resume();
    client.write("a question");
    await once(client, "end");
    expect(client.readableEnded).toBe(true);
    client.destroy();
  });

  it("carries large bodies both ways, many at once", async () => {
    const server = createHttpServer((message, answer) => void message.pipe(answer));
    server.listen(0, HOST);
    await once(server, "listening");
    stops.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = await frontOf(server);
    const echo = (body: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        const sent = request({ host: HOST, port, method: "POST" }, (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part));
          answer.on("end", () => resolve(Buffer.concat(parts)));
          answer.on("error", reject);
        });
        sent.on("error", reject);
        sent.end(body);
      });
    const bodies = Array.from({ length: 20 }, (_, at) =>
      Buffer.alloc(500_000, String.fromCodePoint(97 + at)),
    );
    const echoes = await Promise.all(bodies.map(echo));
    expect(echoes.every((each, at) => each.equals(bodies[at] as Buffer))).toBe(true);
  });

  it("says when its port is taken", async () => {
    const front = await frontBefore(() => undefined);
    await expect(startFront(HOST, front.port, 1)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("ends with its connections", async () => {
    const front = await frontBefore(() => undefined);
    const client = await clientOf(front);
    client.resume();
    const ended = once(client, "end");
    await front.stop();
    await ended;
    client.destroy();
    const late = connect({ host: HOST, port: front.port });
    expect(await endOf(late)).toBe("ECONNREFUSED");
  });
});
