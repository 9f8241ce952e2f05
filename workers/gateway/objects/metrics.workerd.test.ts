import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

const KEY = 'eco_requests_total{operation="chat"}';

describe("MetricsObject", () => {
  it("sums what isolates hand over", async () => {
    const world = env.METRICS.getByName("sums");
    await Promise.all([world.add({ [KEY]: [2] }), world.add({ [KEY]: [3] })]);
    expect(await world.render()).toContain(`${KEY} 5`);
  });

  it("keeps its sums when it is evicted", async () => {
    const world = env.METRICS.getByName("evicted");
    await world.add({ [KEY]: [7] });
    await evictDurableObject(world);
    expect(await world.render()).toContain(`${KEY} 7`);
  });

  it("shows its state to operators and starts anew when told to", async () => {
    const world = env.METRICS.getByName("admin");
    await world.add({ [KEY]: [1] });
    expect(await (await world.fetch("http://object/state")).json()).toEqual({ [KEY]: [1] });
    await world.fetch("http://object/reset", { method: "POST" });
    await runInDurableObject(world, async (_, state) => expect(state.storage.kv.get("series")).toEqual({}));
    expect(await world.render()).toBe("");
  });

  it("answers 404 where its admin endpoint has nothing", async () => {
    expect((await env.METRICS.getByName("admin").fetch("http://object/nothing")).status).toBe(404);
  });
});
