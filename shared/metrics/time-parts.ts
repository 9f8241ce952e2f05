/** What a request's time is spent on: waiting for its turn, being at an engine, and all else, which is ours. */
export type TimePart = "queue" | "engine" | "overhead";

/** Milliseconds of each part; together they are the time that has passed. */
export type PartsMs = Readonly<Record<TimePart, number>>;

/**
 * A request's time in parts. It is always in exactly one of them, so that their sum is the time that has passed, at any
 * moment, also in the middle of a part.
 */
export class TimeParts {
  #part: TimePart = "overhead";
  #sinceMs: number;
  readonly #spentMs = { queue: 0, engine: 0, overhead: 0 };

  constructor(startedMs: number) {
    this.#sinceMs = startedMs;
  }

  /** From now on the time belongs to this part. */
  enter(part: TimePart, nowMs: number): void {
    this.#spentMs[this.#part] += this.#passedMs(nowMs);
    // A clock that was set back must not count the same time twice.
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
    this.#part = part;
  }

  /** The parts until now. */
  at(nowMs: number): PartsMs {
    const { queue, engine, overhead } = this.#spentMs;
    const parts = { queue, engine, overhead };
    parts[this.#part] += this.#passedMs(nowMs);
    return parts;
  }

  #passedMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#sinceMs);
  }
}
