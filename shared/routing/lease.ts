// An engine works on a bounded number of requests at once. Its object in the middle lends these slots to the isolates,
// so that most requests need no call: an isolate asks for some, uses them again and again, and renews the loan.
//
// Messages between them may be late, lost, doubled or overtake each other. So they carry running totals and no orders:
// `given` only ever grows at the ledger, `returned` only at the holder, and each side keeps the highest that it has
// heard of. What a holder may use, `given - returned` as far as it knows, is then never more than what the ledger counts
// for it, whatever happens to the messages. The ledger takes nothing back: a holder returns slots of its own accord, or
// its lease runs out.

/** Time that a lease lasts after the ledger heard of its holder, in milliseconds: so long a crash can block slots. */
export const LEASE_MS = 6_000;
/** Time after which a holder renews its lease: two renewals may be lost. */
export const RENEW_MS = 2_000;
/** How far the clocks of a holder and of the ledger may be apart, in milliseconds: a holder stops so much earlier. */
export const CLOCK_MARGIN_MS = 500;

/** Slots that one holder has. */
export type Lease = {
  /** A holder counts anew, under the next epoch, after its lease ran out. */
  readonly epoch: number;
  readonly given: number;
  readonly returned: number;
  /** Requests that the holder is working on; more than it holds, where some are left of an earlier epoch. */
  readonly inUse: number;
  readonly expiresMs: number;
};

/** Who holds how many of an engine's slots, as plain data. */
export type SlotLedger = { readonly leases: Readonly<Record<string, Lease>> };

/** What a holder says and asks; all numbers are totals. */
export type SlotAsk = {
  readonly holder: string;
  readonly epoch: number;
  readonly returned: number;
  readonly inUse: number;
  /** Slots that it has work for now. */
  readonly need: number;
  /** Slots that it would like to have, so that it need not ask for each request. */
  readonly want: number;
};

/** What the ledger answers. */
export type SlotAnswer = {
  readonly epoch: number;
  readonly given: number;
  /** When the lease ends, by the ledger's clock. */
  readonly expiresMs: number;
  /** Others wait, or hardly any slot is left: what is not in use should come back at once. */
  readonly contended: boolean;
};

/** How many slots there are, and how many requests wait for one: they come before whoever asks. */
export type SlotTerms = { readonly cap: number; readonly waiting: number };

/** All slots are free. */
export const EMPTY_LEDGER: SlotLedger = { leases: {} };

/** Slots that a holder may use, as far as the ledger knows. */
export const heldOf = ({ given, returned }: Lease): number => given - returned;

/** Slots that nobody else may have: a holder whose lease ran out meanwhile may work on more than it holds. */
export const occupiedOf = (lease: Lease): number => Math.max(heldOf(lease), lease.inUse);
