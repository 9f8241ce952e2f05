import { and, eq, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { ModelAction } from "../../../shared/engines/engine.ts";
import { ACTION_MS_MAX, type RunningAction, runningOf } from "../../../shared/models/lifecycle.ts";
import { modelActions } from "./schema.ts";

/** What engines have been told to do with models and have not ended. Its methods throw when the store is out of reach. */
export type ModelActionStore = {
  /** Marks that it has begun; false where the engine is at something with the model already. */
  begin(model: string, action: RunningAction): Promise<boolean>;
  end(model: string, action: RunningAction): Promise<void>;
  /** All that run, by model. */
  running(nowMs: number): Promise<ReadonlyMap<string, readonly RunningAction[]>>;
};

/** The actions in D1. */
export function d1ModelActions(database: D1Database): ModelActionStore {
  return {
    async begin(modelId, { engine, action, startedAtMs }) {
      const db = drizzle(database);
      const row = { modelId, engineId: engine, action, startedAtMs };
      const taken = await db
        .insert(modelActions)
        .values(row)
        // Only the mark of an isolate that is long gone gives way.
        .onConflictDoUpdate({
          target: [modelActions.modelId, modelActions.engineId],
          set: row,
          setWhere: lte(modelActions.startedAtMs, startedAtMs - ACTION_MS_MAX),
        })
        .returning({ modelId: modelActions.modelId });
      return taken.length > 0;
    },
    async end(modelId, { engine, startedAtMs }) {
      await drizzle(database)
        .delete(modelActions)
        .where(
          and(
            eq(modelActions.modelId, modelId),
            eq(modelActions.engineId, engine),
            eq(modelActions.startedAtMs, startedAtMs),
          ),
        );
    },
    async running(nowMs) {
      const rows = await drizzle(database).select().from(modelActions);
      const byModel = Map.groupBy(rows, ({ modelId }) => modelId);
      const actionOf = (row: (typeof rows)[number]): RunningAction => ({
        engine: row.engineId,
        action: row.action satisfies ModelAction,
        startedAtMs: row.startedAtMs,
      });
      return new Map([...byModel].map(([id, all]) => [id, runningOf(all.map(actionOf), nowMs)]));
    },
  };
}
