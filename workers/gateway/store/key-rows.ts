import { and, desc, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { ApiKey, KeySettings } from "../../../shared/contracts/keys.ts";
import { apiKeys, type keySecrets } from "./schema.ts";

export type KeyRow = typeof apiKeys.$inferSelect;
export type SecretRow = typeof keySecrets.$inferSelect;

/** A key for its owners: with those of its secrets that still work, the newest first. */
export function readKey(row: KeyRow, secrets: readonly SecretRow[], nowMs: number): ApiKey {
  const live = secrets.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
  return ApiKey.parse({
    ...row,
    object: "api_key",
    metadata: row.metadata ?? {},
    // Of two that were made within one millisecond, the one that stays is the newer.
    secrets: live.toSorted((a, b) => b.createdAtMs - a.createdAtMs || endOf(b) - endOf(a)),
  });
}

const endOf = ({ expiresAtMs }: SecretRow): number => expiresAtMs ?? Number.MAX_SAFE_INTEGER;

/** What of a key can be changed, as it is now. */
export function settingsOf(key: ApiKey): KeySettings {
  const { metadata } = key;
  const members = { ...key, metadata: Object.keys(metadata).length > 0 ? metadata : null };
  const settings = Object.keys(KeySettings.shape).map((name) => [name, members[name as keyof ApiKey]]);
  return Object.fromEntries(settings.filter(([, value]) => value !== null)) as KeySettings;
}

/** The columns of settings: what is absent is null. */
export const columnsOf = (settings: KeySettings) => ({
  name: settings.name,
  role: settings.role,
  scopes: settings.scopes ?? null,
  models: settings.models ?? null,
  origins: settings.origins ?? null,
  ips: settings.ips ?? null,
  limits: settings.limits ?? null,
  priority: settings.priority ?? null,
  metadata: settings.metadata ?? null,
  expiresAtMs: settings.expiresAtMs ?? null,
});

/** Where a page of a list begins: behind this key. */
export type KeyPlace = Pick<KeyRow, "createdAtMs" | "id">;

/** Whether a key stands behind another in a list, of which the newest is first. */
export const isBehind = (key: KeyPlace, other: KeyPlace): boolean =>
  key.createdAtMs < other.createdAtMs || (key.createdAtMs === other.createdAtMs && key.id < other.id);

/** The keys of a workspace, or those that one of its members or keys has made, the newest first. */
export const selectKeys = (
  db: DrizzleD1Database,
  {
    workspaceId,
    createdBy,
    behind,
    limit,
  }: { workspaceId: string; createdBy?: string | undefined; behind?: KeyPlace | undefined; limit: number },
) =>
  db
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.workspaceId, workspaceId),
        createdBy === undefined ? undefined : eq(apiKeys.createdBy, createdBy),
        behind && sql`(${apiKeys.createdAtMs}, ${apiKeys.id}) < (${behind.createdAtMs}, ${behind.id})`,
      ),
    )
    .orderBy(desc(apiKeys.createdAtMs), desc(apiKeys.id))
    .limit(limit);
