import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ThrottleRule } from "../../../shared/limits/throttle.ts";

const HOUR_MS = 3_600_000;
const login: ThrottleRule = { name: "login", countMax: 3, windowMs: HOUR_MS };
const signup: ThrottleRule = { name: "signup", countMax: 1, windowMs: HOUR_MS };
const of = (name: string) => env.THROTTLE.getByName(name);

/** What an object keeps, by the rules' names. */
const kept = (name: string) =>
  runInDurableObject(
    of(name),
    (_, state) => Object.fromEntries(state.storage.kv.list()) as Record<string, { attempts: number[] }>,
  );
/** Makes all that an object keeps older by a time. */
const age = (name: string, byMs: number) =>
  runInDurableObject(of(name), (_, state) => {
    for (const [key, log] of state.storage.kv.list<{ attempts: number[]; windowMs: number }>())
      state.storage.kv.put(key, { ...log, attempts: log.attempts.map((atMs) => atMs - byMs) });
  });

describe("ThrottleObject", () => {
  it("lets through as many as are allowed, and says how long to wait then", async () => {
    for (let n = 0; n < 3; n++) expect(await of("counts").take(login)).toBe(0);
    const waitMs = await of("counts").take(login);
    expect(waitMs).toBeGreaterThan(HOUR_MS - 60_000);
    expect(waitMs).toBeLessThanOrEqual(HOUR_MS);
  });

  it("counts each thing, and each subject, apart", async () => {
    for (let n = 0; n < 3; n++) await of("apart").take(login);
    expect(await of("apart").take(signup)).toBe(0);
    expect(await of("another").take(login)).toBe(0);
  });

  it("lets no more through when all come at once", async () => {
    const waits = await Promise.all(Array.from({ length: 50 }, () => of("race").take(login)));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(3);
  });

  it("remembers when it is evicted", async () => {
    for (let n = 0; n < 3; n++) await of("evicted").take(login);
    await evictDurableObject(of("evicted"));
    expect(await of("evicted").take(login)).toBeGreaterThan(0);
  });

  it("starts anew after a success", async () => {
    for (let n = 0; n < 3; n++) await of("cleared").take(login);
    await of("cleared").clear("login");
    expect(await of("cleared").take(login)).toBe(0);
  });

  it("lets through again when the window has passed", async () => {
    for (let n = 0; n < 3; n++) await of("passed").take(login);
    await age("passed", HOUR_MS);
    expect(await of("passed").take(login)).toBe(0);
    expect((await kept("passed")).login?.attempts).toHaveLength(1);
  });

  it("keeps nothing of what is old", async () => {
    await of("old").take(login);
    await of("old").take(signup);
    await age("old", HOUR_MS);
    await of("old").take(login);
    expect(await runDurableObjectAlarm(of("old"))).toBe(true);
    expect(Object.keys(await kept("old"))).toEqual(["login"]);
    await age("old", HOUR_MS);
    expect(await runDurableObjectAlarm(of("old"))).toBe(true);
    expect(await kept("old")).toEqual({});
    expect(await runDurableObjectAlarm(of("old"))).toBe(false);
  });
});
