import { createApiKey, hashApiKey, importPepper, keyHint } from "../../shared/auth/api-key.ts";
import type { Config } from "./env.ts";
import type { NewSecret } from "./store/key-admin.ts";

/** Chance, as many bytes as are asked for. */
export const randomBytes = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));

/** Makes the secret of a key, and what is stored of it. */
export async function newSecret(
  { KEY_PEPPER, KEY_PEPPER_VERSION }: Pick<Config, "KEY_PEPPER" | "KEY_PEPPER_VERSION">,
  nowMs: number,
): Promise<NewSecret> {
  const secret = createApiKey(randomBytes, nowMs);
  const hash = await hashApiKey(await importPepper(KEY_PEPPER), secret);
  return { secret, hash, hint: keyHint(secret), pepperVersion: KEY_PEPPER_VERSION };
}
