import { type Result, err, ok } from "../kernel/result.ts";

/** Which pages of other origins may read our answers: any, or those that are named. https://fetch.spec.whatwg.org/#http-cors-protocol */
export type CorsPolicy = { readonly any: boolean; readonly origins: ReadonlySet<string> };

/** No page of another origin. */
export const NO_CORS: CorsPolicy = { any: false, origins: new Set() };

/** Time for which a browser remembers what it was told beforehand, in seconds: none remembers longer than Chromium. */
const MAX_AGE_S = 7_200;

/** Headers of answers that pages may read. A `*` would do for all, and older browsers would not know it. */
const EXPOSED = [
  "x-request-id",
  "retry-after",
  "etag",
  "allow",
  ...["request-id", "engine", "attempts", "queue-ms", "engine-ms", "overhead-ms", "audit-head"].map(
    (name) => `x-eco-${name}`,
  ),
  ...["limit", "remaining", "reset"].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
].join(", ");

/** Headers that pages may send: ours, and those of OpenAI's SDKs. */
const SENDABLE =
  /^(authorization|content-type|accept|if-match|idempotency-key|openai-(beta|organization|project)|x-(eco|stainless)-[a-z0-9-]+)$/;

/** Reads a list of origins, with commas between them, or `*`. The error is what is wrong with it. */
export function readCorsOrigins(text: string): Result<CorsPolicy, string> {
  const all = text.split(",").map((each) => each.trim());
  const named = all.filter((each) => each !== "");
  if (named.includes("*"))
    return named.length === 1
      ? ok({ any: true, origins: new Set() })
      : err("is either `*` or a list of origins");
  const wrong = named.find((each) => !isOrigin(each));
  if (wrong !== undefined)
    return err(
      `\`${wrong}\` is no origin: that is a scheme and a host without a path, as in https://app.example.com`,
    );
  return ok({ any: false, origins: new Set(named) });
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  return /^https?:$/.test(protocol) && origin === text;
}

/**
 * What an answer says of who may read it. A key that has origins of its own allows these as well, for its answers.
 * Nobody's cookies are involved: keys are sent in a header, so credentials are never allowed.
 */
export function corsHeaders(
  policy: CorsPolicy,
  origin: string | null,
  keyOrigins: readonly string[] | null,
): Readonly<Record<string, string>> {
  if (policy.any) return { "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED };
  const allowed = origin !== null && (policy.origins.has(origin) || keyOrigins?.includes(origin) === true);
  if (!allowed) return { vary: "Origin" };
  return { "access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED, vary: "Origin" };
}

/** Whether an answer has anything to say of it: most deployments and keys name no origins. */
export const concernsCors = (policy: CorsPolicy, keyOrigins: readonly string[] | null): boolean =>
  policy.any || policy.origins.size > 0 || keyOrigins !== null;

/** What a browser asks before it sends a page's request. */
export type Preflight = {
  readonly origin: string | null;
  readonly method: string | null;
  /** The headers that the page wants to send, as the browser lists them. */
  readonly headers: string | null;
};

/**
 * The answer to it, for a path with these methods; undefined where it is no such question, or the page may not ask. It
 * comes without a key, so origins of keys cannot count.
 */
export function preflightHeaders(
  policy: CorsPolicy,
  { origin, method, headers }: Preflight,
  methods: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (origin === null || method === null || methods.length === 0) return undefined;
  if (!policy.any && !policy.origins.has(origin)) return undefined;
  const wanted = (headers ?? "").split(",").map((name) => name.trim().toLowerCase());
  const allowed = wanted.filter((name) => SENDABLE.test(name));
  return {
    "access-control-allow-origin": policy.any ? "*" : origin,
    "access-control-allow-methods": methods.join(", "),
    ...(allowed.length > 0 && { "access-control-allow-headers": allowed.join(", ") }),
    "access-control-max-age": String(MAX_AGE_S),
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  };
}
