import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Secrets of a platform on this machine, made once. */
export type Secrets = { readonly KEY_PEPPER: string };

/** Reads the secrets of the state folder, and makes those that are missing. Only the user may read the file. */
export function loadSecrets(stateDir: string): Secrets {
  const file = join(stateDir, "secrets.json");
  let known: Partial<Secrets> = {};
  try {
    known = JSON.parse(readFileSync(file, "utf8")) as Partial<Secrets>;
  } catch {
    // The first start.
  }
  if (typeof known.KEY_PEPPER === "string" && known.KEY_PEPPER.length >= 32)
    return { KEY_PEPPER: known.KEY_PEPPER };
  const secrets: Secrets = { KEY_PEPPER: randomBytes(32).toString("hex") };
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}
