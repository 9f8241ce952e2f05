import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { ROOT } from "../platform/bundle.ts";

/** A platform, and a key of it. */
export type Place = { readonly url: string; readonly key: string };

const DevFile = z.object({ url: z.string(), adminKey: z.string() });

/** Options that say which platform is meant. */
export const PLACE_OPTIONS = { url: { type: "string" }, key: { type: "string" } } as const;

/** The platform that is meant: by options, by ECO_URL and ECO_KEY, or the one that `npm start` runs here. */
export async function findPlace(
  options: { readonly url?: string | undefined; readonly key?: string | undefined },
  processEnv: NodeJS.ProcessEnv,
  devFile = join(ROOT, ".eco", "dev.json"),
): Promise<Result<Place, string>> {
  const url = options.url ?? processEnv.ECO_URL;
  const key = options.key ?? processEnv.ECO_KEY;
  if (url !== undefined && key !== undefined) return ok({ url: url.replace(/\/+$/, ""), key });
  // A key of one platform is not sent to another.
  if (url !== undefined) return err("A key of that platform is needed: --key, or ECO_KEY.");
  try {
    const dev = DevFile.parse(JSON.parse(await readFile(devFile, "utf8")));
    return ok({ url: dev.url, key: key ?? dev.adminKey });
  } catch {
    return err("No platform is known here: run `npm start`, or give --url and --key (ECO_URL, ECO_KEY).");
  }
}
