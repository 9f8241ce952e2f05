import type { Limits } from "../contracts/limits.ts";
import { type Load, type Need, check, free, standingOf } from "../limits/check.ts";
import { type Period, dayOf, hourOf, monthOf, roll } from "../limits/periods.ts";
import { type Slide, addAt, advance, bucketOf, newSlide } from "../limits/slide.ts";
import { costNanoOf } from "../usage/price.ts";
import { type Learnt, expectedOf, learn } from "./learnt.ts";
import type {
  Ask,
  Booking,
  Grant,
  Lent,
  Message,
  Reply,
  Reserve,
  Settlement,
  Taken,
  Verdict,
} from "./messages.ts";
import { type Book, addTo } from "./totals.ts";

// The ledger of one key: what it may still use, what is under way, and what was used. Everything here changes the ledger in
// place and depends on nothing but its arguments, so that the same messages at the same times make the same ledger again:
// that is how its object comes back after a crash.

/** A request that is under way, and what is set aside for it. */
export type Open = {
  readonly holder: string;
  readonly model: string;
  readonly reserve: Reserve;
  /** When its isolate was last known to be at it. */
  seenMs: number;
  /** What it counts in. */
  readonly bucket: number;
  readonly day: number;
  readonly month: number;
};

/** What an isolate may still admit without asking. */
type Lease = Lent & { readonly untilMs: number };

/** A request that nobody had settled, and what was booked for it: a late word of it is still believed. */
type Orphan = { readonly open: Open; readonly booked: Booking; readonly hour: number; readonly atMs: number };

type Holder = { seq: number; reply: Reply; seenMs: number };

/** All that is known of a key. */
export type Ledger = {
  /** Nothing is admitted on an older policy than this. */
  version: number;
  readonly requests: Slide;
  readonly tokens: Slide;
  readonly day: Period;
  readonly month: Period;
  readonly open: Map<string, Open>;
  readonly leases: Map<string, Lease>;
  readonly learnt: Map<string, Learnt>;
  readonly orphans: Map<string, Orphan>;
  readonly holders: Map<string, Holder>;
  readonly book: Book;
  lastUsedMs: number;
};

/** The ledger of a key that nobody has used. */
export const newLedger = (): Ledger => ({
  version: 0,
  requests: newSlide(),
  tokens: newSlide(),
  day: { index: 0, tokens: 0, costNano: 0 },
  month: { index: 0, tokens: 0, costNano: 0 },
  open: new Map(),
  leases: new Map(),
  learnt: new Map(),
  orphans: new Map(),
  holders: new Map(),
  book: new Map(),
  lastUsedMs: 0,
});

/** Silence after which nobody is at a request any more, in milliseconds. Isolates tell of theirs three times as often. */
export const ORPHAN_MS = 30_000;
/** How long an isolate may admit by a lease, in milliseconds. */
export const LEASE_MS = 1_000;
/**
 * Time behind a lease's end in which an isolate gives back what is left of it, in milliseconds. It tells at the same time
 * what it has admitted: until then, or until nobody is there any more, the lease counts as used.
 */
const LEASE_BACK_MS = 250;
/** Requests of an isolate in a second from which on it gets leases. */
const LEASE_RATE_MIN = 50;
/** A lease is at most this part of what is free, so that it gets small where a limit is near. */
const LEASE_SHARE = 8;
/** How long a late settlement is still believed, and an isolate's last answer kept. */
const MEMORY_MS = 3_600_000;
/** Most models of which it is known how long their answers are. */
const MODELS_MAX = 200;

/**
 * Takes in all that an isolate has to say, in one step: what it admitted by its lease, what is over, then what it asks for.
 * A message that comes again is answered as before.
 */
