import {
  type Lease,
  LEASE_MS,
  type SlotAnswer,
  type SlotAsk,
  type SlotLedger,
  type SlotTerms,
  heldOf,
  occupiedOf,
} from "./lease.ts";

/** One slot in so many is kept free while that is possible, so that holders return theirs before others have to wait. */
const RESERVE_DIVISOR = 8;
/** Of the slots that are free, one in so many goes to a holder that only would like it. */
const SPARE_DIVISOR = 4;

/** What a holder was answered, and how many slots it got by it. */
export type Grant = { readonly ledger: SlotLedger; readonly answer: SlotAnswer; readonly granted: number };

/**
 * Renews a holder's lease and gives it what it needs, and of the rest some of what it would like. Never are more slots
 * lent than `cap`, unless `cap` was lowered since.
 */
export function grant(ledger: SlotLedger, ask: SlotAsk, nowMs: number, terms: SlotTerms): Grant {
  const live = withoutExpired(ledger, nowMs);
  const { holder, need, want } = ask;
  const known = live.leases[holder];
  if (known && known.epoch > ask.epoch) return { ledger: live, answer: noLease(ask), granted: 0 };
  const lease = renewed(known?.epoch === ask.epoch ? known : undefined, ask, nowMs);
  const held = heldOf(lease);
  const free = terms.waiting > 0 ? 0 : freeFor(live, holder, held, terms.cap);
  const needed = Math.min(free, Math.max(0, need - held));
  const spare = Math.floor((free - needed) / SPARE_DIVISOR);
  return given(live, holder, lease, needed + Math.min(spare, Math.max(0, want - held - needed)), terms);
}

/**
 * Gives one slot to a holder whose request has its turn in the queue: only where `freeSlots` has one, and `isHeard` the
 * holder. It does not renew the lease: else requests that wait for a holder which has died would keep its slots alive.
 */
export function handOver(ledger: SlotLedger, holder: string, terms: SlotTerms): Grant | undefined {
  const lease = ledger.leases[holder];
  return lease && given(ledger, holder, lease, 1, terms);
}

/** Whether a holder was heard of in the time of a lease. */
export const isHeard = ({ leases }: SlotLedger, holder: string, nowMs: number): boolean =>
  (leases[holder]?.expiresMs ?? 0) > nowMs;

/** Slots that can be lent now. */
export function freeSlots(ledger: SlotLedger, nowMs: number, cap: number): number {
  return freeFor(withoutExpired(ledger, nowMs), undefined, 0, cap);
}

/**
 * A ledger as it is to be kept. Its leases last longer there, so that most renewals need not be; those that have ended are
 * not in it, for their slots may have been lent to others by now.
 */
export const toKeep = (ledger: SlotLedger, nowMs: number): SlotLedger => ({
  leases: Object.fromEntries(
    Object.entries(withoutExpired(ledger, nowMs).leases).map(([holder, lease]) => [
      holder,
      { ...lease, expiresMs: lease.expiresMs + LEASE_MS },
    ]),
  ),
});

/**
 * Whether a ledger as it was kept will do when this one is lost: then it may have lent more, and for longer, than it has by
 * now, never less. What is not kept must be, before an answer leaves.
 */
export const isKeptBy = (kept: SlotLedger, { leases }: SlotLedger): boolean =>
  Object.entries(leases).every(([holder, lease]) => {
    const known = kept.leases[holder];
    if (known?.epoch !== lease.epoch) return lease.given === 0 && lease.inUse === 0;
    const { given, expiresMs } = lease;
    return known.given === given && known.expiresMs >= expiresMs && occupiedOf(known) >= occupiedOf(lease);
  });

/** The ledger of an object that begins anew, from what was kept. No holder was told of a later end than `LEASE_MS` from now. */
export const restored = ({ leases }: SlotLedger, nowMs: number): SlotLedger => ({
  leases: Object.fromEntries(
    Object.entries(leases)
      .filter(([, { expiresMs }]) => expiresMs > nowMs)
      .map(([holder, lease]) => [
        holder,
        { ...lease, expiresMs: Math.min(lease.expiresMs, nowMs + LEASE_MS) },
      ]),
  ),
});

/** What is lent and what is in use of it, in slots, and to how many holders. */
export function usageOf(
  ledger: SlotLedger,
  nowMs: number,
): { readonly held: number; readonly inUse: number; readonly holders: number } {
  const leases = Object.values(withoutExpired(ledger, nowMs).leases);
  return {
    held: leases.reduce((sum, lease) => sum + heldOf(lease), 0),
    inUse: leases.reduce((sum, lease) => sum + lease.inUse, 0),
    holders: leases.length,
  };
}

/** It has expired before anybody reads it, so it changes nothing. */
const noLease = ({ epoch }: SlotAsk): SlotAnswer => ({ epoch, given: 0, expiresMs: 0, contended: true });

/** Nothing is believed of what a holder was given: an epoch that this ledger does not know is over, or about to be. */
function renewed(known: Lease | undefined, { epoch, returned, inUse }: SlotAsk, nowMs: number): Lease {
  const given = known?.given ?? 0;
  return {
    epoch,
    given,
    returned: Math.min(given, Math.max(known?.returned ?? 0, returned)),
    inUse,
    expiresMs: nowMs + LEASE_MS,
  };
}

const withLease = (ledger: SlotLedger, holder: string, lease: Lease): SlotLedger => ({
  ...ledger,
  leases: { ...ledger.leases, [holder]: lease },
});

/** Slots that a holder can get besides those it has. */
function freeFor(ledger: SlotLedger, holder: string | undefined, held: number, cap: number): number {
  let free = cap - held;
  for (const [each, lease] of Object.entries(ledger.leases)) if (each !== holder) free -= occupiedOf(lease);
  return Math.max(0, free);
}

function given(
  ledger: SlotLedger,
  holder: string,
  before: Lease,
  granted: number,
  { cap, waiting }: SlotTerms,
): Grant {
  const lease = { ...before, given: before.given + granted };
  const after = withLease(ledger, holder, lease);
  let free = cap;
  for (const each of Object.values(after.leases)) free -= occupiedOf(each);
  const contended = waiting > 0 || free < Math.ceil(cap / RESERVE_DIVISOR);
  const { epoch, expiresMs } = lease;
  return {
    ledger: after,
    answer: { epoch, given: lease.given, expiresMs, contended },
    granted,
  };
}

function withoutExpired(ledger: SlotLedger, nowMs: number): SlotLedger {
  const all = Object.entries(ledger.leases);
  const live = all.filter(([, { expiresMs }]) => expiresMs > nowMs);
  return live.length === all.length ? ledger : { ...ledger, leases: Object.fromEntries(live) };
}
