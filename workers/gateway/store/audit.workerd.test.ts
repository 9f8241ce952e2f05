import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import { verify } from "../../../shared/audit/verify.ts";
import { d1AuditLog, isOvertaken } from "./audit.ts";
import { auditLinks } from "./audit-reader.ts";
import { platforms } from "./schema.ts";

const log = d1AuditLog(env.DB);
let serial = 0;
let workspaceId = "";
beforeEach(() => {
  // Records are never deleted, so each test has a chain of its own.
  workspaceId = `ws_${String(++serial).padStart(20, "0")}`;
});

const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  workspaceId,
  actor: { kind: "key", id: "key_a" },
  action: "thing.change",
  resource: { type: "thing", id: "t" },
  outcome: "pass",
  ...more,
});
const db = drizzle(env.DB);
const platform = (slug: string) =>
  db.insert(platforms).values({
    id: `plt_${slug}`,
    name: slug,
    slug,
    type: "web",
    status: "active",
    capabilities: [],
    createdAtMs: 0,
    updatedAtMs: 0,
  });
const slugs = async () => (await db.select({ slug: platforms.slug }).from(platforms)).map(({ slug }) => slug);

describe("the audit log", () => {
  it("is a chain of each workspace's own", async () => {
    const other = `${workspaceId.slice(0, -1)}x`;
    await log.commit(entry());
    await log.append([
      entry({ workspaceId: other }),
      entry({ action: "second" }),
      entry({ action: "third" }),
    ]);
    expect(await verify(auditLinks(env.DB, workspaceId))).toMatchObject({ ok: true, records: 3 });
    expect(await verify(auditLinks(env.DB, other))).toMatchObject({ ok: true, records: 1 });
  });

  it("makes changes and their record together, or neither", async () => {
    await log.commit(entry(), [platform(`one-${serial}`)]);
    expect(await slugs()).toContain(`one-${serial}`);
    const doubled = log.commit(entry(), [platform(`two-${serial}`), platform(`one-${serial}`)]);
    await expect(doubled).rejects.toSatisfy((error) => !isOvertaken(error));
    expect(await slugs()).not.toContain(`two-${serial}`);
    expect(await verify(auditLinks(env.DB, workspaceId))).toMatchObject({ ok: true, records: 1 });
  });

  it("loses nothing where twenty write at once, and leaves no gap", async () => {
    const ids = Array.from({ length: 20 }, (_, at) => `race-${serial}-${at}`);
    await Promise.all(ids.map((id) => log.commit(entry({ action: id }), [platform(id)])));
    expect(await verify(auditLinks(env.DB, workspaceId))).toMatchObject({
      ok: true,
      records: 20,
      head: { seq: 20 },
    });
    expect(await slugs()).toEqual(expect.arrayContaining(ids));
  });

  it("gives up after a while where others are always faster, with nothing changed", async () => {
    let waits = 0;
    const overtaken = new Proxy(env.DB, {
      get(target, name) {
        if (name === "batch") return () => Promise.reject(new Error("D1_ERROR: audit: not the next record"));
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const never = d1AuditLog(overtaken, {
      now: () => 0,
      random: () => 0.5,
      randomBytes: (count) => new Uint8Array(count),
      wait: async () => void waits++,
    });
    await expect(never.commit(entry())).rejects.toSatisfy(isOvertaken);
    expect(waits).toBe(11);
  });

  it("lets no time go back", async () => {
    await log.append([entry({ atMs: 5_000 }), entry({ atMs: 3_000 }), entry({ atMs: 7_000 })]);
    const links = await Array.fromAsync(auditLinks(env.DB, workspaceId));
    expect(
      links.map(({ record }) => Date.parse((JSON.parse(record) as { timestamp: string }).timestamp)),
    ).toEqual([5_000, 5_000, 7_000]);
  });

  it("tells once what has a name and is told twice", async () => {
    const id = `aud_twice-${serial}`;
    await log.append([entry({ id })]);
    await expect(log.append([entry({ id })])).rejects.toThrow();
    expect(await verify(auditLinks(env.DB, workspaceId))).toMatchObject({ ok: true, records: 1 });
  });

  it.each([
    ["changed", "UPDATE audit SET at_ms = 1 WHERE workspace_id = ?"],
    ["deleted", "DELETE FROM audit WHERE workspace_id = ?"],
    [
      "replaced",
      "INSERT OR REPLACE INTO audit (workspace_id, seq, at_ms, record, prev_hash, hash) VALUES (?, 1, 0, '{}', '', '')",
    ],
    [
      "put elsewhere than at the end",
      "INSERT INTO audit (workspace_id, seq, at_ms, record, prev_hash, hash) VALUES (?, 3, 0, '{}', '', '')",
    ],
  ])("has no record that could be %s", async (_, statement) => {
    await log.commit(entry());
    await expect(env.DB.prepare(statement).bind(workspaceId).run()).rejects.toThrow(/audit: /);
    expect(await verify(auditLinks(env.DB, workspaceId))).toMatchObject({ ok: true, records: 1 });
  });
});
