import { EMPTY_CHAIN, type Head, type Link } from "../../../shared/audit/chain.ts";

/** What to look for in a chain. Texts that end in `*` stand for all that begin so. */
export type AuditQuery = {
  readonly workspaceId: string;
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly resource?: string | undefined;
  /** Times in milliseconds since 1970: from the first on, before the second. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only records before this place. */
  readonly beforeSeq?: number | undefined;
  readonly limit: number;
};

/** A stretch of time, in milliseconds since 1970: from the first on, before the second. */
export type AuditRange = Pick<AuditQuery, "fromMs" | "toMs">;

/** Reads what is written down. Its methods throw when the store is out of reach. */
export type AuditReader = {
  /** The newest records that fit. */
  find(query: AuditQuery): Promise<Link[]>;
  /** A workspace's chain from its beginning on, or between two times, page by page. */
  links(workspaceId: string, range?: AuditRange): AsyncGenerator<Link, void, undefined>;
  /** The end of a chain; place 0 where there is no record. */
  head(workspaceId: string): Promise<Head>;
};

/** The audit log in D1, to read. */
export const d1AuditReader = (database: D1Database): AuditReader => ({
  find: (query) => findAudit(database, query),
  links: (workspaceId, range) => auditLinks(database, workspaceId, range),
  async head(workspaceId) {
    const [last] = await findAudit(database, { workspaceId, limit: 1 });
    return last ? { seq: last.seq, hash: last.hash } : EMPTY_CHAIN;
  },
});

/** Records that are read at once. */
const PAGE = 500;
const SEQ_MAX = Number.MAX_SAFE_INTEGER;

type Row = { seq: number; record: string; prev_hash: string; hash: string };
const COLUMNS = "seq, record, prev_hash, hash";

const linkOfRow = ({ seq, record, prev_hash: prevHash, hash }: Row): Link => ({
  seq,
  record,
  prevHash,
  hash,
});

/** The statement that finds the newest records that fit, by an index in every case. */
export async function auditStatement(database: D1Database, query: AuditQuery): Promise<D1PreparedStatement> {
  const { workspaceId, fromMs, toMs, beforeSeq = SEQ_MAX, limit } = query;
  // Times never go back along a chain: two look-ups make places of them, and every index has the places.
  const [first, end] = await Promise.all([
    fromMs === undefined ? 1 : placeOf(database, workspaceId, fromMs),
    toMs === undefined ? SEQ_MAX : placeOf(database, workspaceId, toMs),
  ]);
  const filters = [
    filterOf("resource", query.resource),
    filterOf("actor", query.actor),
    filterOf("action", query.action),
  ].flatMap((filter) => filter ?? []);
  // Without a filter the primary key is all there is to choose.
  const by = filters[0] ? `INDEXED BY ${filters[0].index}` : "";
  const where = ["workspace_id = ?", ...filters.map(({ condition }) => condition), "seq >= ?", "seq < ?"];
  return database
    .prepare(`SELECT ${COLUMNS} FROM audit ${by} WHERE ${where.join(" AND ")} ORDER BY seq DESC LIMIT ?`)
    .bind(workspaceId, ...filters.flatMap(({ values }) => values), first, Math.min(end, beforeSeq), limit);
}

/** The newest records that fit. */
export async function findAudit(database: D1Database, query: AuditQuery): Promise<Link[]> {
  const { results } = await (await auditStatement(database, query)).all<Row>();
  return results.map(linkOfRow);
}

type Filter = { readonly index: string; readonly condition: string; readonly values: readonly string[] };

function filterOf(column: "action" | "actor" | "resource", text: string | undefined): Filter | undefined {
  if (text === undefined) return undefined;
  const index = `audit_${column}`;
  if (!text.endsWith("*")) return { index, condition: `${column} = ?`, values: [text] };
  const prefix = text.slice(0, -1);
  // No text that begins so comes behind the prefix with the last character there is.
  return { index, condition: `${column} >= ? AND ${column} < ?`, values: [prefix, `${prefix}\u{10ffff}`] };
}

/** The place of the first record at or after a time; behind all others where there is none. */
async function placeOf(database: D1Database, workspaceId: string, atMs: number): Promise<number> {
  const row = await database
    .prepare(
      "SELECT seq FROM audit INDEXED BY audit_time WHERE workspace_id = ? AND at_ms >= ? ORDER BY at_ms, seq LIMIT 1",
    )
    .bind(workspaceId, atMs)
    .first<{ seq: number }>();
  return row?.seq ?? SEQ_MAX;
}

/** A workspace's chain from its beginning on, or between two times, page by page. */
export async function* auditLinks(
  database: D1Database,
  workspaceId: string,
  { fromMs, toMs }: AuditRange = {},
): AsyncGenerator<Link, void, undefined> {
  let from = fromMs === undefined ? 0 : await placeOf(database, workspaceId, fromMs);
  const end = toMs === undefined ? SEQ_MAX : await placeOf(database, workspaceId, toMs);
  for (;;) {
    const { results } = await database
      .prepare(
        `SELECT ${COLUMNS} FROM audit WHERE workspace_id = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?`,
      )
      .bind(workspaceId, from, end, PAGE)
      .all<Row>();
    yield* results.map(linkOfRow);
    if (results.length < PAGE) return;
    from = (results.at(-1)?.seq ?? SEQ_MAX) + 1;
  }
}
