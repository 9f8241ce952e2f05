import { type SQL, and, eq, gte, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import type { UsageGroup } from "../../../shared/contracts/usage.ts";
import { type UsageQuery, resumeHour } from "../../../shared/usage/query.ts";
import { apiKeys, usageHours } from "./schema.ts";

// Many may ask for much at once: a test holds the plan of every statement here to the indexes.

type Db = DrizzleD1Database;
type Own = NonNullable<UsageScope["own"]>;

/** Whose usage a caller may see: of all workspaces, of one, or of some keys in it. */
export type UsageScope = {
  readonly workspaceId?: string;
  /** A key's own; or a person's own, and that of the keys that they made. */
  readonly own?: { readonly kind: "key" | "user"; readonly id: string };
};

const amount = (column: AnySQLiteColumn) => sql<number>`coalesce(sum(${column}), 0)`;

/** Everything that is added up. */
const AMOUNTS = {
  requests: amount(usageHours.requests),
  estimated: amount(usageHours.estimated),
  promptTokens: amount(usageHours.promptTokens),
  cachedTokens: amount(usageHours.cachedTokens),
  completionTokens: amount(usageHours.completionTokens),
  reasoningTokens: amount(usageHours.reasoningTokens),
  // As text: beyond 2^53 a number of JavaScript is no longer exact.
  costNano: sql<string>`cast(coalesce(sum(${usageHours.costNano}), 0) as text)`,
  queueMs: amount(usageHours.queueMs),
  engineMs: amount(usageHours.engineMs),
  overheadMs: amount(usageHours.overheadMs),
};

const time = (format: string) =>
  sql`strftime(${sql.raw(`'${format}'`)}, ${usageHours.hour} * 3600, 'unixepoch')`;

/**
 * What the lines are grouped and sorted by. The `+` keeps SQLite from walking an index of another order, and with it the
 * whole table, to save itself the sorting: https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
 */
const GROUPS: Readonly<Record<UsageGroup, SQL>> = {
  hour: time("%Y-%m-%dT%H:00:00Z"),
  day: time("%Y-%m-%d"),
  month: time("%Y-%m"),
  workspace: sql`+${usageHours.workspaceId}`,
  key: sql`+${usageHours.keyId}`,
  model: sql`+${usageHours.model}`,
  engine: sql`+${usageHours.engine}`,
};

const list = (parts: readonly SQL[]): SQL => sql.join([...parts], sql`, `);

/** The statements of a query: one more line than is wanted, which tells whether there are more; and the sum of all. */
export function usageStatements(db: Db, scope: UsageScope, query: UsageQuery) {
  const groups = query.groups.map((name) => GROUPS[name]);
  const behind = query.after && sql`(${list(groups)}) > (${list(query.after.map((value) => sql`${value}`))})`;
  return {
    lines: db
      .select({
        group: sql`json_array(${list(groups)})`.mapWith((text: string) => JSON.parse(text) as string[]),
        ...AMOUNTS,
      })
      .from(usageHours)
      .where(and(...wanted(scope, query, resumeHour(query)), behind))
      .groupBy(...groups)
      .orderBy(...groups)
      .limit(query.limit + 1),
    totals: db
      .select(AMOUNTS)
      .from(usageHours)
      .where(and(...wanted(scope, query, query.fromHour))),
  };
}

/** The rows that are wanted: a range of one of the indexes, by what is known of keys and workspaces. */
function wanted(scope: UsageScope, { only, toHour }: UsageQuery, fromHour: number): SQL[] {
  const { workspaceId, hour, keyId, model, engine } = usageHours;
  const workspaces = new Set([scope.workspaceId, only.workspace].filter((each) => each !== undefined));
  const byKey = only.key !== undefined || scope.own !== undefined;
  return [
    gte(hour, fromHour),
    lt(hour, toHour),
    // A key has fewer rows than its workspace: the `+` leaves the choice of the index to the key.
    ...[...workspaces].map((id) => (byKey ? sql`+${workspaceId} = ${id}` : eq(workspaceId, id))),
    ...(only.key === undefined ? [] : [eq(keyId, only.key)]),
    ...(scope.own ? [ownKeys(scope, scope.own, only.key !== undefined)] : []),
    ...(only.model === undefined ? [] : [eq(model, only.model)]),
    ...(only.engine === undefined ? [] : [eq(engine, only.engine)]),
  ];
}

/** A key's own rows; or a person's, and those of the keys that they made: a look-up in the index for each. */
function ownKeys({ workspaceId = "" }: UsageScope, { kind, id }: Own, found: boolean): SQL {
  const key = found ? sql`+${usageHours.keyId}` : sql`${usageHours.keyId}`;
  if (kind === "key") return sql`${key} = ${id}`;
  const made = sql`select ${apiKeys.id} from ${apiKeys} where ${apiKeys.workspaceId} = ${workspaceId} and ${apiKeys.createdBy} = ${id}`;
  return sql`${key} in (select ${id} union all ${made})`;
}

/** Looks for a key by its id, which is the one index that it needs. */
export const keyStatement = (db: Db, scope: UsageScope, keyId: string) =>
  db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.id, keyId),
        scope.workspaceId === undefined ? undefined : sql`+${apiKeys.workspaceId} = ${scope.workspaceId}`,
        scope.own && eq(apiKeys.createdBy, scope.own.id),
      ),
    );
