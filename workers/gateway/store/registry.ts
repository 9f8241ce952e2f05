import { eq, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { unreachable } from "../../../shared/kernel/unreachable.ts";
import type { RegistrySnapshot, RegistryWrite } from "../../../shared/models/snapshot.ts";
import { type AuditLog, type Statement, d1AuditLog } from "./audit.ts";
import { engineColumns, modelColumns, readRows } from "./registry-rows.ts";
import { drainedEngines, engines, modelAliases, models, registry } from "./schema.ts";

/** What to change, of what is registered now; or why nothing can be. It may be asked again when others were faster. */
export type Decide = (now: RegistrySnapshot) => Result<readonly RegistryWrite[], Failure>;

/** Where engines and models are registered. Its methods throw when the store is out of reach. */
export type RegistryStore = {
  load(): Promise<RegistrySnapshot>;
  /**
   * Changes all or nothing, and gives what is registered then. Nothing that was decided on is older than what it
   * changes: whoever changed something in between makes it decide anew. No writes leave the version as it is. The entry
   * is written down together with the change.
   */
  change(decide: Decide, nowMs: number, entry?: AuditEntry): Promise<Result<RegistrySnapshot, Failure>>;
};

/** How often a change is decided anew before the operator is asked to try again. */
const ATTEMPTS_MAX = 5;

type Db = DrizzleD1Database;

/** All that is registered, in one read. */
export async function loadRegistry(database: D1Database): Promise<RegistrySnapshot> {
  const db = drizzle(database);
  const [versions, engineRows, drained, modelRows, aliases] = await db.batch([
    db.select().from(registry),
    db.select().from(engines).orderBy(engines.id),
    db.select().from(drainedEngines).orderBy(drainedEngines.engineId),
    db.select().from(models).orderBy(models.id),
    db.select().from(modelAliases).orderBy(modelAliases.alias),
  ]);
  const version = versions[0]?.version ?? 0;
  return readRows({ version, engines: engineRows, drained, models: modelRows, aliases });
}

/** The registry in D1. */
export function d1Registry(database: D1Database, audit: AuditLog = d1AuditLog(database)): RegistryStore {
  const load = () => loadRegistry(database);
  return {
    load,
    async change(decide, nowMs, entry) {
      const db = drizzle(database);
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const now = await load();
        const decided = decide(now);
        if (!decided.ok) return decided;
        if (decided.value.length === 0) return ok(now);
        const writes = decided.value.flatMap((write) => statementsOf(db, write, nowMs));
        const step = guard(db, now.version);
        // One batch is one transaction: with a version that is not the one decided on, none of it happens.
        const done = await (
          entry ? audit.commit(entry, [step, ...writes]) : db.batch([step, ...writes])
        ).then(
          () => true,
          (error: unknown) => {
            if (isOvertaken(error)) return false;
            throw error;
          },
        );
        if (done) return ok(await load());
      }
      return err({
        kind: "conflict",
        message: "Others change the registry at the same time. Read it again, and try again.",
      });
    },
  };
}

/**
 * Takes the registry from the version that was read to the next. With any other it violates a constraint, which is the
 * one way to end a batch from within.
 */
function guard(db: Db, version: number): Statement {
  if (version === 0) return db.insert(registry).values({ id: 1, version: 1 });
  const next = sql<number>`case when ${registry.version} = ${version} then ${version + 1} end`;
  return db.update(registry).set({ version: next }).where(eq(registry.id, 1));
}

/** Whether an error, or what caused it, is the guard's. */
function isOvertaken(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if (/constraint failed: registry\.(id|version)\b/i.test(each.message)) return true;
  return false;
}

function statementsOf(db: Db, write: RegistryWrite, nowMs: number): Statement[] {
  switch (write.type) {
    case "put_engine": {
      const columns = { ...engineColumns(write.config), updatedAtMs: nowMs };
      const version = sql<number>`${engines.version} + 1`;
      return [
        db
          .insert(engines)
          .values({ ...columns, version: 1, createdAtMs: nowMs })
          .onConflictDoUpdate({ target: engines.id, set: { ...columns, version } }),
      ];
    }
    case "delete_engine":
      return [
        db.delete(engines).where(eq(engines.id, write.id)),
        db.delete(drainedEngines).where(eq(drainedEngines.engineId, write.id)),
      ];
    case "drain_engine":
      return [db.insert(drainedEngines).values({ engineId: write.id, sinceMs: nowMs }).onConflictDoNothing()];
    case "resume_engine":
      return [db.delete(drainedEngines).where(eq(drainedEngines.engineId, write.id))];
    case "put_model": {
      const columns = { ...modelColumns(write.entry), updatedAtMs: nowMs };
      const version = sql<number>`${models.version} + 1`;
      const aliases = (write.entry.aliases ?? []).map((alias) => ({ alias, modelId: write.entry.id }));
      return [
        db
          .insert(models)
          .values({ ...columns, version: 1, createdAtMs: nowMs })
          .onConflictDoUpdate({ target: models.id, set: { ...columns, version } }),
        db.delete(modelAliases).where(eq(modelAliases.modelId, write.entry.id)),
        ...(aliases.length > 0 ? [db.insert(modelAliases).values(aliases)] : []),
      ];
    }
    case "delete_model":
      return [
        db.delete(modelAliases).where(eq(modelAliases.modelId, write.id)),
        db.delete(models).where(eq(models.id, write.id)),
      ];
    default:
      return unreachable(write);
  }
}
