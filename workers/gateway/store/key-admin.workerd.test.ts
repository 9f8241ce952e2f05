import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { randomBytes } from "../new-secret.ts";
import { d1AuditLog } from "./audit.ts";
import { type NewSecret, d1KeyAdmin, selectSecrets, unlessKeyOvertaken } from "./key-admin.ts";
import { selectKeys } from "./key-rows.ts";
import { d1KeyStore, findSecret } from "./keys.ts";
import { keySecrets, workspaces } from "./schema.ts";

const NOW_MS = 1_800_000_000_000;
const db = drizzle(env.DB);
const admin = d1KeyAdmin(env.DB);
const keys = d1KeyStore(env.DB);
const settings = { name: "app", role: "developer" } as const;

const newId = () => `key_${randomBase62(20, randomBytes)}`;
const newWorkspace = async (): Promise<string> => {
  const id = `ws_${randomBase62(20, randomBytes)}`;
  await db.insert(workspaces).values({ id, name: "test", createdAtMs: NOW_MS });
  return id;
};
const secretOf = (): NewSecret => {
  const secret = randomBase62(38, randomBytes);
  return { secret, hash: `hash of ${secret}`, hint: "a hint", pepperVersion: 1 };
};
const commit = (statements: ReturnType<typeof admin.creating>) =>
  d1AuditLog(env.DB).commit(
    {
      workspaceId: "ws_x",
      actor: { kind: "key", id: "key_x" },
      action: "key.update",
      resource: { type: "key", id: "key_x" },
      outcome: "pass",
    },
    statements,
  );

/** A key with its first secret. */
async function create(workspaceId: string, createdBy: string | null = null, createdAtMs = NOW_MS) {
  const id = newId();
  const secret = secretOf();
  await commit(admin.creating({ id, workspaceId, createdBy, createdAtMs, settings }, secret));
  return { id, hash: secret.hash };
}

/** What SQLite does to answer a query, line by line. */
async function planOf(query: { toSQL(): { sql: string; params: unknown[] } }): Promise<string[]> {
  const { sql, params } = query.toSQL();
  const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ detail: string }>();
  return plan.results.map(({ detail }) => detail);
}

describe("d1KeyAdmin", () => {
  it("gives what was put in, and not to another workspace", async () => {
    const workspaceId = await newWorkspace();
    const { id } = await create(workspaceId, "usr_a");
    expect(await admin.get(workspaceId, id, NOW_MS)).toMatchObject({
      id,
      name: "app",
      createdBy: "usr_a",
      scopes: null,
      limits: null,
      metadata: {},
      version: 1,
      secrets: [{ hint: "a hint", createdAtMs: NOW_MS, expiresAtMs: null }],
    });
    expect(await admin.get(await newWorkspace(), id, NOW_MS)).toBeUndefined();
  });

  it("changes all of a step or nothing, and none that was decided on an older version", async () => {
    const workspaceId = await newWorkspace();
    const { id, hash } = await create(workspaceId);
    const next = secretOf();
    await commit(admin.updating({ id, version: 1, nowMs: NOW_MS + 1 }, { ...settings, name: "b" }));
    const late = commit(admin.rotating({ id, version: 1, nowMs: NOW_MS + 2 }, next, 0));
    expect(await unlessKeyOvertaken(late)).toBe("overtaken");
    expect(await keys.find(next.hash)).toBeUndefined();
    expect(await keys.find(hash)).toMatchObject({ version: 2 });
    expect(await admin.get(workspaceId, id, NOW_MS)).toMatchObject({ name: "b", updatedAtMs: NOW_MS + 1 });
  });

  it("lets one of two racing steps happen", async () => {
    const workspaceId = await newWorkspace();
    const { id } = await create(workspaceId);
    const steps = Array.from({ length: 8 }, () =>
      unlessKeyOvertaken(commit(admin.rotating({ id, version: 1, nowMs: NOW_MS }, secretOf(), 1000))),
    );
    expect((await Promise.all(steps)).toSorted()).toEqual([
      "done",
      ...Array.from({ length: 7 }, () => "overtaken"),
    ]);
    expect((await admin.get(workspaceId, id, NOW_MS))?.secrets).toHaveLength(2);
  });

  it("leaves a secret its grace and no more, also when it comes under another pepper meanwhile", async () => {
    const workspaceId = await newWorkspace();
    const { id, hash } = await create(workspaceId);
    const next = secretOf();
    await db
      .update(keySecrets)
      .set({ hash: `${hash} anew` })
      .where(eq(keySecrets.hash, hash));
    await commit(admin.rotating({ id, version: 1, nowMs: NOW_MS }, next, 1000));
    expect(await keys.find(`${hash} anew`)).toMatchObject({ expiresAtMs: NOW_MS + 1000, version: 2 });
    expect(await keys.find(next.hash)).toMatchObject({ expiresAtMs: null, version: 2 });
    const shown = async (nowMs: number) =>
      (await admin.get(workspaceId, id, nowMs))?.secrets.map(({ expiresAtMs }) => expiresAtMs);
    expect(await shown(NOW_MS + 999)).toEqual([null, NOW_MS + 1000]);
    expect(await shown(NOW_MS + 1000)).toEqual([null]);
  });

  it("lists keys of one millisecond each once, across pages", async () => {
    const workspaceId = await newWorkspace();
    const made = await Promise.all(Array.from({ length: 9 }, () => create(workspaceId)));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await admin.list({ workspaceId, after, limit: 4 }, NOW_MS);
      seen.push(...(page?.keys.map(({ id }) => id) ?? []));
      after = page?.hasMore ? seen.at(-1) : undefined;
    } while (after !== undefined);
    expect(seen).toEqual(
      made
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
  });

  it("lists the keys of a maker, and a key that is one among them", async () => {
    const workspaceId = await newWorkspace();
    const self = await create(workspaceId, "usr_a", NOW_MS + 5);
    const older = await create(workspaceId, self.id, NOW_MS + 1);
    const newer = await create(workspaceId, self.id, NOW_MS + 9);
    const listed = async (ownOf: string, after?: string) =>
      (await admin.list({ workspaceId, ownOf, after, limit: 10 }, NOW_MS))?.keys.map(({ id }) => id);
    expect(await listed(self.id)).toEqual([newer.id, self.id, older.id]);
    expect(await listed(self.id, newer.id)).toEqual([self.id, older.id]);
    expect(await listed(self.id, self.id)).toEqual([older.id]);
    expect(await listed("usr_a")).toEqual([self.id]);
    expect(await listed(self.id, "key_nowhere")).toBeUndefined();
  });
});

