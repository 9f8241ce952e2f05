import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, it } from "vitest";
import { createApiKey, hashApiKey, importPepper, keyHint } from "../../../shared/auth/api-key.ts";
import { testPrincipal } from "../../../shared/auth/testing.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { createAuthenticator } from "../middleware/authenticate.ts";
import { type KeyStore, d1KeyStore, kvKeyStore } from "./keys.ts";
import { apiKeys, keySecrets, workspaces } from "./schema.ts";

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const PEPPER = "a pepper for tests only";
const NOW_MS = 1_800_000_000_000;

/** A key in D1; returns its secret and hash. */
async function store(
  {
    secret = createApiKey(random, NOW_MS),
    ...more
  }: Partial<typeof apiKeys.$inferInsert> & { secret?: string } = {},
  secretExpiresAtMs: number | null = null,
) {
  const db = drizzle(env.DB);
  const workspaceId = `ws_${randomBase62(20, random)}`;
  const id = `key_${randomBase62(20, random)}`;
  const hash = await hashApiKey(await importPepper(PEPPER), secret);
  await db.insert(workspaces).values({ id: workspaceId, name: "test", createdAtMs: NOW_MS });
  const atMs = { createdAtMs: NOW_MS, updatedAtMs: NOW_MS };
  await db.insert(apiKeys).values({ id, workspaceId, name: "test", role: "developer", ...atMs, ...more });
  await db.insert(keySecrets).values({
    hash,
    keyId: id,
    hint: keyHint(secret),
    createdAtMs: NOW_MS,
    expiresAtMs: secretExpiresAtMs,
  });
  return { secret, hash, workspaceId };
}

/** A store that counts how often it is asked. */
function counting(inner: KeyStore): KeyStore & { asked: number } {
  const counted = {
    asked: 0,
    find: (hash: string) => {
      counted.asked += 1;
      return inner.find(hash);
    },
  };
  return counted;
}

describe("d1KeyStore", () => {
  it("finds a key by its hash", async () => {
    const { hash, workspaceId } = await store();
    expect(await d1KeyStore(env.DB).find(hash)).toMatchObject({
      workspaceId,
      role: "developer",
      expiresAtMs: null,
    });
  });

  it.each([
    [NOW_MS + 5, null, NOW_MS + 5],
    [null, NOW_MS + 7, NOW_MS + 7],
    [NOW_MS + 5, NOW_MS + 7, NOW_MS + 5],
  ])("ends with the key or its secret, whichever is first (%s, %s)", async (key, secret, end) => {
    const { hash } = await store({ expiresAtMs: key }, secret);
    expect(await d1KeyStore(env.DB).find(hash)).toMatchObject({ expiresAtMs: end });
  });

  it("takes a secret under the present pepper when it is used", async () => {
    const { hash, workspaceId } = await store();
    const present = `present of ${hash}`;
    const pending: Promise<unknown>[] = [];
    const keys = d1KeyStore(env.DB, { pepperVersion: 2, defer: (work) => void pending.push(work) });
    expect(await keys.find(present)).toBeUndefined();
    expect(await keys.find(present, { previousHash: hash })).toMatchObject({ workspaceId });
    await Promise.all(pending);
    expect(await keys.find(present)).toMatchObject({ workspaceId });
    expect(await keys.find(hash)).toBeUndefined();
    expect(await keys.find(present, { previousHash: hash })).toMatchObject({ workspaceId });
    expect(pending).toHaveLength(1);
    const row = await drizzle(env.DB).select().from(keySecrets).where(eq(keySecrets.hash, present)).get();
    expect(row).toMatchObject({ pepperVersion: 2 });
  });

  it("takes it once, though many use it at the same time", async () => {
    const { hash, workspaceId } = await store();
    const present = `present of ${hash}`;
    const pending: Promise<unknown>[] = [];
    const keys = d1KeyStore(env.DB, { pepperVersion: 2, defer: (work) => void pending.push(work) });
    const found = await Promise.all(
      Array.from({ length: 10 }, () => keys.find(present, { previousHash: hash })),
    );
    await Promise.all(pending);
    expect(found.map((each) => each?.workspaceId)).toEqual(Array.from({ length: 10 }, () => workspaceId));
    expect(await drizzle(env.DB).$count(keySecrets, eq(keySecrets.hash, present))).toBe(1);
  });

  it("does not know a revoked key", async () => {
    const { hash } = await store({ revokedAtMs: NOW_MS });
    expect(await d1KeyStore(env.DB).find(hash)).toBeUndefined();
  });
});

