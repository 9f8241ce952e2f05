import type { D1Database } from "@cloudflare/workers-types";
import { drizzle } from "drizzle-orm/d1";
import { randomBytes } from "node:crypto";
import { createApiKey, hashApiKey, importPepper, keyHint } from "../../shared/auth/api-key.ts";
import type { Principal } from "../../shared/auth/principal.ts";
import { randomBase62 } from "../../shared/kernel/ids.ts";
import { apiKeys, workspaces } from "../../workers/gateway/store/schema.ts";

const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));

/** Makes a workspace, and returns its id. */
export async function createWorkspace(database: D1Database, name: string, nowMs: number): Promise<string> {
  const id = `ws_${randomBase62(20, random)}`;
  await drizzle(database).insert(workspaces).values({ id, name, createdAtMs: nowMs });
  return id;
}

/** Makes a key of a workspace, and returns its secret, which is stored nowhere. */
export async function createKey(
  database: D1Database,
  pepper: string,
  key: { workspaceId: string; name: string; role: Principal["role"]; nowMs: number },
): Promise<string> {
  const secret = createApiKey(random);
  await drizzle(database)
    .insert(apiKeys)
    .values({
      hash: await hashApiKey(await importPepper(pepper), secret),
      id: `key_${randomBase62(20, random)}`,
      workspaceId: key.workspaceId,
      name: key.name,
      role: key.role,
      hint: keyHint(secret),
      createdAtMs: key.nowMs,
    });
  return secret;
}

/** Whether a secret is a key that works. */
export async function keyWorks(database: D1Database, pepper: string, secret: string): Promise<boolean> {
  const hash = await hashApiKey(await importPepper(pepper), secret);
  const row = await database
    .prepare("SELECT 1 FROM api_keys WHERE hash = ? AND revoked_at_ms IS NULL")
    .bind(hash)
    .first();
  return row !== null;
}

/** A first workspace and operator key as SQL, for a database that is reached by wrangler alone. */
export async function firstKeySql(pepper: string, nowMs: number): Promise<{ key: string; sql: string }> {
  const key = createApiKey(random);
  const workspaceId = `ws_${randomBase62(20, random)}`;
  const hash = await hashApiKey(await importPepper(pepper), key);
  // Every value is of our own making: base 62, hex, numbers and a hint of the key.
  const sql = [
    `INSERT INTO workspaces (id, name, created_at_ms) VALUES ('${workspaceId}', 'Home', ${nowMs});`,
    `INSERT INTO api_keys (hash, id, workspace_id, name, role, hint, created_at_ms) VALUES ('${hash}', 'key_${randomBase62(20, random)}', '${workspaceId}', 'first operator', 'admin', '${keyHint(key)}', ${nowMs});`,
  ].join("\n");
  return { key, sql };
}