export function step(ledger: Ledger, message: Message, nowMs: number): Reply {
  const known = ledger.holders.get(message.holder);
  if (known && known.seq === message.seq) return known.reply;
  bringUpToDate(ledger, nowMs);
  ledger.version = Math.max(ledger.version, message.policy.version);
  const { limits } = message.policy;
  // What a lease admitted may have ended by the time that it is told.
  for (const taken of message.taken) begin(ledger, message.holder, taken, nowMs);
  for (const settlement of message.settlements) settle(ledger, settlement, nowMs);
  keepLease(ledger, message);
  for (const id of message.open ?? []) see(ledger, id, nowMs);
  const isStale = message.policy.version < ledger.version;
  const verdicts = message.asks.map((ask): Verdict =>
    isStale ? { type: "stale" } : admit(ledger, message.holder, limits, ask, nowMs),
  );
  const grant = isStale ? undefined : extendLease(ledger, message, nowMs);
  const models = new Set([...message.asks, ...message.taken].map(({ model }) => model));
  const expected = Object.fromEntries(
    [...models].map((model) => [model, expectedOf(ledger.learnt.get(model))]),
  );
  const reply = { verdicts, grant, standing: standingOf(limits, loadOf(ledger)), expected };
  ledger.holders.delete(message.holder);
  ledger.holders.set(message.holder, { seq: message.seq, reply, seenMs: nowMs });
  if (message.asks.length + message.taken.length > 0) ledger.lastUsedMs = nowMs;
  return reply;
}

/** Nothing is admitted on an older policy from now on. Gives the milliseconds until the leases from before have ended. */
export function fence(ledger: Ledger, version: number, nowMs: number): number {
  ledger.version = Math.max(ledger.version, version);
  const ends = [...ledger.leases.values()].map(({ untilMs }) => untilMs - nowMs);
  return Math.max(0, ...ends);
}

/** Takes back what was admitted: it never began, for somebody else refused it. */
export function undo(ledger: Ledger, id: string, nowMs: number): void {
  const open = ledger.open.get(id);
  if (!open) return;
  close(ledger, id, open, { tokens: 0, costNano: 0 }, nowMs);
  addAt(ledger.requests, open.bucket, -1);
}

/** Books what nobody is at any more, as estimated: its prompt, and as much of an answer as is usual, within what was set aside. */
export function sweep(ledger: Ledger, nowMs: number): readonly string[] {
  bringUpToDate(ledger, nowMs);
  const lost = [...ledger.open].filter(([, { seenMs }]) => seenMs + ORPHAN_MS <= nowMs);
  for (const [id, open] of lost) {
    const { model, reserve } = open;
    const usual = Math.round(ledger.learnt.get(model)?.completion ?? 0);
    const completionTokens = Math.min(reserve.completion, usual);
    const booked: Booking = {
      model,
      engine: "",
      promptTokens: reserve.prompt,
      cachedTokens: 0,
      completionTokens,
      reasoningTokens: 0,
      estimated: true,
      costNano: shareOf(reserve, completionTokens),
      queueMs: 0,
      engineMs: 0,
      overheadMs: 0,
    };
    closeAs(ledger, id, open, booked, nowMs);
    ledger.orphans.set(id, { open, booked, hour: hourOf(nowMs), atMs: nowMs });
  }
  return lost.map(([id]) => id);
}

/** The part of the cost set aside that goes with the tokens. */
function shareOf({ prompt, completion, costNano }: Reserve, completionTokens: number): number {
  const all = prompt + completion;
  return all === 0 ? costNano : Math.round((costNano * (prompt + completionTokens)) / all);
}

/** When to look again for what nobody is at, in milliseconds since 1970; undefined where nothing is under way. */
export function sweepDueMs(ledger: Ledger): number | undefined {
  let earliest: number | undefined;
  for (const { seenMs } of ledger.open.values())
    if (earliest === undefined || seenMs < earliest) earliest = seenMs;
  return earliest === undefined ? undefined : earliest + ORPHAN_MS;
}

/** Moves the windows, periods and leases on to a moment. */
export function bringUpToDate(ledger: Ledger, nowMs: number): void {
  advance(ledger.requests, nowMs);
  advance(ledger.tokens, nowMs);
  roll(ledger.day, dayOf(nowMs));
  roll(ledger.month, monthOf(nowMs));
  for (const [holder, { untilMs }] of ledger.leases)
    if (untilMs + ORPHAN_MS <= nowMs) ledger.leases.delete(holder);
  // Both are in the order of their coming: the first that is young enough ends the search.
  for (const [id, { atMs }] of ledger.orphans) {
    if (atMs + MEMORY_MS > nowMs) break;
    ledger.orphans.delete(id);
  }
  for (const [holder, { seenMs }] of ledger.holders) {
    if (seenMs + MEMORY_MS > nowMs) break;
    ledger.holders.delete(holder);
  }
}

