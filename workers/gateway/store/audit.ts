import { type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { EMPTY_CHAIN, type Head, linkAfter } from "../../../shared/audit/chain.ts";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import { recordOf } from "../../../shared/audit/record.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { audit } from "./schema.ts";

/** A statement of a transaction. */
export type Statement = BatchItem<"sqlite">;

/** Where changes are written down. */
export type AuditLog = {
  /**
   * Makes the changes and writes down that they were made, in one transaction: neither is there without the other.
   * Throws what the database says; nothing has changed then.
   */
  commit(entry: AuditEntry, changes?: readonly Statement[]): Promise<void>;
  /** Writes several down, in one transaction. */
  append(entries: readonly AuditEntry[]): Promise<void>;
};

/** Time and chance. */
export type AuditPorts = {
  readonly now: () => number;
  readonly random: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly wait: (ms: number) => Promise<void>;
};

const PORTS: AuditPorts = {
  now: () => Date.now(),
  random: () => Math.random(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** How often a record is put behind the newest anew when others were faster. */
const ATTEMPTS_MAX = 12;
const WAIT_MS_BASE = 8;
const WAIT_MS_MAX = 500;

/** A new name of a record. */
export const newRecordId = (randomBytes = PORTS.randomBytes): string =>
  `aud_${randomBase62(20, randomBytes)}`;

/** The audit log in D1. */
export function d1AuditLog(database: D1Database, ports: AuditPorts = PORTS): AuditLog {
  const db = drizzle(database);
  const write = async (entries: readonly AuditEntry[], changes: readonly Statement[]): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const statements = [...changes, ...(await inserts(db, entries, ports))];
      const [first, ...rest] = statements;
      if (!first) return;
      try {
        // One batch is one transaction: where another took the place in the chain, none of it happens.
        await db.batch([first, ...rest]);
        return;
      } catch (error) {
        if (!isOvertaken(error) || attempt === ATTEMPTS_MAX) throw error;
      }
      // Those who met part ways: each waits for another while.
      await ports.wait(ports.random() * Math.min(WAIT_MS_MAX, WAIT_MS_BASE * 2 ** attempt));
    }
  };
  return {
    commit: (entry, changes = []) => write([entry], changes),
    append: (entries) => write(entries, []),
  };
}

/** The records of entries, each behind the last of its workspace's chain as that is now. */
async function inserts(
  db: DrizzleD1Database,
  entries: readonly AuditEntry[],
  { now, randomBytes }: AuditPorts,
): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const [workspaceId, group] of Map.groupBy(entries, (entry) => entry.workspaceId)) {
    let { head, atMs } = await endOf(db, workspaceId);
    for (const entry of group) {
      const id = entry.id ?? newRecordId(randomBytes);
      // Clocks differ a little: along a chain no time goes back.
      atMs = Math.max(atMs, entry.atMs ?? now());
      const link = await linkAfter(head, recordOf(entry, { id, seq: head.seq + 1, atMs }));
      statements.push(db.insert(audit).values({ workspaceId, atMs, ...link }));
      head = link;
    }
  }
  return statements;
}

async function endOf(db: DrizzleD1Database, workspaceId: string): Promise<{ head: Head; atMs: number }> {
  const row = await db.get<{ seq: number; hash: string; at_ms: number } | undefined>(
    lastOf(workspaceId, sql`seq, hash, at_ms`),
  );
  return row ? { head: { seq: row.seq, hash: row.hash }, atMs: row.at_ms } : { head: EMPTY_CHAIN, atMs: 0 };
}

/** The last record of a chain. */
const lastOf = (workspaceId: string, columns: SQL): SQL =>
  sql`SELECT ${columns} FROM audit WHERE workspace_id = ${workspaceId} ORDER BY seq DESC LIMIT 1`;

/** Whether an error, or what caused it, says that another record has taken the place. */
export function isOvertaken(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if (/UNIQUE constraint failed: audit\.workspace_id|audit: not the next record/.test(each.message))
      return true;
  return false;
}
