import type { D1Database } from "@cloudflare/workers-types";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createKey, createWorkspace, keyWorks } from "../platform/accounts.ts";
import { writePrivateFile } from "./private-file.ts";

/** The keys that the ready screen shows. */
export type DevKeys = { readonly apiKey: string; readonly adminKey: string };

/**
 * The keys of this platform: those of the last start where they still work, else new ones in a workspace of their own.
 * The database knows only their hashes; their text lives in `keys.json` of the state folder, which only the user can
 * read. Throws where that cannot be written.
 */
export async function ensureKeys(
  database: D1Database,
  pepper: string,
  stateDir: string,
  nowMs: number,
): Promise<DevKeys> {
  const file = join(stateDir, "keys.json");
  const known = readKeys(file);
  if (
    known &&
    (await keyWorks(database, pepper, known.apiKey)) &&
    (await keyWorks(database, pepper, known.adminKey))
  )
    return known;
  const keys = await makeKeys(database, pepper, nowMs);
  // Beside them lies the first account's password.
  writePrivateFile(file, `${JSON.stringify({ ...readJson(file), ...keys }, null, 2)}\n`);
  return keys;
}

async function makeKeys(database: D1Database, pepper: string, nowMs: number): Promise<DevKeys> {
  const workspaceId = (await firstWorkspace(database)) ?? (await createWorkspace(database, "Home", nowMs));
  return {
    apiKey: await createKey(database, pepper, { workspaceId, name: "npm start", role: "developer", nowMs }),
    adminKey: await createKey(database, pepper, {
      workspaceId,
      name: "npm start (operator)",
      role: "admin",
      nowMs,
    }),
  };
}

function readKeys(file: string): DevKeys | undefined {
  const { apiKey, adminKey } = readJson(file) as Partial<DevKeys>;
  return typeof apiKey === "string" && typeof adminKey === "string" ? { apiKey, adminKey } : undefined;
}

/** What a private file holds; nothing where it cannot be read. */
export function readJson(file: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

async function firstWorkspace(database: D1Database): Promise<string | undefined> {
  const row = await database
    .prepare("SELECT id FROM workspaces ORDER BY created_at_ms LIMIT 1")
    .first<{ id: string }>();
  return row?.id;
}
