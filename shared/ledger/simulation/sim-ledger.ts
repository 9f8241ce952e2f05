import { type LedgerEvent, apply } from "../event.ts";
import { type Ledger, ORPHAN_MS, newLedger, sweepDueMs } from "../ledger.ts";
import type { Booking, Message, Reply, Reserve } from "../messages.ts";
import { ledgerFrom, storedLedger } from "../stored.ts";

/** What the simulation holds against the ledger: a plain list of everything that was admitted. */
export type Fact = {
  readonly atMs: number;
  readonly reserve: Reserve;
  used: Booking | null | undefined;
};

/** A ledger with its journal, which can be killed at any time, and the facts beside it. */
export class SimLedger {
  ledger: Ledger = newLedger();
  /** By request: what was admitted, by the ledger or, as far as it has been told, by leases. */
  readonly facts = new Map<string, Fact>();
  readonly #heard = new Set<string>();
  #snapshot = storedLedger(this.ledger);
  #journal: { readonly event: string; readonly atMs: number }[] = [];

  hear(message: Message, nowMs: number): Reply {
    const isNew = !this.#heard.has(`${message.holder} ${message.seq}`);
    this.#heard.add(`${message.holder} ${message.seq}`);
    const reply = this.#commit({ type: "message", message }, nowMs) as Reply;
    if (!isNew) return reply;
    for (const { id, used } of message.settlements) {
      const fact = this.facts.get(id);
      if (fact && fact.used === undefined) fact.used = used;
    }
    for (const [at, { id }] of message.asks.entries()) {
      const verdict = reply.verdicts[at];
      if (verdict?.type === "admitted")
        this.facts.set(id, { atMs: nowMs, reserve: verdict.reserve, used: undefined });
    }
    return reply;
  }

  /** Its alarm: it books what nobody is at. */
  wake(nowMs: number): void {
    const dueMs = sweepDueMs(this.ledger);
    if (dueMs !== undefined && dueMs <= nowMs) this.#commit({ type: "sweep" }, nowMs);
  }

  /** Is killed, and comes back from what is on disk. */
  restart(): void {
    const before = storedLedger(this.ledger);
    this.ledger = ledgerFrom(this.#snapshot);
    for (const { event, atMs } of this.#journal) apply(this.ledger, JSON.parse(event) as LedgerEvent, atMs);
    if (storedLedger(this.ledger) !== before) throw new Error("the ledger came back another");
  }

  /** Writes the whole down. */
  snapshot(): void {
    this.#snapshot = storedLedger(this.ledger);
    this.#journal = [];
  }

  #commit(event: LedgerEvent, nowMs: number): unknown {
    this.#journal.push({ event: JSON.stringify(event), atMs: nowMs });
    return apply(this.ledger, event, nowMs);
  }
}

export { ORPHAN_MS };
