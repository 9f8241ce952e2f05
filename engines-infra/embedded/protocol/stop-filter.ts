/** Cuts text at the first stop string, however the pieces fall, and lets everything else through as early as possible. */

export type Filtered = { text: string; stoppedBy?: string };

export class StopFilter {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Text that may go out now. After a result with `stoppedBy` nothing more may be pushed. */
  push(piece: string): Filtered {
    const text = this.#held + piece;
    const found = earliest(text, this.#stops);
    if (found) {
      this.#held = "";
      return { text: text.slice(0, found.at), stoppedBy: found.stop };
    }
    const heldFrom = text.length - this.#possibleStart(text);
    this.#held = text.slice(heldFrom);
    return { text: text.slice(0, heldFrom) };
  }

  /** What was held back in case a stop string would follow. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Length of the longest end of `text` with which a stop string may begin. */
  #possibleStart(text: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
      const end = text.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}

/** The stop string that is complete first, and of several the one that began first: what a reader of single characters finds. */
function earliest(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let first: { at: number; stop: string } | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0) continue;
    const later = first === undefined ? -1 : at + stop.length - (first.at + first.stop.length);
    if (!first || later < 0 || (later === 0 && at < first.at)) first = { at, stop };
  }
  return first;
}