/** All that counts against the limits now. */
export function loadOf(ledger: Ledger): Load {
  const leased = { requests: 0, tokens: 0, costNano: 0, untilMs: 0 };
  for (const lease of ledger.leases.values()) {
    leased.requests += lease.requests;
    leased.tokens += lease.tokens;
    leased.costNano += lease.costNano;
    leased.untilMs = Math.max(leased.untilMs, lease.untilMs + LEASE_BACK_MS);
  }
  const { requests, tokens, day, month, open } = ledger;
  return { requests, tokens, day, month, open: open.size, leased };
}

function admit(ledger: Ledger, holder: string, limits: Limits | null, ask: Ask, nowMs: number): Verdict {
  const reserve = reserveOf(ledger, limits, ask);
  const need: Need = {
    requests: 1,
    tokens: reserve.prompt + reserve.completion,
    costNano: reserve.costNano,
  };
  const refusal = check(limits, loadOf(ledger), need, nowMs);
  if (refusal) return { type: "refused", refusal };
  begin(ledger, holder, { id: ask.id, model: ask.model, reserve }, nowMs);
  return { type: "admitted", reserve, standing: standingOf(limits, loadOf(ledger)) };
}

/** What is set aside for a request: for one that sets no bound, what is usual, and never more than its limits have at all. */
function reserveOf(ledger: Ledger, limits: Limits | null, ask: Ask): Reserve {
  if (ask.reserve) return ask.reserve;
  const { promptFactor, completion: usual, engineMs } = expectedOf(ledger.learnt.get(ask.model));
  const prompt = Math.ceil(ask.prompt * promptFactor);
  const most = Math.min(
    limits?.tokensPerMinute ?? Infinity,
    limits?.tokensPerDay ?? Infinity,
    limits?.tokensPerMonth ?? Infinity,
  );
  const completion = ask.completion ?? Math.max(0, Math.min(usual, most - prompt));
  const tokens = { promptTokens: prompt, cachedTokens: 0, completionTokens: completion };
  return { prompt, completion, costNano: costNanoOf(ask.price, tokens, engineMs) };
}

/** A request begins. What it takes counts from now: where an isolate has admitted it, from when that is told. */
function begin(ledger: Ledger, holder: string, { id, model, reserve }: Taken, nowMs: number): void {
  const bucket = bucketOf(nowMs);
  const tokens = reserve.prompt + reserve.completion;
  addAt(ledger.requests, bucket, 1);
  addAt(ledger.tokens, bucket, tokens);
  for (const period of [ledger.day, ledger.month]) {
    period.tokens += tokens;
    period.costNano += reserve.costNano;
  }
  const { day, month } = ledger;
  ledger.open.set(id, { holder, model, reserve, seenMs: nowMs, bucket, day: day.index, month: month.index });
}

function see(ledger: Ledger, id: string, nowMs: number): void {
  const open = ledger.open.get(id);
  if (open) open.seenMs = nowMs;
}

function settle(ledger: Ledger, { id, used, estimate }: Settlement, nowMs: number): void {
  const open = ledger.open.get(id);
  if (open) {
    if (used) closeAs(ledger, id, open, used, nowMs);
    else close(ledger, id, open, { tokens: 0, costNano: 0 }, nowMs);
  } else if (!correct(ledger, id, used, nowMs)) return;
  if (used && !used.estimated) teach(ledger, used, estimate);
}

/** A late word of a request that was booked as estimated: it is believed, in place of the estimate. */
function correct(ledger: Ledger, id: string, used: Booking | null, nowMs: number): boolean {
  const orphan = ledger.orphans.get(id);
  if (!orphan) return false;
  ledger.orphans.delete(id);
  addTo(ledger.book, orphan.booked, nowMs, -1, orphan.hour);
  if (used) addTo(ledger.book, used, nowMs);
  charge(ledger, orphan.open, amountOf(used), amountOf(orphan.booked), nowMs);
  return true;
}

