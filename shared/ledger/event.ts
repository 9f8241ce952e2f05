import { type Ledger, fence, step, sweep, undo } from "./ledger.ts";
import type { Message, Reply } from "./messages.ts";
import { type Totals, written } from "./totals.ts";
import { newSlide } from "../limits/slide.ts";

/** Everything that changes a ledger. Its object keeps them in a journal, and makes the ledger anew of it after a crash. */
export type LedgerEvent =
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "undo"; readonly ids: readonly string[] }
  | { readonly type: "fence"; readonly version: number }
  | { readonly type: "sweep" }
  | { readonly type: "written"; readonly rows: readonly Totals[] }
  /** An operator lets the limits begin anew: what is under way, and what was used, stays. */
  | { readonly type: "reset" };

/** What a kind of event gives. */
type Outcome = {
  message: Reply;
  undo: undefined;
  /** Milliseconds until the leases from before have ended. */
  fence: number;
  /** The requests that were booked because nobody is at them. */
  sweep: readonly string[];
  written: undefined;
  reset: undefined;
};

/** Applies an event to a ledger. */
export function apply<Event extends LedgerEvent>(
  ledger: Ledger,
  event: Event,
  nowMs: number,
): Outcome[Event["type"]];
export function apply(ledger: Ledger, event: LedgerEvent, nowMs: number): Outcome[LedgerEvent["type"]] {
  switch (event.type) {
    case "message":
      return step(ledger, event.message, nowMs);
    case "undo":
      for (const id of event.ids) undo(ledger, id, nowMs);
      return undefined;
    case "fence":
      return fence(ledger, event.version, nowMs);
    case "sweep":
      return sweep(ledger, nowMs);
    case "written":
      written(ledger.book, event.rows, nowMs);
      return undefined;
    case "reset":
      Object.assign(ledger.requests, newSlide());
      Object.assign(ledger.tokens, newSlide());
      for (const period of [ledger.day, ledger.month]) Object.assign(period, { tokens: 0, costNano: 0 });
      return undefined;
  }
}