describe("kvKeyStore", () => {
  it("asks the slower store once", async () => {
    const { hash, workspaceId } = await store();
    const slower = counting(d1KeyStore(env.DB));
    const pending: Promise<unknown>[] = [];
    const keys = kvKeyStore(env.KEY_CACHE, slower, (work) => void pending.push(work));
    expect(await keys.find(hash)).toMatchObject({ workspaceId });
    await Promise.all(pending);
    expect(await keys.find(hash)).toMatchObject({ workspaceId });
    expect(slower.asked).toBe(1);
  });

  it("lets a new key in although it was asked for before it existed", async () => {
    const secret = createApiKey(random, NOW_MS);
    const hash = await hashApiKey(await importPepper(PEPPER), secret);
    const keys = kvKeyStore(env.KEY_CACHE, d1KeyStore(env.DB), () => undefined);
    expect(await keys.find(hash)).toBeUndefined();
    await store({ secret });
    expect(await keys.find(hash)).toBeDefined();
  });

  it("looks past KV for whoever wants to know it anew", async () => {
    const { hash } = await store();
    const slower = counting(d1KeyStore(env.DB));
    const pending: Promise<unknown>[] = [];
    const keys = kvKeyStore(env.KEY_CACHE, slower, (work) => void pending.push(work));
    await keys.find(hash);
    await Promise.all(pending);
    await keys.find(hash, { fresh: true });
    expect(slower.asked).toBe(2);
  });

  it.each([
    "not JSON",
    "null",
    "[]",
    '{"role":"admin"}',
    JSON.stringify({ ...testPrincipal(), role: "owner" }),
    JSON.stringify({ ...testPrincipal(), scopes: ["everything"] }),
    JSON.stringify({ ...testPrincipal(), operator: "yes" }),
  ])("believes nothing in KV that is no key: %s", async (text) => {
    const { hash, workspaceId } = await store();
    await env.KEY_CACHE.put(`key:${hash}`, text);
    const keys = kvKeyStore(env.KEY_CACHE, d1KeyStore(env.DB), () => undefined);
    expect(await keys.find(hash)).toMatchObject({ workspaceId, role: "developer", operator: false });
  });

  it("answers from the slower store when KV fails", async () => {
    const { hash } = await store();
    const broken = {
      get: () => Promise.reject(new Error("KV is away")),
      put: () => Promise.reject(new Error("KV is away")),
    };
    const keys = kvKeyStore(broken as unknown as KVNamespace, d1KeyStore(env.DB), () => undefined);
    expect(await keys.find(hash)).toBeDefined();
  });
});

describe("createAuthenticator", () => {
  it("asks no store for a key that it knows", async () => {
    const { secret } = await store();
    const keys = counting(d1KeyStore(env.DB));
    const authenticate = createAuthenticator(PEPPER);
    for (let n = 0; n < 5; n++) expect((await authenticate(`Bearer ${secret}`, keys, NOW_MS)).ok).toBe(true);
    expect(keys.asked).toBe(1);
    await authenticate(`Bearer ${secret}`, keys, NOW_MS + 60_000);
    expect(keys.asked).toBe(2);
  });

  it.each([
    ["no header", null, "missing_key"],
    ["another scheme", "Basic abc", "missing_key"],
    ["an empty token", "Bearer ", "missing_key"],
    ["another platform's key", "Bearer sk-proj-abcdefghijklmnopqrstuvwxyz", "invalid_key"],
    ["a mistyped key", `Bearer sk-eco-${"a".repeat(38)}`, "invalid_key"],
  ])("refuses %s without asking a store", async (_, header, kind) => {
    const keys = counting(d1KeyStore(env.DB));
    expect(await createAuthenticator(PEPPER)(header, keys, NOW_MS)).toMatchObject({
      ok: false,
      error: { kind },
    });
    expect(keys.asked).toBe(0);
  });

  it("refuses an unknown key of the right form", async () => {
    expect(
      await createAuthenticator(PEPPER)(`Bearer ${createApiKey(random, NOW_MS)}`, d1KeyStore(env.DB), NOW_MS),
    ).toMatchObject({ ok: false, error: { kind: "invalid_key" } });
  });

  it("refuses a key from the moment it expires, cached or not", async () => {
    const { secret } = await store({ expiresAtMs: NOW_MS + 1_000 });
    const authenticate = createAuthenticator(PEPPER);
    const keys = d1KeyStore(env.DB);
    expect((await authenticate(`Bearer ${secret}`, keys, NOW_MS)).ok).toBe(true);
    expect((await authenticate(`Bearer ${secret}`, keys, NOW_MS + 1_000)).ok).toBe(false);
  });

  it("says that a store is away, and not that the key is wrong", async () => {
    const away: KeyStore = { find: () => Promise.reject(new Error("D1 is away")) };
    expect(
      await createAuthenticator(PEPPER)(`Bearer ${createApiKey(random, NOW_MS)}`, away, NOW_MS),
    ).toMatchObject({
      ok: false,
      error: { kind: "store_unavailable" },
    });
  });
});
