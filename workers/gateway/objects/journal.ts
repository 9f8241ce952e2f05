import { type LedgerEvent, apply } from "../../../shared/ledger/event.ts";
import { type Ledger, newLedger } from "../../../shared/ledger/ledger.ts";
import { ledgerFrom, storedLedger } from "../../../shared/ledger/stored.ts";

/** Rows of the journal; they are written round and round, for a row that is deleted costs as much as one that is written. */
const SLOTS = 256;
/** Events between two snapshots of the whole: before the first of them would be written over. */
const SNAPSHOT_EVENTS = 200;

type Row = { readonly seq: number; readonly at_ms: number; readonly event: string };

/**
 * A ledger that outlives its object: each event is one row, written before anybody is answered, and now and then the whole
 * is written down. After a crash the events since then are applied again, at the times at which they came.
 */
export class Journal {
  readonly ledger: Ledger;
  /** Whether nothing has ever been written. */
  readonly isNew: boolean;
  readonly #storage: DurableObjectStorage;
  #seq: number;
  #snapshotSeq: number;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS journal (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL)",
    );
    const snapshot = storage.kv.get<{ seq: number; ledger: string }>("ledger");
    this.#seq = this.#snapshotSeq = snapshot?.seq ?? 0;
    this.ledger = snapshot ? ledgerFrom(snapshot.ledger) : newLedger();
    const since = storage.sql.exec<Row>(
      "SELECT seq, at_ms, event FROM journal WHERE seq > ? ORDER BY seq",
      this.#seq,
    );
    for (const { seq, at_ms: atMs, event } of since) {
      apply(this.ledger, JSON.parse(event) as LedgerEvent, atMs);
      this.#seq = seq;
    }
    this.isNew = this.#seq === 0;
  }

  /** Applies an event and keeps it. No answer leaves the object before it is on disk: its output gate sees to that. */
  commit<Event extends LedgerEvent>(event: Event, nowMs: number) {
    const outcome = apply(this.ledger, event, nowMs);
    this.#seq += 1;
    this.#storage.sql.exec(
      "INSERT INTO journal (slot, seq, at_ms, event) VALUES (?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms, event = excluded.event",
      this.#seq % SLOTS,
      this.#seq,
      nowMs,
      JSON.stringify(event),
    );
    if (this.#seq - this.#snapshotSeq >= SNAPSHOT_EVENTS) this.snapshot();
    return outcome;
  }

  /** Writes the whole down. */
  snapshot(): void {
    this.#storage.kv.put("ledger", { seq: this.#seq, ledger: storedLedger(this.ledger) });
    this.#snapshotSeq = this.#seq;
  }
}
