import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { FleetPort } from "../../../shared/fleet/ports.ts";
import type { FleetEvent } from "../../../shared/fleet/snapshot.ts";
import { ok } from "../../../shared/kernel/result.ts";
import type { RegistryWrite } from "../../../shared/models/snapshot.ts";
import { d1Registry } from "../store/registry.ts";
import type { FleetObject } from "./fleet.ts";

const SECRET = "a secret of the engine";
const engine = (id: string, more: object = {}): EngineConfig =>
  EngineConfig.parse({ id, kind: "vllm", baseUrl: `https://${id}.example.com`, apiKey: SECRET, ...more });

/** Engines report to the one fleet there is. */
const stub = env.FLEET.getByName("world");
const fleet = stub as unknown as FleetPort & { changed(): Promise<void> };
const store = d1Registry(env.DB);
const write = (...writes: RegistryWrite[]) => store.change(() => ok(writes), 1_800_000_000_000);

/** Declares engines by the variable, as a deployment does. */
const declare = (configs: readonly EngineConfig[]) =>
  runInDurableObject(stub, (instance) => {
    const { env: variables } = instance as unknown as { env: { ENGINES: string } };
    variables.ENGINES = JSON.stringify(configs);
  });

beforeEach(async () => {
  vi.stubGlobal("fetch", async (input: string) =>
    new URL(input).pathname === "/v1/models" ? Response.json({ data: [{ id: "m" }] }) : new Response(""),
  );
  const tables = ["model_aliases", "models", "engines", "drained_engines", "model_actions", "registry"];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  await declare([]);
  await fleet.changed();
});
afterEach(() => void vi.unstubAllGlobals());

const idsOf = async (): Promise<string[]> =>
  ((await fleet.snapshot())?.engines ?? []).map(({ config }) => config.id);

/** Waits until an engine's object has told all it had to tell. */
const settledVersion = async (): Promise<number> => {
  let version = -1;
  await expect
    .poll(async () => {
      const before = version;
      version = (await fleet.snapshot())?.version ?? -1;
      return version === before;
    })
    .toBe(true);
  return version;
};

describe("the fleet's object", () => {
  it("knows what the deployment declares and what operators register, the former first", async () => {
    await declare([engine("declared"), engine("both", { weight: 7 })]);
    await write(
      { type: "put_engine", config: engine("registered") },
      { type: "put_engine", config: engine("both", { weight: 9 }) },
    );
    await fleet.changed();
    expect((await idsOf()).toSorted()).toEqual(["both", "declared", "registered"]);
    const both = (await fleet.snapshot())?.engines.find(({ config }) => config.id === "both");
    expect(both?.config.weight).toBe(7);
    expect(both?.status).toMatchObject({ health: "ready", models: [{ names: ["m"] }] });
  });

  it("calls no private address that was registered while that was allowed", async () => {
    const allow = (ALLOW_PRIVATE_ENGINES: string) =>
      runInDurableObject(stub, (instance) => {
        Object.assign((instance as unknown as { env: object }).env, { ALLOW_PRIVATE_ENGINES });
      });
    await allow("1");
    await write(
      { type: "put_engine", config: engine("home", { baseUrl: "http://192.168.1.8:8000" }) },
      { type: "put_engine", config: engine("tunnel", { baseUrl: "http://192.168.1.7:8000", via: "vpc" }) },
      { type: "put_engine", config: engine("cloud") },
    );
    await fleet.changed();
    expect((await idsOf()).toSorted()).toEqual(["cloud", "home", "tunnel"]);
    await allow("0");
    const called = vi.fn(async (_: string) => new Response(""));
    vi.stubGlobal("fetch", called);
    await fleet.changed();
    expect((await idsOf()).toSorted()).toEqual(["cloud", "tunnel"]);
    const state = await (await env.ENGINE.getByName("home").fetch("http://object/state")).json();
    expect(state).toMatchObject({ config: {} });
    expect(called.mock.calls.map(([url]) => new URL(url).hostname)).not.toContain("192.168.1.8");
  });

  it("sends nothing to who knows it all, and everything to who does not", async () => {
    await write({ type: "put_engine", config: engine("one") });
    await fleet.changed();
    const version = await settledVersion();
    expect(await fleet.snapshot(version)).toBeUndefined();
    expect(await fleet.snapshot(version - 1)).toMatchObject({ version });
    await env.ENGINE.getByName("one").fetch("http://object/force-open", { method: "POST" });
    await expect.poll(async () => (await fleet.snapshot(version))?.engines[0]?.status.circuit).toBe("open");
    await env.ENGINE.getByName("one").fetch("http://object/reset", { method: "POST" });
  });

  it("takes up engines that come, go, and are drained", async () => {
    await write({ type: "put_engine", config: engine("one") }, { type: "put_engine", config: engine("two") });
    await fleet.changed();
    expect((await idsOf()).toSorted()).toEqual(["one", "two"]);
    await write({ type: "delete_engine", id: "one" }, { type: "drain_engine", id: "two" });
    await fleet.changed();
    expect(await fleet.snapshot()).toMatchObject({
      engines: [{ config: { id: "two" }, status: { draining: true } }],
    });
    // What is registered no more is forgotten by its own object, too.
    const state = await (await env.ENGINE.getByName("one").fetch("http://object/state")).json();
    expect(state).toMatchObject({ config: {} });
  });

  it("knows it all again after an eviction, under a version that nobody has", async () => {
    await write({ type: "put_engine", config: engine("one") });
    await fleet.changed();
    const version = await settledVersion();
    await evictDurableObject(stub);
    expect(await fleet.snapshot(version)).toMatchObject({ engines: [{ config: { id: "one" } }] });
  });
});

