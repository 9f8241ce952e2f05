import { and, eq, getTableColumns, gte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Statement } from "./audit.ts";
import { apiKeys, usageHours } from "./schema.ts";

/** What a key used of a model at an engine within an hour. */
export type UsageRow = typeof usageHours.$inferInsert;

/** When a key was last used. */
export type LastUsed = { readonly keyId: string; readonly atMs: number };

/** D1 binds at most 100 values to a statement: https://developers.cloudflare.com/d1/platform/limits/ */
const PARAMETERS_MAX = 100;
const COLUMNS = getTableColumns(usageHours);
const ROWS_PER_STATEMENT = Math.floor(PARAMETERS_MAX / Object.keys(COLUMNS).length);

/** Within the 50 queries that an invocation has on the free plan. */
const STATEMENTS_PER_BATCH = 40;

type Amount = Exclude<keyof UsageRow, "workspaceId" | "hour" | "keyId" | "model" | "engine">;

/** What is written over a row that is there: the row that was to be inserted. */
const excluded = (column: Amount) => sql.raw(`excluded.${COLUMNS[column].name}`);
const WHOLE_ROW = {
  requests: excluded("requests"),
  estimated: excluded("estimated"),
  promptTokens: excluded("promptTokens"),
  cachedTokens: excluded("cachedTokens"),
  completionTokens: excluded("completionTokens"),
  reasoningTokens: excluded("reasoningTokens"),
  costNano: excluded("costNano"),
  queueMs: excluded("queueMs"),
  engineMs: excluded("engineMs"),
  overheadMs: excluded("overheadMs"),
} satisfies Record<Amount, unknown>;

/**
 * Writes rows over those that are there. They hold the whole of their hour, so that writing them again changes nothing:
 * after a failure, all of them are simply written again. One batch is one transaction; many rows are several, in order.
 * Throws when the database is out of reach.
 */
export async function writeUsage(
  database: D1Database,
  rows: readonly UsageRow[],
  lastUsed?: LastUsed,
): Promise<void> {
  const db = drizzle(database);
  const used = lastUsed ? [touch(db, lastUsed)] : [];
  const writes = chunks(rows, ROWS_PER_STATEMENT).map((some) =>
    db
      .insert(usageHours)
      .values(some)
      .onConflictDoUpdate({
        target: [
          usageHours.workspaceId,
          usageHours.hour,
          usageHours.keyId,
          usageHours.model,
          usageHours.engine,
        ],
        set: WHOLE_ROW,
      }),
  );
  for (const [first, ...rest] of chunks<Statement>([...used, ...writes], STATEMENTS_PER_BATCH))
    if (first) await db.batch([first, ...rest]);
}

/** Reports may overtake each other: what is newer stays. */
const touch = (db: ReturnType<typeof drizzle>, { keyId, atMs }: LastUsed) =>
  db
    .update(apiKeys)
    .set({ lastUsedAtMs: sql`max(coalesce(${apiKeys.lastUsedAtMs}, 0), ${atMs})` })
    .where(eq(apiKeys.id, keyId));

const chunks = <T>(all: readonly T[], sizeMax: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / sizeMax) }, (_, at) =>
    all.slice(at * sizeMax, (at + 1) * sizeMax),
  );

/** What a workspace has used in each hour since one, by its index: tokens, and cost in billionths. */
export const usedSince = (
  database: D1Database,
  workspaceId: string,
  hour: number,
): Promise<{ hour: number; tokens: number; costNano: number }[]> =>
  drizzle(database)
    .select({
      hour: usageHours.hour,
      tokens: sql<number>`sum(${usageHours.promptTokens} + ${usageHours.completionTokens})`,
      costNano: sql<number>`sum(${usageHours.costNano})`,
    })
    .from(usageHours)
    .where(and(eq(usageHours.workspaceId, workspaceId), gte(usageHours.hour, hour)))
    .groupBy(usageHours.hour);