type Amount = { readonly tokens: number; readonly costNano: number };

const amountOf = (used: Booking | null): Amount =>
  used
    ? { tokens: used.promptTokens + used.completionTokens, costNano: used.costNano }
    : { tokens: 0, costNano: 0 };

function closeAs(ledger: Ledger, id: string, open: Open, used: Booking, nowMs: number): void {
  addTo(ledger.book, used, nowMs);
  close(ledger, id, open, amountOf(used), nowMs);
}

function close(ledger: Ledger, id: string, open: Open, used: Amount, nowMs: number): void {
  ledger.open.delete(id);
  const { prompt, completion, costNano } = open.reserve;
  charge(ledger, open, used, { tokens: prompt + completion, costNano }, nowMs);
}

/**
 * Puts what was used in the place of what was counted. What was set aside too much is given back where it was counted; what
 * goes beyond it counts from now.
 */
function charge(ledger: Ledger, open: Open, used: Amount, counted: Amount, nowMs: number): void {
  const more = used.tokens - counted.tokens;
  addAt(ledger.tokens, more > 0 ? bucketOf(nowMs) : open.bucket, more);
  for (const [period, index] of [
    [ledger.day, open.day],
    [ledger.month, open.month],
  ] as const) {
    if (period.index !== index) continue;
    period.tokens += more;
    period.costNano += used.costNano - counted.costNano;
  }
}

function teach(ledger: Ledger, used: Booking, estimate: number | undefined): void {
  const { learnt } = ledger;
  const before = learnt.get(used.model);
  // The one that was used longest ago goes: a Map keeps the order of insertion.
  learnt.delete(used.model);
  if (learnt.size >= MODELS_MAX) learnt.delete(learnt.keys().next().value ?? "");
  learnt.set(used.model, learn(before, used, estimate));
}

/** What an isolate has not used of its lease, as it says itself, stays lent to it until its time is over. */
function keepLease(ledger: Ledger, { holder, left }: Message): void {
  const lease = ledger.leases.get(holder);
  if (!lease) return;
  if (left.requests > 0) ledger.leases.set(holder, { ...left, untilMs: lease.untilMs });
  else ledger.leases.delete(holder);
}

/** Makes up the lease of an isolate that admits so much that asking each time would be slow. */
function extendLease(ledger: Ledger, message: Message, nowMs: number): Grant | undefined {
  if (message.rate < LEASE_RATE_MIN) return undefined;
  const { holder, policy, left } = message;
  const room = free(policy.limits, loadOf(ledger));
  const wanted = Math.ceil((message.rate * LEASE_MS) / 1000) - left.requests;
  const requests = Math.min(wanted, Math.floor(room.requests / LEASE_SHARE));
  const each = usualReserve([...message.taken.map(({ reserve }) => reserve), ...reservesOf(ledger, message)]);
  if (requests <= 0 || !each) return undefined;
  const tokens = Math.min(requests * each.tokens, Math.floor(room.tokens / LEASE_SHARE));
  const costNano = Math.min(requests * each.costNano, Math.floor(room.costNano / LEASE_SHARE));
  if (tokens < each.tokens || costNano < each.costNano) return undefined;
  ledger.leases.set(holder, {
    requests: left.requests + requests,
    tokens: left.tokens + tokens,
    costNano: left.costNano + costNano,
    untilMs: nowMs + LEASE_MS,
  });
  return { requests, tokens, costNano, ttlMs: LEASE_MS };
}

const reservesOf = (ledger: Ledger, { asks }: Message): Reserve[] =>
  asks.flatMap(({ id }) => ledger.open.get(id)?.reserve ?? []);

/** The largest of these, for a lease must have room for each. */
function usualReserve(reserves: readonly Reserve[]): { tokens: number; costNano: number } | undefined {
  if (reserves.length === 0) return undefined;
  return {
    tokens: Math.max(...reserves.map(({ prompt, completion }) => prompt + completion)),
    costNano: Math.max(...reserves.map(({ costNano }) => costNano)),
  };
}
