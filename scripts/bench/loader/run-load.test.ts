import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createEngine } from "../engine/server.ts";
import { ABORT, type LoadPlan, WORKLOADS } from "../workloads.ts";
import { runLoad } from "./run-load.ts";

const servers: Server[] = [];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const firstPlan = (name: keyof typeof WORKLOADS): LoadPlan => {
  const [plan] = WORKLOADS[name].plans(1);
  if (!plan) throw new Error("no plan");
  return plan;
};

/** A server that answers whatever it is sent with the same bytes. */
const parrot = (act: (socket: Socket) => void) =>
  createServer((socket) => socket.on("error", () => socket.destroy()).on("data", () => act(socket)));

describe("a load on the bench's own engine", () => {
  it("counts whole answers", async () => {
    const port = await listen(createEngine().server);
    const report = await runLoad({ ...firstPlan("big"), durationMs: 300, port, headers: {} });
    expect(report).toMatchObject({ errors: 0, non200: 0, incomplete: 0, chunks: 0 });
    expect(report.requests).toBeGreaterThan(20);
    expect(report.latency?.p50).toBeGreaterThan(0);
  });

  it("counts every chunk of a stream and the time that it took", async () => {
    const { server, stats } = createEngine();
    const port = await listen(server);
    const report = await runLoad({
      ...firstPlan("relay"),
      connections: 4,
      requestsMax: 4,
      rampMs: 0,
      port,
      headers: {},
    });
    expect(report).toMatchObject({ requests: 4, errors: 0, incomplete: 0, chunks: 200 });
    expect(stats()).toEqual({ requests: 4, chunks: 200, open: 0 });
    // 50 chunks, 20 ms apart, are 49 gaps.
    expect(report.latency?.p50).toBeGreaterThan(49 * 20 - 5);
    expect(report.firstToken?.p50).toBeLessThan(500);
    expect(report.delay?.count).toBe(200);
  });

  it("uses credentials in turn", async () => {
    const seen: string[] = [];
    const server = parrot((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
    server.on("connection", (socket) =>
      socket.on("data", (data) => seen.push(...(data.toString().match(/authorization: .*/g) ?? []))),
    );
    const port = await listen(server);
    const load = { ...firstPlan("sat32"), connections: 1, requestsMax: 3, port };
    const headers = { authorization: "none" };
    await runLoad({ ...load, headers, credentials: ["one", "two"] });
    expect(seen).toEqual(["authorization: one", "authorization: two", "authorization: one"]);
  });

  it("keeps to the rate of an open loop", async () => {
    const port = await listen(createEngine().server);
    const report = await runLoad({ ...firstPlan("rate"), durationMs: 500, port, headers: {} });
    expect(report.errors).toBe(0);
    expect(report.requests).toBeGreaterThan(50);
    expect(report.requests).toBeLessThanOrEqual(100);
    expect(report.lag?.count).toBeGreaterThan(0);
  });

  it.each(WORKLOADS.abort.plans(1).map((plan) => [plan.leave?.how, plan] as const))(
    "leaves streams with a %s, and the engine stops",
    async (_, plan) => {
      const { server, stats } = createEngine();
      const port = await listen(server);
      const report = await runLoad({ ...plan, port, headers: {} });
      expect(report).toMatchObject({ requests: ABORT.streams, errors: 0, non200: 0, incomplete: 0 });
      await expect.poll(() => stats().open, { timeout: 3_000 }).toBe(0);
      expect(stats().chunks / ABORT.streams).toBeGreaterThanOrEqual(ABORT.leaveAfter);
      expect(stats().chunks / ABORT.streams).toBeLessThan(ABORT.chunks / 2);
    },
  );
});

describe("what is not answered as it must be", () => {
  const sse = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const chunk = 'data: {"content":"t=0000000000000001 x"}\n\n';

  it.each<[string, (socket: Socket) => void, object]>([
    [
      "a refusal",
      (socket) => socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
      { non200: 1, errors: 0, incomplete: 0 },
    ],
    ["a lost connection", (socket) => socket.destroy(), { errors: 1, non200: 0, incomplete: 0 }],
    ["something else than HTTP", (socket) => socket.write("hello\r\n\r\n"), { errors: 1 }],
    [
      "a stream without its end mark",
      (socket) => socket.write(sse(chunk.repeat(50))),
      { incomplete: 1, errors: 0, non200: 0 },
    ],
    [
      "a stream with too little in it",
      (socket) => socket.write(sse(`${chunk.repeat(49)}data: [DONE]\n\n`)),
      { incomplete: 1 },
    ],
  ])("%s counts", async (_, act, counted) => {
    const port = await listen(parrot(act));
    const report = await runLoad({
      ...firstPlan("burst"),
      connections: 1,
      requestsMax: 1,
      port,
      headers: {},
    });
    expect(report).toMatchObject({ requests: 1, ...counted });
  });

  it("a complete stream does not", async () => {
    const port = await listen(parrot((socket) => socket.write(sse(`${chunk.repeat(50)}data: [DONE]\n\n`))));
    const report = await runLoad({
      ...firstPlan("burst"),
      connections: 1,
      requestsMax: 1,
      port,
      headers: {},
    });
    expect(report).toMatchObject({
      requests: 1,
      errors: 0,
      non200: 0,
      incomplete: 0,
      chunks: 50,
      lateChunks: 50,
    });
  });
});
