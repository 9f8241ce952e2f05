import { CLOCK_MARGIN_MS, RENEW_MS, type SlotAnswer, type SlotAsk } from "./lease.ts";

/** An isolate's slots of one engine, as plain data: the other side of the ledger. */
export type Holder = {
  readonly id: string;
  readonly epoch: number;
  readonly given: number;
  readonly returned: number;
  /** Requests that this isolate has at the engine. */
  readonly inUse: number;
  /** Requests of this isolate that wait for a slot. */
  readonly waiting: number;
  /** When its lease ends, by its own clock and with the margin taken off. */
  readonly endsMs: number;
  readonly contended: boolean;
  readonly askedMs: number;
  /** Most requests at once: since `peakSinceMs`, and in the period before. */
  readonly peak: number;
  readonly peakBefore: number;
  readonly peakSinceMs: number;
};

/** How many more slots than it used of late a holder would like, so that a request more needs no call. */
const HEADROOM = 1.25;

/** A holder of nothing. `id` is its isolate's own, and used by no other one, ever. */
export const newHolder = (id: string): Holder => ({
  id,
  epoch: 1,
  given: 0,
  returned: 0,
  inUse: 0,
  waiting: 0,
  endsMs: 0,
  contended: false,
  askedMs: 0,
  peak: 0,
  peakBefore: 0,
  peakSinceMs: 0,
});

/** Requests that may be at the engine now. */
export const limitOf = ({ given, returned, endsMs }: Holder, nowMs: number): number =>
  nowMs < endsMs ? given - returned : 0;

/** Takes a slot for a request, where one is at hand. */
export function take(holder: Holder, nowMs: number): { readonly holder: Holder; readonly taken: boolean } {
  if (holder.inUse >= limitOf(holder, nowMs)) return { holder, taken: false };
  const inUse = holder.inUse + 1;
  return { holder: { ...holder, inUse, peak: Math.max(holder.peak, inUse) }, taken: true };
}

/** A request has ended, however it did; its slot is free for the next one. */
export const release = (holder: Holder): Holder => ({ ...holder, inUse: Math.max(0, holder.inUse - 1) });

/** A request found no slot: from now until `stopWaiting` each ask is for it too. */
export const startWaiting = (holder: Holder): Holder => ({ ...holder, waiting: holder.waiting + 1 });

/** It got one, gave up, or goes elsewhere. */
export const stopWaiting = (holder: Holder): Holder => ({
  ...holder,
  waiting: Math.max(0, holder.waiting - 1),
});

/** Slots are scarce: the ledger said so, or a request here got none. */
const isScarce = ({ contended, waiting }: Holder): boolean => contended || waiting > 0;

/**
 * Whether it is time to call: to return a slot that others need, or to renew the lease. While requests wait, too: whoever
 * is not heard of loses its places in the queue.
 */
export function renewalDue(holder: Holder, nowMs: number): boolean {
  const { given, returned, inUse, waiting, askedMs } = holder;
  if (isScarce(holder) && limitOf(holder, nowMs) > inUse) return true;
  return (given > returned || inUse > 0 || waiting > 0) && nowMs - askedMs >= RENEW_MS;
}

/**
 * What to send to the ledger, and the holder as it is from then on: what it returns is gone by sending it, whether or not
 * the message arrives.
 *
 * It keeps what it used of late and a bit more, so that steady traffic needs one call in two seconds however much it is;
 * where slots are scarce, only what is in use.
 */
export function askFor(before: Holder, nowMs: number): { readonly holder: Holder; readonly ask: SlotAsk } {
  const holder = withPeaks(lapsed(before, nowMs), nowMs);
  const { id, epoch, given, inUse, waiting, contended, peak, peakBefore } = holder;
  const need = inUse + waiting;
  const want = contended ? need : Math.ceil(Math.max(need, peak, peakBefore) * HEADROOM);
  // A slot that is idle while requests wait is not kept for those of this isolate: the queue knows whose turn it is.
  const kept = isScarce(holder) ? inUse : want;
  const returned = holder.returned + Math.max(0, given - holder.returned - kept);
  return {
    holder: { ...holder, returned, askedMs: nowMs },
    ask: { holder: id, epoch, returned, inUse, need, want },
  };
}

/** The holder after an answer. One that is of another epoch or came too late is worth nothing. */
export function accept(before: Holder, answer: SlotAnswer, nowMs: number): Holder {
  const holder = lapsed(before, nowMs);
  const endsMs = answer.expiresMs - CLOCK_MARGIN_MS;
  if (answer.epoch !== holder.epoch || endsMs <= nowMs) return holder;
  return {
    ...holder,
    given: Math.max(holder.given, answer.given),
    endsMs: Math.max(holder.endsMs, endsMs),
    contended: answer.contended,
  };
}

/** After its lease has run out a holder counts anew: the ledger may have lent its slots to others since. */
function lapsed(holder: Holder, nowMs: number): Holder {
  if (holder.given === 0 || nowMs < holder.endsMs) return holder;
  return { ...holder, epoch: holder.epoch + 1, given: 0, returned: 0, endsMs: 0 };
}

function withPeaks(holder: Holder, nowMs: number): Holder {
  if (nowMs - holder.peakSinceMs < RENEW_MS) return holder;
  return { ...holder, peakBefore: holder.peak, peak: holder.inUse, peakSinceMs: nowMs };
}
