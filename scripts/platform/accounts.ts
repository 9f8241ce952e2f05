import type { D1Database } from "@cloudflare/workers-types";
import { drizzle } from "drizzle-orm/d1";
import { randomBytes } from "node:crypto";
import { createApiKey, hashApiKey, importPepper, keyHint } from "../../shared/auth/api-key.ts";
import type { Role } from "../../shared/auth/permissions.ts";
import type { Limits } from "../../shared/contracts/limits.ts";
import { randomBase62 } from "../../shared/kernel/ids.ts";
import { apiKeys, keySecrets, memberships, users, workspaces } from "../../workers/gateway/store/schema.ts";

const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));

/** Makes a workspace, of those who run the platform unless told, and returns its id. */
export async function createWorkspace(
  database: D1Database,
  name: string,
  nowMs: number,
  { operator = true, limits }: { readonly operator?: boolean; readonly limits?: Limits } = {},
): Promise<string> {
  const id = `ws_${randomBase62(20, random)}`;
  await drizzle(database)
    .insert(workspaces)
    .values({ id, name, operator, limits: limits ?? null, createdAtMs: nowMs });
  return id;
}

/** What a new key is, and what it may use. */
export type NewKey = Partial<Omit<typeof apiKeys.$inferInsert, "limits">> & {
  readonly workspaceId: string;
  readonly name: string;
  readonly role: Role;
  readonly limits?: Limits;
  readonly nowMs: number;
  /** A secret that is given; otherwise one is made. */
  readonly secret?: string;
};

/** Makes a key of a workspace, and returns its secret, which is stored nowhere. */
export async function createKey(
  database: D1Database,
  pepper: string,
  { nowMs, secret = createApiKey(random, nowMs), ...key }: NewKey,
): Promise<string> {
  const id = key.id ?? `key_${randomBase62(20, random)}`;
  const hash = await hashApiKey(await importPepper(pepper), secret);
  const db = drizzle(database);
  await db.batch([
    db.insert(apiKeys).values({ ...key, id, createdAtMs: nowMs, updatedAtMs: nowMs }),
    db.insert(keySecrets).values({ hash, keyId: id, hint: keyHint(secret), createdAtMs: nowMs }),
  ]);
  return secret;
}

/** A person who can sign in. */
export type NewAccount = {
  readonly workspaceId: string;
  readonly email: string;
  readonly name: string;
  /** Of the password, as `createPasswords` makes it. */
  readonly passwordHash: string;
  readonly role: Role;
  readonly nowMs: number;
};

/** Makes an account in a workspace, and returns its id. */
export async function createAccount(
  database: D1Database,
  { workspaceId, role, email, name, passwordHash, nowMs }: NewAccount,
): Promise<string> {
  const id = `usr_${randomBase62(20, random)}`;
  const db = drizzle(database);
  await db.batch([
    db.insert(users).values({ id, email, name, passwordHash, createdAtMs: nowMs, updatedAtMs: nowMs }),
    db.insert(memberships).values({ workspaceId, userId: id, role, createdAtMs: nowMs }),
  ]);
  return id;
}

/** Whether a secret is a key that works. */
export async function keyWorks(database: D1Database, pepper: string, secret: string): Promise<boolean> {
  const hash = await hashApiKey(await importPepper(pepper), secret);
  const row = await database
    .prepare(
      "SELECT 1 FROM key_secrets JOIN api_keys ON api_keys.id = key_secrets.key_id WHERE hash = ? AND revoked_at_ms IS NULL AND key_secrets.expires_at_ms IS NULL",
    )
    .bind(hash)
    .first();
  return row !== null;
}

/** A first workspace and operator key as SQL, for a database that is reached by wrangler alone. */
export async function firstKeySql(pepper: string, nowMs: number): Promise<{ key: string; sql: string }> {
  const key = createApiKey(random, nowMs);
  const workspaceId = `ws_${randomBase62(20, random)}`;
  const keyId = `key_${randomBase62(20, random)}`;
  const hash = await hashApiKey(await importPepper(pepper), key);
  // Every value is of our own making: base 62, hex, numbers and a hint of the key.
  const sql = [
    `INSERT INTO workspaces (id, name, operator, created_at_ms) VALUES ('${workspaceId}', 'Home', true, ${nowMs});`,
    `INSERT INTO api_keys (id, workspace_id, name, role, created_at_ms, updated_at_ms) VALUES ('${keyId}', '${workspaceId}', 'first operator', 'admin', ${nowMs}, ${nowMs});`,
    `INSERT INTO key_secrets (hash, key_id, hint, created_at_ms) VALUES ('${hash}', '${keyId}', '${keyHint(key)}', ${nowMs});`,
  ].join("\n");
  return { key, sql };
}
