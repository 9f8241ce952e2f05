import { DurableObject } from "cloudflare:workers";
import { AutoRouter } from "itty-router";

/** Records that are kept, at least; a batch goes as a whole. */
export const RECORDS_MAX = 10_000;
/** Longest text of a row. SQLite's rows may have 2 MB here, and a character may take three bytes. */
const ROW_CHARS_MAX = 500_000;

/**
 * The requests of late, of all isolates: each is a line of JSON. Isolates hand theirs over in batches, and a batch is a row
 * (several where it is large): rows that are written cost more than the requests themselves would, and reading all of them
 * to find one, which operators do now and then, costs next to nothing.
 */
export class RequestsObject extends DurableObject<Env> {
  readonly #router = AutoRouter();
  #count: number;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, lines TEXT NOT NULL)",
    );
    this.#count = sql.exec<{ sum: number }>("SELECT COALESCE(SUM(count), 0) AS sum FROM batches").one().sum;
    // For operators: how many there are, and a fresh start.
    this.#router.get("/state", () => this.#state()).post("/reset", () => this.#reset());
  }

  /** Keeps these records, each a line of JSON; the oldest of those from before go. */
  add(lines: readonly string[]): void {
    let row: string[] = [];
    let chars = 0;
    for (const line of lines) {
      if (row.length > 0 && chars + line.length > ROW_CHARS_MAX) {
        this.#write(row);
        row = [];
        chars = 0;
      }
      row.push(line);
      chars += line.length + 1;
    }
    if (row.length > 0) this.#write(row);
    this.#prune();
  }

  /** The latest record whose id begins so. */
  find(idStart: string): string | undefined {
    const mark = `"request":"${idStart}`;
    const [row] = this.ctx.storage.sql
      .exec<{ lines: string }>(
        "SELECT lines FROM batches WHERE instr(lines, ?) > 0 ORDER BY seq DESC LIMIT 1",
        mark,
      )
      .toArray();
    return row?.lines.split("\n").findLast((line) => line.includes(mark));
  }

  /** The admin endpoint inside the object. */
  override fetch(request: Request): Promise<Response> {
    return this.#router.fetch(request) as Promise<Response>;
  }

  #write(row: readonly string[]): void {
    this.ctx.storage.sql.exec("INSERT INTO batches (count, lines) VALUES (?, ?)", row.length, row.join("\n"));
    this.#count += row.length;
  }

  #prune(): void {
    const { sql } = this.ctx.storage;
    while (this.#count > RECORDS_MAX) {
      const oldest = sql
        .exec<{ seq: number; count: number }>("SELECT seq, count FROM batches ORDER BY seq LIMIT 1")
        .one();
      if (this.#count - oldest.count < RECORDS_MAX) return;
      sql.exec("DELETE FROM batches WHERE seq = ?", oldest.seq);
      this.#count -= oldest.count;
    }
  }

  #state() {
    return { requests: this.#count, requestsMax: RECORDS_MAX };
  }

  #reset() {
    this.ctx.storage.sql.exec("DELETE FROM batches");
    this.#count = 0;
    return this.#state();
  }
}
