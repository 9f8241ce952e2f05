/** Where models are kept: in the user's cache folder, shared by all checkouts, or where that cannot be written, in ours. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The platform's own place for caches. */
export function defaultCacheDir(
  platform: NodeJS.Platform,
  env: Environment,
  home: string = homedir(),
): string {
  if (env["XDG_CACHE_HOME"]) return join(env["XDG_CACHE_HOME"], "eco-base");
  if (platform === "darwin") return join(home, "Library", "Caches", "eco-base");
  if (platform === "win32")
    return join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "eco-base", "Cache");
  return join(home, ".cache", "eco-base");
}

/** Makes the folder; false where it cannot be made or written to. */
export async function isWritable(directory: string): Promise<boolean> {
  const probe = join(directory, `.write-test-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(probe, "");
    await rm(probe);
    return true;
  } catch {
    return false;
  }
}
