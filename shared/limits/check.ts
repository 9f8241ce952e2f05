import type { Limits } from "../contracts/limits.ts";
import { DAY_MS, type Period, dayOf, monthOf, monthStartMs } from "./periods.ts";
import { BUCKET_MS, type Slide, WINDOW_MS, leavesInMs } from "./slide.ts";

/** A limit, as it is called where it refuses. */
export type LimitName =
  | "concurrent_requests"
  | "requests_per_minute"
  | "tokens_per_minute"
  | "tokens_per_day"
  | "tokens_per_month"
  | "cost_per_day"
  | "cost_per_month";

/** What a request takes of the limits. */
export type Need = { readonly requests: number; readonly tokens: number; readonly costNano: number };

/** Everything that counts against limits at a moment; the periods and the slides are up to date. */
export type Load = {
  readonly requests: Slide;
  readonly tokens: Slide;
  readonly day: Period;
  readonly month: Period;
  /** Requests that are under way. */
  readonly open: number;
  /** Handed out to isolates and not told of yet, and when the last of it ends. */
  readonly leased: Need & { readonly untilMs: number };
};

/** Why a request is refused: the limit, what is left of it, and when there is enough. */
export type Refusal = {
  readonly limit: LimitName;
  readonly max: number;
  readonly remaining: number;
  /** Null where it can never be admitted: it asks for more than the limit. */
  readonly retryAfterMs: number | null;
  /** Isolates hold what it lacks: it may come back within the second. */
  readonly leased: boolean;
};

/** How a caller stands, for the answer's headers. */
export type Standing = {
  readonly requests?: { readonly max: number; readonly remaining: number; readonly resetMs: number };
  readonly tokens?: { readonly max: number; readonly remaining: number; readonly resetMs: number };
};

/** When to come back where another request has to end first, in milliseconds: nobody knows, so soon. */
const SLOT_RETRY_MS = 1_000;

/** One limit, in the units in which it is counted. */
type Gauge = {
  readonly limit: LimitName;
  readonly max: number;
  readonly used: number;
  readonly leased: number;
  readonly need: number;
  /** Units of the limit's own in one of those counted. */
  readonly unit: number;
  /** When `amount` will have come back. */
  backInMs(amount: number): number;
};

const nanoOf = (amount: number): number => Math.round(amount * 1e9);

/** The limits that are set, with what is used of them. */
function gauges(limits: Limits, load: Load, need: Need, nowMs: number): Gauge[] {
  const { requests, tokens, day, month, open, leased } = load;
  const all: Gauge[] = [];
  const add = (
    limit: LimitName,
    max: number | null | undefined,
    used: number,
    lent: number,
    wanted: number,
    backInMs: (amount: number) => number,
    unit = 1,
  ) => {
    if (max != null) all.push({ limit, max, used, leased: lent, need: wanted, backInMs, unit });
  };
  const untilDay = () => (dayOf(nowMs) + 1) * DAY_MS - nowMs;
  const untilMonth = () => monthStartMs(monthOf(nowMs) + 1) - nowMs;
  add(
    "concurrent_requests",
    limits.concurrentRequests,
    open,
    leased.requests,
    need.requests,
    () => SLOT_RETRY_MS,
  );
  add(
    "requests_per_minute",
    limits.requestsPerMinute,
    requests.sum,
    leased.requests,
    need.requests,
    (amount) => leavesInMs(requests, amount, nowMs),
  );
  add("tokens_per_minute", limits.tokensPerMinute, tokens.sum, leased.tokens, need.tokens, (amount) =>
    leavesInMs(tokens, amount, nowMs),
  );
  add("tokens_per_day", limits.tokensPerDay, day.tokens, leased.tokens, need.tokens, untilDay);
  add("tokens_per_month", limits.tokensPerMonth, month.tokens, leased.tokens, need.tokens, untilMonth);
  const cost = [leased.costNano, need.costNano] as const;
  add("cost_per_day", mapped(limits.costPerDay), day.costNano, ...cost, untilDay, 1e-9);
  add("cost_per_month", mapped(limits.costPerMonth), month.costNano, ...cost, untilMonth, 1e-9);
  return all;
}

const mapped = (amount: number | null | undefined): number | null => (amount == null ? null : nanoOf(amount));

/**
 * Why a request is refused, or undefined where all limits have room for it. Of several limits without room the one is told
 * that takes longest. A budget that is used up refuses even what needs nothing of it.
 */
export function check(limits: Limits | null, load: Load, need: Need, nowMs: number): Refusal | undefined {
  if (!limits) return undefined;
  let worst: Refusal | undefined;
  for (const gauge of gauges(limits, load, need, nowMs)) {
    const left = gauge.max - gauge.used - gauge.leased;
    // What costs nothing, or is not known to, must not pass a budget that is spent.
    const isSpent = gauge.need === 0 && gauge.max - gauge.used <= 0;
    if (gauge.need <= left && !isSpent) continue;
    const refusal = refusalOf(gauge, Math.max(0, left), load.leased.untilMs, nowMs);
    if (!worst || later(refusal, worst)) worst = refusal;
  }
  return worst;
}

function refusalOf(gauge: Gauge, left: number, leasedUntilMs: number, nowMs: number): Refusal {
  const { limit, unit } = gauge;
  const leased = gauge.leased > 0 && gauge.need <= gauge.max - gauge.used && gauge.need > 0;
  const never = gauge.need > gauge.max;
  const backInMs = leased ? leasedUntilMs - nowMs : gauge.backInMs(gauge.need - left);
  return {
    limit,
    max: gauge.max * unit,
    remaining: left * unit,
    retryAfterMs: never ? null : Math.max(1, backInMs),
    leased,
  };
}

const later = (a: Refusal, b: Refusal): boolean =>
  (a.retryAfterMs ?? Infinity) > (b.retryAfterMs ?? Infinity);

/** What is free of every limit, in requests, tokens and cost: the most that a lease could be. */
export function free(limits: Limits | null, load: Load): Need {
  const room = { requests: Infinity, tokens: Infinity, costNano: Infinity };
  if (!limits) return room;
  const none = { requests: 0, tokens: 0, costNano: 0 };
  for (const { limit, max, used, leased } of gauges(limits, load, none, 0)) {
    const left = Math.max(0, max - used - leased);
    if (/requests/.test(limit)) room.requests = Math.min(room.requests, left);
    else if (/tokens/.test(limit)) room.tokens = Math.min(room.tokens, left);
    else room.costNano = Math.min(room.costNano, left);
  }
  return room;
}

/** How the caller stands right after an admission: what was let in now leaves last. */
export function standingOf(limits: Limits | null, { requests, tokens, leased }: Load): Standing {
  const resetMs = WINDOW_MS + 2 * BUCKET_MS;
  const of = (max: number, used: number) => ({ max, remaining: Math.max(0, max - used), resetMs });
  return {
    ...(limits?.requestsPerMinute != null && {
      requests: of(limits.requestsPerMinute, requests.sum + leased.requests),
    }),
    ...(limits?.tokensPerMinute != null && {
      tokens: of(limits.tokensPerMinute, tokens.sum + leased.tokens),
    }),
  };
}
