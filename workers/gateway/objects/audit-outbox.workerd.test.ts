import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verify } from "../../../shared/audit/verify.ts";
import type { FleetEvent } from "../../../shared/fleet/snapshot.ts";
import { d1AuditReader } from "../store/audit-reader.ts";
import type { FleetObject } from "./fleet.ts";

const reader = d1AuditReader(env.DB);
let serial = 0;
let workspaceId = "";
/** Each test has a fleet and a workspace of its own, for what is written down stays. */
let stub = env.FLEET.getByName("none");
const circuit = (atMs: number, to = "open"): FleetEvent => ({
  atMs,
  engine: "gpu-1",
  type: "circuit",
  from: "closed",
  to,
  reason: "5 failures",
});
const operators = () =>
  env.DB.prepare("INSERT INTO workspaces (id, name, operator, created_at_ms) VALUES (?, 'ops', 1, ?)")
    .bind(workspaceId, serial)
    .run();
const report = (...events: FleetEvent[]) =>
  runInDurableObject(stub, (instance) =>
    (instance as unknown as FleetObject).report("gpu-1", {} as never, events),
  );
const written = () =>
  reader
    .find({ workspaceId, limit: 200 })
    .then((links) =>
      links
        .toReversed()
        .map(({ record }) => JSON.parse(record) as { action: string; details: Record<string, unknown> }),
    );
const waiting = () =>
  runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM audit_outbox").one().n,
  );

const real = env.DB.batch.bind(env.DB);
/** Has the database do otherwise in writing: the objects of a test have the same bindings as the test. */
const meddle = (batch: D1Database["batch"]) => void (env.DB.batch = batch);
afterEach(() => meddle(real));

beforeEach(async () => {
  serial += 1;
  workspaceId = `ws_${String(serial).padStart(20, "f")}`;
  stub = env.FLEET.getByName(`fleet-${serial}`);
  await env.DB.prepare("DELETE FROM workspaces").run();
});

describe("what happens to engines by itself", () => {
  it("is written down for those who run the platform, circuits and drains alone", async () => {
    await operators();
    const health: FleetEvent = { atMs: 2_000, engine: "gpu-1", type: "health", from: "ready", to: "down" };
    const drain: FleetEvent = { atMs: 3_000, engine: "gpu-1", type: "drain", from: "false", to: "true" };
    await report(circuit(1_000), health, drain);
    await expect.poll(written).toHaveLength(2);
    expect(await written()).toMatchObject([
      {
        actor: { kind: "system", id: "fleet" },
        action: "engine.circuit",
        resource: { type: "engine", id: "gpu-1" },
        timestamp: new Date(1_000).toISOString(),
        details: { event: 1, from: "closed", to: "open", reason: "5 failures" },
      },
      { action: "engine.drain", details: { event: 2, from: "false", to: "true" } },
    ]);
    expect(await waiting()).toBe(0);
    expect(await verify(reader.links(workspaceId))).toMatchObject({ ok: true, records: 2 });
  });

  it("waits for somebody to run the platform, through an eviction", async () => {
    await report(circuit(1_000));
    await expect.poll(() => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    expect(await waiting()).toBe(1);
    await evictDurableObject(stub);
    await operators();
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await written()).toHaveLength(1);
    expect(await waiting()).toBe(0);
  });

  it("is there once where the database wrote it down and said that it did not", async () => {
    await operators();
    meddle(async (statements: D1PreparedStatement[]) => {
      await real(statements);
      throw new Error("the network was lost");
    });
    await report(circuit(1_000));
    await expect.poll(written).toHaveLength(1);
    await expect.poll(() => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    expect(await waiting()).toBe(1);
    meddle(real);
    await evictDurableObject(stub);
    await report(circuit(2_000, "half_open"), circuit(3_000, "closed"));
    await expect.poll(written).toHaveLength(3);
    expect((await written()).map(({ details }) => details.to)).toEqual(["open", "half_open", "closed"]);
    expect(await waiting()).toBe(0);
    expect(await verify(reader.links(workspaceId))).toMatchObject({ ok: true, records: 3 });
  });

  it("is tried again where the database was away", async () => {
    await operators();
    meddle(() => Promise.reject(new Error("away")));
    await report(circuit(1_000));
    await expect.poll(() => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    expect(await written()).toEqual([]);
    meddle(real);
    await evictDurableObject(stub);
    await runDurableObjectAlarm(stub);
    expect(await written()).toHaveLength(1);
  });
});
