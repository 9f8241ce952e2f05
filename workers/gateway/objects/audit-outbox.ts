import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { FleetEvent } from "../../../shared/fleet/snapshot.ts";
import { d1AuditLog, newRecordId } from "../store/audit.ts";

/** Events that wait, at most: while the database is away for days, the oldest go. */
const WAITING_MAX = 10_000;
/** Events that are handed over at once. */
const BATCH = 50;
/** Time until the next try, in milliseconds, where one failed or there is nobody yet to write for. */
const RETRY_MS = 30_000;
const NOBODY_MS = 600_000;

type Row = { seq: number; id: string; json: string };

/**
 * Events of engines on their way into the audit log of those who run the platform. Each has the name of its record from
 * the moment that it is kept, together with the event itself: handed over as often as it takes, it is there once.
 */
export class AuditOutbox {
  readonly #storage: DurableObjectStorage;
  readonly #database: D1Database;
  #draining: Promise<void> | undefined;

  constructor(storage: DurableObjectStorage, database: D1Database) {
    this.#storage = storage;
    this.#database = database;
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS audit_outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, json TEXT NOT NULL)",
    );
  }

  /** Keeps an event, where it is one that is written down: an engine's health comes and goes by itself. */
  put(event: FleetEvent): boolean {
    if (event.type === "health") return false;
    const { sql } = this.#storage;
    sql.exec("INSERT INTO audit_outbox (id, json) VALUES (?, ?)", newRecordId(), JSON.stringify(event));
    sql.exec("DELETE FROM audit_outbox WHERE seq <= (SELECT MAX(seq) FROM audit_outbox) - ?", WAITING_MAX);
    return true;
  }

  /** Hands over what waits. What cannot be handed over now is tried again by the object's alarm. */
  drain(): Promise<void> {
    // All of it is one object's own: there is no other request whose I/O this would wait for.
    this.#draining ??= this.#drain()
      .catch(async (error: unknown) => {
        console.error(JSON.stringify({ event: "audit_outbox_waits", message: String(error) }));
        await this.#again(RETRY_MS);
      })
      .finally(() => (this.#draining = undefined));
    return this.#draining;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const rows = this.#storage.sql
        .exec<Row>("SELECT seq, id, json FROM audit_outbox ORDER BY seq LIMIT ?", BATCH)
        .toArray();
      const last = rows.at(-1);
      if (!last) return;
      const workspaceId = await this.#workspace();
      if (workspaceId === undefined) return this.#again(NOBODY_MS);
      const known = await this.#writtenOf(rows);
      const entries = rows.filter(({ id }) => !known.has(id)).map((row) => entryOf(row, workspaceId));
      await d1AuditLog(this.#database).append(entries);
      this.#storage.sql.exec("DELETE FROM audit_outbox WHERE seq <= ?", last.seq);
    }
  }

  /** Those that have been written down: a try that failed may have come through all the same. */
  async #writtenOf(rows: readonly Row[]): Promise<ReadonlySet<string>> {
    const places = rows.map(() => "?").join(", ");
    const { results } = await this.#database
      .prepare(`SELECT id FROM audit INDEXED BY audit_id WHERE id IN (${places})`)
      .bind(...rows.map(({ id }) => id))
      .all<{ id: string }>();
    return new Set(results.map(({ id }) => id));
  }

  /** The oldest workspace of those who run the platform: it stays that, so it is asked for once. */
  async #workspace(): Promise<string | undefined> {
    const known = this.#storage.kv.get<string>("audit_workspace");
    if (known !== undefined) return known;
    const row = await this.#database
      .prepare("SELECT id FROM workspaces WHERE operator = 1 ORDER BY created_at_ms LIMIT 1")
      .first<{ id: string }>();
    if (row) this.#storage.kv.put("audit_workspace", row.id);
    return row?.id;
  }

  async #again(inMs: number): Promise<void> {
    if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(Date.now() + inMs);
  }
}

function entryOf({ id, seq, json }: Row, workspaceId: string): AuditEntry {
  const { atMs, engine, type, from, to, reason } = JSON.parse(json) as FleetEvent;
  return {
    id,
    atMs,
    workspaceId,
    actor: { kind: "system", id: "fleet" },
    action: `engine.${type}`,
    resource: { type: "engine", id: engine },
    outcome: "pass",
    // A record's time is never before its predecessor's; this is when it happened.
    details: { event: seq, at: new Date(atMs).toISOString(), from, to, reason },
  };
}
