import { and, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { ApiKey, KeySettings } from "../../../shared/contracts/keys.ts";
import type { Statement } from "./audit.ts";
import { unlessViolated } from "./constraint.ts";
import { type KeyRow, columnsOf, isBehind, readKey, selectKeys } from "./key-rows.ts";
import { apiKeys, keySecrets, workspaces } from "./schema.ts";

/** A secret that has been made, and what is stored of it. */
export type NewSecret = {
  readonly secret: string;
  readonly hash: string;
  readonly hint: string;
  readonly pepperVersion: number;
};

/** Which keys to list: all of a workspace, or those of one maker. */
export type KeyListing = {
  readonly workspaceId: string;
  /** Only the keys that this user or key has made; the key itself is one of them. */
  readonly ownOf?: string | undefined;
  /** The key behind which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
};

export type KeyPage = { readonly keys: readonly ApiKey[]; readonly hasMore: boolean };

/** A change of a key's state: from the version that was decided on to the next. */
export type KeyStep = { readonly id: string; readonly version: number; readonly nowMs: number };

/**
 * Keys as their owners see and change them. Its reading methods throw when the store is out of reach. Changes are
 * statements, to be committed together with what the audit log says of them.
 */
export type KeyAdminStore = {
  /** What is to be known of a workspace; undefined where there is none. */
  workspace(id: string): Promise<{ readonly operator: boolean } | undefined>;
  get(workspaceId: string, id: string, nowMs: number): Promise<ApiKey | undefined>;
  /** A page, the newest first; undefined where `after` is no key of the workspace. */
  list(listing: KeyListing, nowMs: number): Promise<KeyPage | undefined>;
  creating(key: NewKey, secret: NewSecret): Statement[];
  updating(step: KeyStep, settings: KeySettings): Statement[];
  revoking(step: KeyStep): Statement[];
  /** A second secret; that of until now ends with its grace, and one that was in its grace already ends at once. */
  rotating(step: KeyStep, secret: NewSecret, graceMs: number): Statement[];
};

/** A key to be made. */
export type NewKey = Pick<KeyRow, "id" | "workspaceId" | "createdBy" | "createdAtMs"> & {
  readonly settings: KeySettings;
};

/** The keys in D1. */
export function d1KeyAdmin(database: D1Database): KeyAdminStore {
  const db = drizzle(database);
  return {
    workspace: (id) =>
      db.select({ operator: workspaces.operator }).from(workspaces).where(eq(workspaces.id, id)).get(),
    async get(workspaceId, id, nowMs) {
      const row = await rowOf(db, workspaceId, id);
      return row && (await withSecrets(db, [row], nowMs))[0];
    },
    async list({ workspaceId, ownOf, after, limit }, nowMs) {
      const behind = after === undefined ? undefined : await rowOf(db, workspaceId, after);
      if (after !== undefined && !behind) return undefined;
      const rows = await selectKeys(db, { workspaceId, createdBy: ownOf, behind, limit: limit + 1 });
      // The key itself was made by somebody else: it is found by its id, and takes its place among the others.
      const self = ownOf?.startsWith("key_") ? await rowOf(db, workspaceId, ownOf) : undefined;
      const isListed = self && (!behind || isBehind(self, behind)) && !rows.some(({ id }) => id === self.id);
      const all = isListed ? [...rows, self].toSorted((a, b) => (isBehind(a, b) ? 1 : -1)) : rows;
      return { keys: await withSecrets(db, all.slice(0, limit), nowMs), hasMore: all.length > limit };
    },
    creating: ({ settings, ...key }, secret) => [
      db.insert(apiKeys).values({ ...key, ...columnsOf(settings), updatedAtMs: key.createdAtMs }),
      inserting(db, key.id, secret, key.createdAtMs),
    ],
    updating: (step, settings) => [stepping(db, step, columnsOf(settings))],
    revoking: (step) => [stepping(db, step, { revokedAtMs: step.nowMs })],
    rotating: (step, secret, graceMs) => [
      stepping(db, step, {}),
      // Told apart by whether they end, and not by their hash, which changes with the pepper.
      db.delete(keySecrets).where(and(eq(keySecrets.keyId, step.id), isNotNull(keySecrets.expiresAtMs))),
      graceMs === 0
        ? db.delete(keySecrets).where(eq(keySecrets.keyId, step.id))
        : db
            .update(keySecrets)
            .set({ expiresAtMs: step.nowMs + graceMs })
            .where(and(eq(keySecrets.keyId, step.id), isNull(keySecrets.expiresAtMs))),
      inserting(db, step.id, secret, step.nowMs),
    ],
  };
}

const rowOf = (db: DrizzleD1Database, workspaceId: string, id: string): Promise<KeyRow | undefined> =>
  db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), eq(apiKeys.workspaceId, workspaceId)))
    .get();

async function withSecrets(db: DrizzleD1Database, rows: readonly KeyRow[], nowMs: number): Promise<ApiKey[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const secrets = await selectSecrets(db, ids);
  const byKey = Map.groupBy(secrets, ({ keyId }) => keyId);
  return rows.map((row) => readKey(row, byKey.get(row.id) ?? [], nowMs));
}

/** The secrets of keys, of which D1 lets a query name a hundred. */
export const selectSecrets = (db: DrizzleD1Database, keyIds: readonly string[]) =>
  db
    .select()
    .from(keySecrets)
    .where(inArray(keySecrets.keyId, [...keyIds]));

const inserting = (
  db: DrizzleD1Database,
  keyId: string,
  { secret: _, ...stored }: NewSecret,
  createdAtMs: number,
): Statement => db.insert(keySecrets).values({ ...stored, keyId, createdAtMs });

/** Takes a key to its next version. With any other than the one decided on, the whole batch fails, by a constraint. */
function stepping(
  db: DrizzleD1Database,
  { id, version, nowMs }: KeyStep,
  columns: Partial<KeyRow>,
): Statement {
  const next = sql<number>`case when ${apiKeys.version} = ${version} then ${version + 1} end`;
  return db
    .update(apiKeys)
    .set({ ...columns, updatedAtMs: nowMs, version: next })
    .where(eq(apiKeys.id, id));
}

/** Makes a change of a key; `overtaken` where somebody else was faster. */
export const unlessKeyOvertaken = (change: Promise<unknown>): Promise<"done" | "overtaken"> =>
  unlessViolated(change, { "api_keys.version": "overtaken" });
