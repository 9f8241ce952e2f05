import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { RECORDS_MAX } from "./requests.ts";

const line = (serial: number, more = {}) => JSON.stringify({ request: `req_${serial}_`, ...more });
const lines = (from: number, count: number) => Array.from({ length: count }, (_, at) => line(from + at));
const of = (name: string) => env.REQUESTS.getByName(name);

describe("RequestsObject", () => {
  it("finds a request of any batch, and none that it was not given", async () => {
    const requests = of("finds");
    await requests.add(lines(0, 3));
    await requests.add(lines(3, 3));
    await requests.add([]);
    for (const serial of [0, 2, 3, 5]) expect(await requests.find(`req_${serial}_`)).toBe(line(serial));
    expect(await requests.find("req_6_")).toBeUndefined();
    expect(await of("another").find("req_0_")).toBeUndefined();
  });

  it("takes no text within a record for an id", async () => {
    const requests = of("quotes");
    const hostile = line(1, { path: '/"request":"req_2_"' });
    await requests.add([hostile]);
    expect(await requests.find("req_2_")).toBeUndefined();
    expect(await requests.find("req_1_")).toBe(hostile);
  });

  it("keeps them when it is evicted", async () => {
    const requests = of("evicted");
    await requests.add(lines(0, 2));
    await evictDurableObject(requests);
    expect(await requests.find("req_1_")).toBe(line(1));
    expect(await (await requests.fetch("http://object/state")).json()).toMatchObject({ requests: 2 });
  });

  it("always has the latest, and lets the oldest go", async () => {
    const requests = of("pruned");
    const count = 2.5 * RECORDS_MAX;
    for (let from = 0; from < count; from += 1_000) await requests.add(lines(from, 1_000));
    for (const serial of [count - RECORDS_MAX, count - 5_000, count - 1])
      expect(await requests.find(`req_${serial}_`)).toBe(line(serial));
    expect(await requests.find("req_0_")).toBeUndefined();
    const kept = (await (await requests.fetch("http://object/state")).json()) as { requests: number };
    expect(kept.requests).toBe(RECORDS_MAX);
  });

  it("writes one row for a batch, and several for one that is too large for a row", async () => {
    const rows = (name: string) =>
      runInDurableObject(
        of(name),
        (_, state) => state.storage.sql.exec("SELECT seq FROM batches").toArray().length,
      );
    await of("small").add(lines(0, 1_000));
    expect(await rows("small")).toBe(1);
    const large = Array.from({ length: 1_000 }, (_, at) => line(at, { reason: "語".repeat(3_000) }));
    await of("large").add(large);
    expect(await rows("large")).toBeGreaterThan(5);
    expect(await of("large").find("req_999_")).toBe(large.at(-1));
  });

  it("starts anew when operators tell it to", async () => {
    const requests = of("reset");
    await requests.add(lines(0, 2));
    const reset = await requests.fetch("http://object/reset", { method: "POST" });
    expect(await reset.json()).toEqual({ requests: 0, requestsMax: RECORDS_MAX });
    expect(await requests.find("req_1_")).toBeUndefined();
    expect((await requests.fetch("http://object/nothing")).status).toBe(404);
  });
});
