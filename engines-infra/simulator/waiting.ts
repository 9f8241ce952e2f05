import { setImmediate, setTimeout } from "node:timers/promises";

/** Waits, or returns at once when the signal fires. Zero still lets everybody else have a turn. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await (ms > 0 ? setTimeout(ms, undefined, { signal }) : setImmediate());
  } catch {
    // The signal fired; callers look at it themselves.
  }
}

/** Waits for the signal. */
export function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A count of slots, handed out in the order of asking. The size is read anew each time, so it may change. */
export class Slots {
  taken = 0;
  #queue: (() => void)[] = [];
  #size: () => number;

  constructor(size: () => number) {
    this.#size = size;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** True with a slot; false when the signal fired first. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (this.taken < this.#size() && this.#queue.length === 0) {
      this.taken++;
      return true;
    }
    return new Promise((resolve) => {
      const turn = () => {
        signal.removeEventListener("abort", leave);
        this.taken++;
        resolve(true);
      };
      const leave = () => {
        this.#queue = this.#queue.filter((each) => each !== turn);
        resolve(false);
      };
      this.#queue.push(turn);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  free(): void {
    this.taken--;
    this.admit();
  }

  /** Lets the next ones in; call when the size has grown. */
  admit(): void {
    while (this.taken < this.#size()) {
      const next = this.#queue.shift();
      if (!next) return;
      next();
    }
  }
}
