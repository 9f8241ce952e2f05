import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { freePort } from "./port.ts";

describe("a free port", () => {
  it("is the one that is wanted, unless it is taken", async () => {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    expect(await freePort(port)).toBeUndefined();
    await once(server.close(), "close");
    expect(await freePort(port)).toBe(port);
  });

  it("is any for 0", async () => {
    expect(await freePort(0)).toBeGreaterThan(0);
  });
});
