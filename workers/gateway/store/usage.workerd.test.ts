import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, it } from "vitest";
import { apiKeys, usageHours, workspaces } from "./schema.ts";
import { type UsageRow, writeUsage } from "./usage.ts";

const db = drizzle(env.DB);
const WORKSPACE = `ws_${"a".repeat(20)}`;
const KEY = `key_${"a".repeat(20)}`;
const row = (hour: number, more: Partial<UsageRow> = {}): UsageRow => ({
  workspaceId: WORKSPACE,
  hour,
  keyId: KEY,
  model: "m",
  engine: "gpu-1",
  requests: 1,
  estimated: 0,
  promptTokens: 10,
  cachedTokens: 2,
  completionTokens: 5,
  reasoningTokens: 1,
  costNano: 1_000,
  queueMs: 3,
  engineMs: 40,
  overheadMs: 2,
  ...more,
});
const all = () => db.select().from(usageHours).orderBy(usageHours.hour, usageHours.model);
const lastUsed = async () => (await db.select({ at: apiKeys.lastUsedAtMs }).from(apiKeys).get())?.at;

beforeEach(async () => {
  await env.DB.batch(
    ["usage_hours", "key_secrets", "api_keys", "workspaces"].map((t) => env.DB.prepare(`DELETE FROM ${t}`)),
  );
  const stamps = { createdAtMs: 0, updatedAtMs: 0 };
  await db.insert(workspaces).values({ id: WORKSPACE, name: "w", createdAtMs: 0 });
  await db
    .insert(apiKeys)
    .values({ id: KEY, workspaceId: WORKSPACE, name: "k", role: "developer", ...stamps });
});

describe("usage that is written", () => {
  it("is there, and no more of it when it is written again", async () => {
    await writeUsage(env.DB, [row(1), row(2)]);
    await writeUsage(env.DB, [row(1), row(2)]);
    expect(await all()).toEqual([row(1), row(2)]);
  });

  it("takes the place of what was written of its hour, and of nothing else", async () => {
    const before = [row(1), row(1, { model: "n" }), row(1, { model: "o", engine: "gpu-2" }), row(2)];
    await writeUsage(env.DB, before);
    const whole: UsageRow = {
      ...row(1),
      requests: 7,
      estimated: 2,
      promptTokens: 70,
      cachedTokens: 14,
      completionTokens: 35,
      reasoningTokens: 8,
      costNano: 2 ** 52,
      queueMs: 21,
      engineMs: 280,
      overheadMs: 14,
    };
    await writeUsage(env.DB, [whole]);
    expect(await all()).toEqual([whole, ...before.slice(1)]);
  });

  it.each([0, 1, 6, 7, 240, 500])("may be %d rows at once", async (count) => {
    const rows = Array.from({ length: count }, (_, hour) => row(hour));
    await writeUsage(env.DB, rows);
    expect(await all()).toEqual(rows);
  });

  it("says when its key was last used, and never an earlier time than is known", async () => {
    await writeUsage(env.DB, [row(1)]);
    expect(await lastUsed()).toBe(null);
    await writeUsage(env.DB, [row(1)], { keyId: KEY, atMs: 2_000 });
    await writeUsage(env.DB, [row(2)], { keyId: KEY, atMs: 1_000 });
    expect(await lastUsed()).toBe(2_000);
    await writeUsage(env.DB, [], { keyId: KEY, atMs: 3_000 });
    expect(await lastUsed()).toBe(3_000);
  });

  it("is all there or not at all, within a batch", async () => {
    const broken = { ...row(3), requests: null } as unknown as UsageRow;
    await expect(writeUsage(env.DB, [row(1), broken], { keyId: KEY, atMs: 9_000 })).rejects.toThrow();
    expect(await all()).toEqual([]);
    expect(await lastUsed()).toBe(null);
  });
});
