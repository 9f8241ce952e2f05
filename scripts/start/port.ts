import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A port of this machine that can be listened on: `wanted`, or for 0 any. Undefined where `wanted` is taken. */
export async function freePort(wanted: number): Promise<number | undefined> {
  const server = createServer();
  try {
    await once(server.listen({ port: wanted, host: "127.0.0.1", exclusive: true }), "listening");
  } catch {
    return undefined;
  }
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