describe("100,000 keys", () => {
  const workspaceId = `ws_${"m".repeat(20)}`;
  const COUNT = 100_000;

  beforeAll(async () => {
    await db
      .insert(workspaces)
      .values({ id: workspaceId, name: "many", createdAtMs: NOW_MS })
      .onConflictDoNothing();
    // Made by SQLite itself: one statement for each table.
    const serials = `WITH RECURSIVE serials(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM serials WHERE n < ${COUNT})`;
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO api_keys (id, workspace_id, name, role, created_by, created_at_ms, updated_at_ms) ${serials} SELECT 'key_' || printf('%020d', n), ?, 'many', 'developer', 'usr_' || (n % 1000), ? + n / 7, 0 FROM serials`,
      ).bind(workspaceId, NOW_MS),
      env.DB.prepare(
        `INSERT INTO key_secrets (hash, key_id, hint, created_at_ms) ${serials} SELECT 'hash ' || n, 'key_' || printf('%020d', n), 'hint', 0 FROM serials`,
      ),
      env.DB.prepare("ANALYZE"),
    ]);
  });

  const searches = (plan: readonly string[]) =>
    plan.every((line) => /^SEARCH \w+ USING (COVERING )?INDEX/.test(line));

  it("are looked up by their indexes alone", async () => {
    for (const hashes of [["hash 7"], ["hash 7", "hash 8"]]) {
      const plan = await planOf(findSecret(db, hashes));
      expect(plan).toHaveLength(3);
      expect(plan, plan.join("; ")).toSatisfy(searches);
    }
    const { sql, params } = findSecret(db, ["hash 70000"]).toSQL();
    const { meta } = await env.DB.prepare(sql)
      .bind(...params)
      .all();
    // The secret, its key and its workspace.
    expect(meta.rows_read).toBe(3);
    expect(await keys.find("hash 70000")).toMatchObject({
      id: `key_${"70000".padStart(20, "0")}`,
      workspaceId,
    });
  });

  const behind = { createdAtMs: NOW_MS + 5_000, id: `key_${"35001".padStart(20, "0")}` };
  it.each([
    ["of a workspace", {}],
    ["of a workspace, further on", { behind }],
    ["of a maker", { createdBy: "usr_7" }],
    ["of a maker, further on", { createdBy: "usr_7", behind }],
  ])("are listed by an index and never sorted: %s", async (_, more) => {
    const query = selectKeys(db, { workspaceId, limit: 21, ...more });
    const plan = await planOf(query);
    expect(plan).toHaveLength(1);
    expect(plan, plan.join("; ")).toSatisfy(searches);
    const read = await env.DB.prepare(query.toSQL().sql)
      .bind(...query.toSQL().params)
      .all();
    expect(read.results).toHaveLength(21);
    expect(read.meta.rows_read).toBeLessThanOrEqual(50);
  });

  it("have their secrets found by an index", async () => {
    const plan = await planOf(selectSecrets(db, ["key_a", "key_b"]));
    expect(plan, plan.join("; ")).toSatisfy(searches);
  });
});
