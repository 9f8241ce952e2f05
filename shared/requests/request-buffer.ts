import type { RequestRecord } from "../contracts/request-record.ts";

/** Records of one isolate that are kept in any case: the latest. */
export const LATEST_MAX = 1_000;
/** Further ones, of those before them: failures and slow ones first. */
export const NOTABLE_MAX = 1_000;

/**
 * The requests that an isolate has finished since it last handed them over. When they are too many, the latest are kept,
 * and of the others those that one is most likely to be asked about. A record is bounded, and so is their number, so that
 * the buffer is.
 */
export class RequestBuffer {
  #latest: RequestRecord[] = [];
  #older: RequestRecord[] = [];

  /** Takes one more. */
  add(record: RequestRecord): void {
    this.#latest.push(record);
    // By halves, so that what it costs is spread over many.
    if (this.#latest.length >= 2 * LATEST_MAX) this.#age(this.#latest.splice(0, LATEST_MAX));
  }

  /** Hands everything over, oldest first, and starts anew. */
  take(): RequestRecord[] {
    const excess = this.#latest.length - LATEST_MAX;
    if (excess > 0) this.#age(this.#latest.splice(0, excess));
    const all = [...this.#older, ...this.#latest];
    this.#older = [];
    this.#latest = [];
    return all;
  }

  /** Puts back what could not be delivered. */
  restore(records: readonly RequestRecord[]): void {
    this.#age(records);
  }

  get isEmpty(): boolean {
    return this.#latest.length === 0 && this.#older.length === 0;
  }

  #age(records: readonly RequestRecord[]): void {
    const all = [...this.#older, ...records];
    if (all.length <= NOTABLE_MAX) {
      this.#older = all;
      return;
    }
    const kept = new Set(all.toSorted(byNotice).slice(0, NOTABLE_MAX));
    this.#older = all.filter((record) => kept.has(record));
  }
}

/** Failures before all others, then the slowest. */
const byNotice = (a: RequestRecord, b: RequestRecord): number =>
  Number(isFailure(b)) - Number(isFailure(a)) || b.total_ms - a.total_ms;

/** Something went wrong that the caller cannot be blamed for alone: with the platform, an engine, or a connection. */
const isFailure = ({ status, error, attempts }: RequestRecord): boolean =>
  status >= 500 || status === 429 || attempts !== undefined || (status < 400 && error !== undefined);