describe("what happens to engines", () => {
  const eventsOf = async (id: string): Promise<FleetEvent[]> =>
    (await (await stub.fetch(`http://object/events?engine=${id}`)).json()) as FleetEvent[];

  it("is kept for operators, and told to those who listen, without a secret", async () => {
    await write({ type: "put_engine", config: engine("watched") });
    await fleet.changed();
    await settledVersion();
    const { webSocket } = await stub.fetch("http://object/subscribe", { headers: { upgrade: "websocket" } });
    const heard: string[] = [];
    webSocket?.accept();
    webSocket?.addEventListener("message", ({ data }) => void heard.push(String(data)));
    await env.ENGINE.getByName("watched").fetch("http://object/force-open", { method: "POST" });
    const opened = { engine: "watched", type: "circuit", from: "closed", to: "open", reason: "operator" };
    await expect
      .poll(() => heard.map((text) => JSON.parse(text) as object))
      .toContainEqual(expect.objectContaining(opened));
    expect(JSON.parse(heard[0] ?? "")).toMatchObject({
      type: "snapshot",
      engines: [{ config: { id: "watched" }, status: { circuit: "closed" } }],
    });
    expect((await eventsOf("watched"))[0]).toMatchObject(opened);
    expect(await eventsOf("nobody")).toEqual([]);
    const state = await (await stub.fetch("http://object/state")).text();
    for (const text of [...heard, state]) expect(text).not.toContain(SECRET);
    webSocket?.close();
    await evictDurableObject(stub);
    expect((await eventsOf("watched"))[0]).toMatchObject(opened);
  });

  it("is kept for as many events as there is room for", async () => {
    const status = { circuit: "closed", health: "ready", draining: false, models: [], load: {} };
    await runInDurableObject(stub, (instance) => {
      const object = instance as unknown as FleetObject;
      for (let at = 0; at < 1_010; at++)
        object.report("busy", status as never, [
          { atMs: at, engine: "busy", type: "health", from: "ready", to: "down" },
        ]);
    });
    const events = await eventsOf("busy");
    expect(events).toHaveLength(1_000);
    expect([events[0]?.atMs, events.at(-1)?.atMs]).toEqual([1_009, 10]);
  });
});
