import {
  type Attempts,
  type ThrottleRule,
  recentAttempts,
  takeAttempt,
} from "../../../shared/limits/throttle.ts";

/** Addresses that an isolate remembers; the oldest goes. */
const ADDRESSES_MAX = 10_000;

/** Who sends keys of the right form that nobody has. */
export type FailedKeys = {
  /** How long no key of an address is looked up any more, in milliseconds. */
  waitMs(address: string | undefined, nowMs: number): number;
  /** Counts a key that nobody has. */
  count(address: string | undefined, nowMs: number): void;
};

/**
 * Counts them in the isolate's memory alone: keys have so many random bits that none is ever guessed, and this is only
 * to keep a flood of them from the database. A flood that is spread over isolates is spread over their limits too, and
 * an isolate that ends forgives.
 */
export function createFailedKeys(rule: ThrottleRule): FailedKeys {
  const byAddress = new Map<string, Attempts>();
  return {
    waitMs(address, nowMs) {
      const attempts = address === undefined ? undefined : byAddress.get(address);
      return attempts ? takeAttempt(attempts, rule, nowMs).waitMs : 0;
    },
    count(address, nowMs) {
      if (address === undefined) return;
      const before = byAddress.get(address) ?? [];
      // Whoever was let in at the same time is counted as well: more than the rule allows, never without bound.
      const attempts = [...recentAttempts(before, rule.windowMs, nowMs), nowMs].slice(-rule.countMax);
      byAddress.delete(address);
      if (byAddress.size >= ADDRESSES_MAX) byAddress.delete(byAddress.keys().next().value ?? "");
      byAddress.set(address, attempts);
    },
  };
}
