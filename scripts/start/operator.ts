import type { D1Database } from "@cloudflare/workers-types";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { randomBase62 } from "../../shared/kernel/ids.ts";
import { createPasswords } from "../../workers/gateway/auth/password.ts";
import { createAccount } from "../platform/accounts.ts";
import { readJson } from "./keys.ts";
import { writePrivateFile } from "./private-file.ts";

/** Who signs in on this machine, until somebody makes another account. */
export const OPERATOR_EMAIL = "operator@localhost";

const PASSWORD_LENGTH = 24;
const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));

/** The account that the ready screen tells of, and the file in which its first password is. */
export type DevOperator = { readonly email: string; readonly passwordFile: string };

/**
 * Makes the first account of a platform on this machine, once: an admin of the operators' workspace. Its password is kept
 * in `keys.json` of the state folder, beside the keys and for the user alone; whoever changes it knows it, and the file is
 * not told. Throws where the file cannot be written.
 */
export async function ensureOperator(
  database: D1Database,
  stateDir: string,
  nowMs: number,
): Promise<DevOperator> {
  const file = join(stateDir, "keys.json");
  const found = { email: OPERATOR_EMAIL, passwordFile: file };
  const known = await database.prepare("SELECT 1 FROM users WHERE email = ?").bind(OPERATOR_EMAIL).first();
  if (known) return found;
  const workspace = await database
    .prepare("SELECT id FROM workspaces WHERE operator ORDER BY created_at_ms LIMIT 1")
    .first<{ id: string }>();
  if (!workspace) throw new Error("there is no workspace for the operator");
  const password = randomBase62(PASSWORD_LENGTH, random);
  // Written first: an account whose password nobody knows would be worth nothing, and is never made again.
  const kept = { ...readJson(file), operator: { email: OPERATOR_EMAIL, password } };
  writePrivateFile(file, `${JSON.stringify(kept, null, 2)}\n`);
  await createAccount(database, {
    workspaceId: workspace.id,
    email: OPERATOR_EMAIL,
    name: "Operator",
    passwordHash: await createPasswords(random).hash(password),
    role: "admin",
    nowMs,
  });
  return found;
}
