import { join } from "node:path";
import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { ROOT } from "../platform/bundle.ts";
import type { DevKeys } from "./keys.ts";
import { writePrivateFile } from "./private-file.ts";

/** An engine as it is shown: without its keys, with the models that it serves. */
export type ServedEngine = Pick<EngineConfig, "id" | "kind" | "baseUrl"> & {
  readonly models: readonly string[];
};

/**
 * Tells scripts of this platform in `dev.json`: in its state folder, and in `.eco` of the checkout, where that of the
 * last start lies. Nothing of ours reads it back. Returns the path of the first. Throws where it cannot be written.
 */
export function writeDevFile(
  stateDir: string,
  platform: DevKeys & { readonly url: string; readonly engines: readonly ServedEngine[] },
): string {
  const files = [join(stateDir, "dev.json"), join(ROOT, ".eco", "dev.json")] as const;
  for (const file of new Set(files)) writePrivateFile(file, `${JSON.stringify(platform, null, 2)}\n`);
  return files[0];
}
