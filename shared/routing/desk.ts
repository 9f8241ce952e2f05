import type { SlotAnswer, SlotAsk, SlotLedger } from "./lease.ts";
import { EMPTY_LEDGER } from "./lease.ts";
import {
  EMPTY_QUEUE,
  type QueueEntry,
  type QueueRefusal,
  type WaitQueue,
  enqueue,
  leave,
  lengthOf,
  next,
  without,
} from "./queue.ts";
import { freeSlots, grant, handOver, isHeard } from "./slots.ts";

/** An engine's slots and the requests that wait for one, as plain data: what its object keeps and answers from. */
export type Desk = { readonly ledger: SlotLedger; readonly queue: WaitQueue };

/** The engine's own numbers. */
export type DeskTerms = {
  /** Requests that the engine is given at once. */
  readonly cap: number;
  /** Most requests that may wait for it. */
  readonly waitingMax: number;
  /** How long it works on one, on average. */
  readonly serviceMsAverage: number;
};

/** A request that has its turn, and what its isolate has to be told. */
export type Handed = { readonly entry: QueueEntry; readonly answer: SlotAnswer };

/** The desk after a step, and whom to tell: the requests that have their turn now, and those that waited in vain. */
export type DeskStep = {
  readonly desk: Desk;
  readonly handed: readonly Handed[];
  /** Their deadline has passed, or nothing was heard of their isolate for the time of a lease. */
  readonly dropped: readonly QueueEntry[];
};

/** What comes of a request that is ready to wait. */
export type Entering =
  { readonly got: SlotAnswer } | { readonly waits: true } | { readonly refused: QueueRefusal };

/** Nobody holds anything, nobody waits. */
export const EMPTY_DESK: Desk = { ledger: EMPTY_LEDGER, queue: EMPTY_QUEUE };

/** A holder renews its lease, returns slots, or asks for some without waiting for them. */
export function renew(
  { ledger, queue }: Desk,
  ask: SlotAsk,
  nowMs: number,
  terms: DeskTerms,
): DeskStep & { readonly answer: SlotAnswer } {
  const granted = grant(ledger, ask, nowMs, { cap: terms.cap, waiting: lengthOf(queue) });
  return { ...pump({ ledger: granted.ledger, queue }, nowMs, terms), answer: granted.answer };
}

/** A request asks for a slot, and waits for one where none is free. `ask` is its holder's, this request included. */
export function enter(
  { ledger, queue }: Desk,
  ask: SlotAsk,
  entry: QueueEntry,
  nowMs: number,
  terms: DeskTerms,
): DeskStep & { readonly outcome: Entering } {
  const { cap, waitingMax, serviceMsAverage } = terms;
  const granted = grant(ledger, ask, nowMs, { cap, waiting: lengthOf(queue) });
  const { returned } = ask;
  if (granted.answer.given - returned >= ask.need)
    return { ...pump({ ledger: granted.ledger, queue }, nowMs, terms), outcome: { got: granted.answer } };
  const joined = enqueue(queue, entry, nowMs, { max: waitingMax, slots: cap, serviceMsAverage });
  const outcome = joined.ok ? ({ waits: true } as const) : { refused: joined.error };
  const desk = { ledger: granted.ledger, queue: joined.ok ? joined.value : queue };
  return { ...pump(desk, nowMs, terms), outcome };
}

/** A request waits no longer: its client left, or it was answered elsewhere. */
export function exit({ ledger, queue }: Desk, id: string, nowMs: number, terms: DeskTerms): DeskStep {
  return pump({ ledger, queue: leave(queue, id) }, nowMs, terms);
}

/** Gives what is free to those whose turn it is: after every step, and when leases or deadlines have run out. */
export function pump(desk: Desk, nowMs: number, { cap }: DeskTerms): DeskStep {
  if (lengthOf(desk.queue) === 0) return { desk, handed: [], dropped: [] };
  const handed: Handed[] = [];
  let { ledger } = desk;
  const { dropped, ...left } = without(
    desk.queue,
    ({ deadlineMs, holder }) => deadlineMs <= nowMs || !isHeard(ledger, holder, nowMs),
  );
  let { queue } = left;
  for (let free = freeSlots(ledger, nowMs, cap); free > 0; free--) {
    const turn = next(queue, nowMs);
    if (!turn.entry) break;
    queue = turn.queue;
    const given = handOver(ledger, turn.entry.holder, { cap, waiting: lengthOf(queue) });
    if (!given) break;
    ledger = given.ledger;
    handed.push({ entry: turn.entry, answer: given.answer });
  }
  return { desk: { ledger, queue }, handed, dropped };
}
