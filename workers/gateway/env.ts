import { z } from "zod";
import { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { NO_CORS, readCorsOrigins } from "../../shared/http/cors.ts";
import { Limits } from "../../shared/contracts/limits.ts";
import { PASSWORD_COST, ScryptCost } from "../../shared/auth/password-cost.ts";
import { checkEngineUrls } from "../../shared/engines/base-url.ts";
import { ThrottleSettings } from "../../shared/limits/throttle-rules.ts";

const Switch = z.enum(["0", "1", "true", "false"]).transform((value) => value === "1" || value === "true");
const DurationMs = z.coerce.number().int().min(100);

const Json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: "custom", message: "is not JSON" });
    return z.NEVER;
  }
});

const EngineList = Json.pipe(z.array(EngineConfig)).refine(
  (list) => new Set(list.map((engine) => engine.id)).size === list.length,
  "two engines have the same id",
);

const Origins = z.string().transform((text, context) => {
  const read = readCorsOrigins(text);
  if (read.ok) return read.value;
  context.addIssue({ code: "custom", message: read.error });
  return z.NEVER;
});

/** The engines of the variable are held to what an operator's registrations are held to, as far as one can see here. */
function checkHosts({ ENGINES, ALLOW_PRIVATE_ENGINES }: Config, context: z.RefinementCtx): void {
  for (const engine of ENGINES) {
    const checked = checkEngineUrls(engine, { privateAllowed: ALLOW_PRIVATE_ENGINES });
    if (checked.ok) continue;
    const { field, why } = checked.error;
    const message = `the engine ${engine.id}: ${field} ${why}, or set ALLOW_PRIVATE_ENGINES where this is your own machine`;
    context.addIssue({ code: "custom", path: ["ENGINES"], message });
  }
}

/** Every variable that the Worker reads, and what it is when nobody set it. Nothing else reads the environment. */
export const Config = z.object({
  ENGINES: EngineList.default([]),
  KEY_PEPPER: z
    .string()
    .min(16, "must be a secret of at least 16 characters; set it with `wrangler secret put KEY_PEPPER`"),
  /** Which pepper that is: secrets say with which they were hashed. */
  KEY_PEPPER_VERSION: z.coerce.number().int().min(1).default(1),
  /** The pepper of before, with which keys are known as well and come under the present one when they are used. */
  KEY_PEPPER_PREVIOUS: z.string().optional(),
  /** The address of clients where no edge tells it: on one's own machine. */
  CLIENT_ADDRESS: z.string().optional(),
  BODY_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1024)
    .default(16 * 1024 * 1024),
  /** Silence after which a stream gets a comment, so that no proxy or client gives up. */
  KEEP_ALIVE_MS: DurationMs.default(10_000),
  /** Where this deployment stands, for engines of the same region to be preferred. */
  REGION: z.string().optional(),
  /** Wait before the first further round of attempts; it doubles with each. */
  RETRY_BASE_MS: z.coerce.number().int().min(1).max(8_000).default(500),
  /** Where they are not set, each kind of engine has its own. */
  FIRST_BYTE_TIMEOUT_MS: DurationMs.optional(),
  IDLE_TIMEOUT_MS: DurationMs.optional(),
  TOTAL_TIMEOUT_MS: DurationMs.default(900_000),
  /** How long what was used may wait in a key's object before it is written to the database. */
  USAGE_FLUSH_MS: DurationMs.default(30_000),
  /** Engines on private networks, and keys in clear: on one's own machine, never where others register engines. */
  ALLOW_PRIVATE_ENGINES: Switch.default(false),
  /** Whose pages may read answers in a browser: origins with commas between them, or `*`. */
  CORS_ORIGINS: Origins.default(NO_CORS),
  /** `/metrics` without a key: only where nobody but the operator reaches it. */
  METRICS_PUBLIC: Switch.default(false),
  /**
   * Who may sign up: everybody (`open`), those who are invited into a workspace (`invite`), or nobody (`closed`).
   * Operators make accounts under each, and those who have one can be invited under each.
   */
  SIGNUP_POLICY: z.enum(["open", "invite", "closed"]).default("closed"),
  /** What the workspace of somebody who signs up by themselves may use. */
  SIGNUP_LIMITS: Json.pipe(Limits).default({ requestsPerMinute: 100 }),
  /** What signs access tokens; made from KEY_PEPPER where it is not set. */
  JWT_SECRET: z
    .string()
    .min(32, "must be a secret of at least 32 characters; set it with `wrangler secret put JWT_SECRET`")
    .optional(),
  /** What a password's hash costs to make and to guess. */
  PASSWORD_COST: Json.pipe(ScryptCost).default(PASSWORD_COST),
  /** How often what is open to everybody may be tried, where that is not as in `throttle-rules.ts`. */
  THROTTLE_RULES: Json.pipe(ThrottleSettings).default({}),
  /** Nobody but this machine reaches the platform: a request that tells no address is its own, and not throttled by it. */
  LOOPBACK_ONLY: Switch.default(false),
  /** One line for each request; off for benchmarks. */
  LOG_REQUESTS: Switch.default(true),
});
export type Config = z.infer<typeof Config>;

/** A secret that was emptied is one that is not there. */
const unlessEmpty = (name: string, env: Readonly<Record<string, unknown>>): unknown =>
  name.startsWith("KEY_PEPPER_") && env[name] === "" ? undefined : env[name];

/** Reads the environment, or says in one sentence what is wrong with it. */
export function readConfig(env: Readonly<Record<string, unknown>>): Config {
  const parsed = Config.superRefine(checkHosts).safeParse(
    Object.fromEntries(Object.keys(Config.shape).map((name) => [name, unlessEmpty(name, env)])),
  );
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
}
