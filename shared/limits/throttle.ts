/** At most `countMax` attempts in any window of this length. */
export type ThrottleRule = {
  /** What is tried; the attempts at different things are counted apart. */
  readonly name: string;
  readonly countMax: number;
  readonly windowMs: number;
};

/** When each attempt of late was made, oldest first, in milliseconds. */
export type Attempts = readonly number[];

/** What came of an attempt: zero milliseconds to wait where it is let through. */
export type Taken = { readonly attempts: Attempts; readonly waitMs: number };

/**
 * Lets an attempt through and counts it, or says when the next one would be. One that is refused is not counted, so that
 * waiting always helps. The log is exact and never longer than `countMax`.
 */
export function takeAttempt(attempts: Attempts, rule: ThrottleRule, nowMs: number): Taken {
  const recent = recentAttempts(attempts, rule.windowMs, nowMs);
  // Where a limit was lowered, more than the oldest have to leave.
  const blocking = recent[recent.length - rule.countMax];
  if (rule.countMax <= 0) return { attempts: recent, waitMs: rule.windowMs };
  if (blocking !== undefined) return { attempts: recent, waitMs: blocking + rule.windowMs - nowMs };
  return { attempts: [...recent, nowMs], waitMs: 0 };
}

/** Those that still count. A clock that was set back makes none of them last longer than a window. */
export const recentAttempts = (attempts: Attempts, windowMs: number, nowMs: number): Attempts =>
  attempts.map((atMs) => Math.min(atMs, nowMs)).filter((atMs) => atMs > nowMs - windowMs);
