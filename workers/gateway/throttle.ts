import { type Pepper, hashApiKey, importPepper } from "../../shared/auth/api-key.ts";
import type { Failure } from "../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import type { ThrottleRule } from "../../shared/limits/throttle.ts";

/** Whom attempts are counted against: an address, or an account that somebody tries to sign in to. */
export type ThrottleSubject = `ip:${string}` | `login:${string}`;

/** How often things may be tried, in all of the platform together. */
export type Throttle = {
  /** Counts an attempt, or says that it is one too many. While nobody can count, nobody may try. */
  take(subject: ThrottleSubject, rule: ThrottleRule): Promise<Result<void, Failure>>;
  /** Takes all attempts of a subject at something back. */
  clear(subject: ThrottleSubject, rule: ThrottleRule): Promise<void>;
};

/** A subject's object. */
export type ThrottlePort = { take(rule: ThrottleRule): Promise<number>; clear(name: string): Promise<void> };

/** Asks the object of each subject. Its name is a hash with the pepper: neither addresses nor accounts can be read from it. */
export function createThrottle(pepper: string, objectOf: (name: string) => ThrottlePort): Throttle {
  let imported: Promise<Pepper> | undefined;
  const find = async (subject: ThrottleSubject) => {
    imported ??= importPepper(pepper);
    const kind = subject.slice(0, subject.indexOf(":"));
    return objectOf(`${kind}:${await hashApiKey(await imported, subject)}`);
  };
  return {
    async take(subject, rule) {
      try {
        const waitMs = await (await find(subject)).take(rule);
        return waitMs > 0 ? err({ kind: "throttled", retryAfterMs: waitMs }) : ok(undefined);
      } catch {
        return err({ kind: "store_unavailable" });
      }
    },
    async clear(subject, rule) {
      await (await find(subject)).clear(rule.name);
    },
  };
}
