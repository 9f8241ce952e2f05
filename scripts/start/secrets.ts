import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { writePrivateFile } from "./private-file.ts";

/** Secrets of a platform on this machine, made once. */
export type Secrets = z.infer<typeof Secrets>;
const Secrets = z.object({ KEY_PEPPER: z.string().min(32) });

/**
 * Reads the secrets of the state folder, and makes them where there are none. Only the user may read the file. Secrets
 * that are there and cannot be read are an error, one line for the user: new ones would end every key made so far.
 */
export function loadSecrets(stateDir: string): Result<Secrets, string> {
  const file = join(stateDir, "secrets.json");
  try {
    return ok(Secrets.parse(JSON.parse(readFileSync(file, "utf8"))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      return err(
        `${file} cannot be read (${reasonOf(error)}), and every key hangs on it. Mend it or put it back from a copy; without it, all keys must be made anew.`,
      );
  }
  const secrets: Secrets = { KEY_PEPPER: randomBytes(32).toString("hex") };
  writePrivateFile(file, JSON.stringify(secrets));
  return ok(secrets);
}

/** What is wrong, without a word of what the file holds. */
const reasonOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ??
  (error instanceof SyntaxError ? "it is not JSON" : "it holds no KEY_PEPPER");
