import { and, asc, eq, getTableColumns, gt, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Platform, PlatformListQuery } from "../../../shared/contracts/platforms.ts";
import { type AuditLog, type Statement, d1AuditLog } from "./audit.ts";
import { platforms } from "./schema.ts";

/** What came of a change: another has its slug, or it is not any more what was to be changed. */
export type PlatformOutcome = "done" | "slug_taken" | "overtaken";

/** Where platforms are. Its methods throw when the store is out of reach. Each change is written down with it. */
export type PlatformStore = {
  /** Those that fit, in the order of their slugs. */
  list(query: PlatformListQuery): Promise<Platform[]>;
  /** By id or slug. */
  find(idOrSlug: string): Promise<Platform | undefined>;
  create(platform: Platform, entry: AuditEntry): Promise<PlatformOutcome>;
  /** Only where it is still at the version of `before`. */
  update(before: Platform, after: Platform, entry: AuditEntry): Promise<PlatformOutcome>;
  remove(before: Platform, entry: AuditEntry): Promise<PlatformOutcome>;
};

type Row = typeof platforms.$inferSelect;

/** Platforms in D1. */
export function d1Platforms(database: D1Database, audit: AuditLog = d1AuditLog(database)): PlatformStore {
  const db = drizzle(database);
  return {
    async list({ type, status, after, limit }) {
      const rows = await db
        .select()
        .from(platforms)
        .where(
          and(
            gt(platforms.slug, after ?? ""),
            type && eq(platforms.type, type),
            status && eq(platforms.status, status),
          ),
        )
        .orderBy(asc(platforms.slug))
        .limit(limit);
      return rows.map(platformOf);
    },
    async find(idOrSlug) {
      // No slug has a `_`, and every id has.
      const column = idOrSlug.includes("_") ? platforms.id : platforms.slug;
      const [row] = await db.select().from(platforms).where(eq(column, idOrSlug));
      return row && platformOf(row);
    },
    create: ({ object: _, ...row }, entry) =>
      outcomeOf(audit.commit(entry, [db.insert(platforms).values(row)])),
    update: (before, { object: _, id, ...row }, entry) =>
      outcomeOf(
        audit.commit(entry, [
          unlessChanged(db, before),
          db.update(platforms).set(row).where(eq(platforms.id, id)),
        ]),
      ),
    remove: (before, entry) =>
      outcomeOf(
        audit.commit(entry, [
          unlessChanged(db, before),
          db.delete(platforms).where(eq(platforms.id, before.id)),
        ]),
      ),
  };
}

/** As many nulls as a platform has columns. */
const NULLS = sql.join(
  Object.keys(getTableColumns(platforms)).map(() => sql`null`),
  sql`, `,
);

/** Ends a transaction where a platform is gone, or at another version: by a row of nulls, which cannot be. */
const unlessChanged = (db: DrizzleD1Database, { id, version }: Platform): Statement =>
  db
    .insert(platforms)
    .select(
      sql`SELECT ${NULLS} WHERE NOT EXISTS (SELECT 1 FROM platforms WHERE id = ${id} AND version = ${version})`,
    );

async function outcomeOf(work: Promise<void>): Promise<PlatformOutcome> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (says(error, /UNIQUE constraint failed: platforms\.slug/)) return "slug_taken";
    if (says(error, /NOT NULL constraint failed: platforms\./)) return "overtaken";
    throw error;
  }
}

function says(error: unknown, words: RegExp): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (words.test(each.message)) return true;
  return false;
}

const platformOf = (row: Row): Platform => ({
  object: "platform",
  ...row,
  type: row.type as Platform["type"],
  capabilities: row.capabilities as string[],
});
