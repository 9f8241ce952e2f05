import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../platform/bundle.ts";
import { EcoError, type Io } from "./command.ts";

/** The options by which every command is told of its platform. */
export const PLATFORM_OPTIONS = { url: { type: "string" }, key: { type: "string" } } as const;
export type PlatformOptions = { readonly url?: string | undefined; readonly key?: string | undefined };

/** A platform, and the operator's key to it. */
export type Target = { readonly url: string; readonly key: string };

/**
 * The platform that is meant: by the options, by ECO_URL and ECO_KEY, or the last that `npm start` brought up here. Both
 * or neither come from there: a key is never sent to a platform that it is not of. Throws an `EcoError` where there is none.
 */
export function targetOf(options: PlatformOptions, env: NodeJS.ProcessEnv): Target {
  const url = options.url ?? env.ECO_URL;
  const key = options.key ?? env.ECO_KEY;
  if (url !== undefined && key !== undefined) return { url: url.replace(/\/+$/, ""), key };
  if (url !== undefined || key !== undefined)
    throw new EcoError(
      "`--url` and `--key` (or ECO_URL and ECO_KEY) belong together: give both, or neither.",
    );
  const file = join(env.ECO_STATE ?? join(ROOT, ".eco"), "dev.json");
  try {
    const { url: known, adminKey } = JSON.parse(readFileSync(file, "utf8")) as {
      url?: unknown;
      adminKey?: unknown;
    };
    if (typeof known === "string" && typeof adminKey === "string") return { url: known, key: adminKey };
  } catch {
    // Told below.
  }
  throw new EcoError(
    `No platform is known: ${file} tells of none. Start one with \`npm start\`, or give \`--url\` and \`--key\`.`,
  );
}

/** Asks a platform with the operator's key. Gives the answer's JSON; throws an `EcoError` with what the platform says. */
export async function askPlatform<T>(
  io: Io,
  { url, key }: Target,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await io
    .fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    .catch((error: unknown) => {
      throw new EcoError(`${url} cannot be reached: ${reasonOf(error)}.`);
    });
  const told: unknown = await response.json().catch(() => undefined);
  if (response.ok && told !== undefined) return told as T;
  const message = (told as { error?: { message?: unknown } } | undefined)?.error?.message;
  throw new EcoError(
    typeof message === "string"
      ? message
      : `${url}${path} answered ${response.status}, and it was no platform of ours.`,
    1,
  );
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
};
