import { addressSubject } from "../../../shared/auth/client-address.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import { type ThrottleName, throttleRule } from "../../../shared/limits/throttle-rules.ts";
import { failureResponse } from "../http/failure-response.ts";
import type { Handler } from "../middleware/guard.ts";
import type { Run } from "../run.ts";

/** Whom all are taken for who tell no address: no client of a deployment can leave it out. */
const UNKNOWN = "unknown";

/** The address that a request comes from, as the edge tells it: no other header can be trusted. Undefined where it tells none. */
export const addressOf = (run: Run): string | undefined =>
  addressSubject(run.request.headers.get("cf-connecting-ip"));

/** What is open to everybody and has a rule of its own. */
const RULES: Readonly<Record<string, ThrottleName>> = {
  "/auth/signup": "signup",
  "/auth/login": "login",
  "/auth/refresh": "refresh",
  "/auth/password/reset": "passwordReset",
};

/** By which rule a route that is open to everybody is throttled. A new one is without anybody's thinking of it. */
export const throttleNameOf = (path: string): ThrottleName =>
  Object.hasOwn(RULES, path) ? (RULES[path] ?? "publicPost") : "publicPost";

/** A handler of what is open to everybody, for those who have not tried it too often from where they are. */
export const throttled =
  (name: ThrottleName, handler: Handler): Handler =>
  async (c) => {
    const { run } = c.env;
    run.operation = "accounts";
    const { config, throttle } = run.ports;
    const address = addressOf(run);
    // Here everybody is the machine's own user, who would only shut themselves out.
    if (address === undefined && config.LOOPBACK_ONLY) return handler(c);
    const taken = await throttle.take(`ip:${address ?? UNKNOWN}`, throttleRule(name, config.THROTTLE_RULES));
    return taken.ok ? handler(c) : failureResponse(run, taken.error);
  };

/**
 * Counts an attempt at somebody's password before it is looked at: of many at once no more are let through. Whether there
 * is such an account makes no difference.
 */
export const takePasswordAttempt = (run: Run, email: string): Promise<Result<void, Failure>> =>
  run.ports.throttle.take(`login:${email}`, throttleRule("loginFailures", run.ports.config.THROTTLE_RULES));

/** Takes the attempts at somebody's password back, for the right one has been given. */
export async function forgivePasswordAttempts(run: Run, email: string): Promise<Result<void, Failure>> {
  await run.ports.throttle
    .clear(`login:${email}`, throttleRule("loginFailures", run.ports.config.THROTTLE_RULES))
    // What is not taken back is forgotten in a quarter of an hour.
    .catch((error: unknown) => run.fail(error));
  return ok(undefined);
}
