/** How much of one stop text the latest characters are: Knuth, Morris and Pratt's automaton. */
class Progress {
  readonly text: string;
  /** For each length that was matched: how much of the text is matched still where its next unit does not come. */
  readonly #borders: Uint32Array;
  matched = 0;

  constructor(text: string) {
    this.text = text;
    this.#borders = new Uint32Array(text.length + 1);
    for (let length = 1, border = 0; length < text.length; length++) {
      while (border > 0 && text.charCodeAt(length) !== text.charCodeAt(border)) border = this.#border(border);
      if (text.charCodeAt(length) === text.charCodeAt(border)) border += 1;
      this.#borders[length + 1] = border;
    }
  }

  #border(length: number): number {
    return this.#borders[length] ?? 0;
  }

  /** Takes the next UTF-16 unit; true where it completes the text. */
  take(unit: number): boolean {
    while (this.matched > 0 && unit !== this.text.charCodeAt(this.matched))
      this.matched = this.#border(this.matched);
    if (unit === this.text.charCodeAt(this.matched)) this.matched += 1;
    return this.matched === this.text.length;
  }
}

/** Text that waits, given back from its beginning. Joining it would cost its length for each piece. */
class Waiting {
  #pieces: string[] = [];
  /** Pieces that have been given back. */
  #given = 0;
  length = 0;

  add(piece: string): void {
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  /** The first `units` UTF-16 units; the rest goes on waiting. */
  take(units: number): string {
    let text = "";
    while (text.length < units) {
      const piece = this.#pieces[this.#given] ?? "";
      const part = piece.slice(0, units - text.length);
      text += part;
      if (part.length < piece.length) this.#pieces[this.#given] = piece.slice(part.length);
      else this.#given += 1;
    }
    this.length -= units;
    // Now and then only: moving all that wait for each piece would cost their number.
    if (this.#given * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#given);
      this.#given = 0;
    }
    return text;
  }
}

const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/**
 * Ends a text at the first of several stop texts, however the text is cut into pieces. It is fed the pieces and gives
 * what may be shown: never a stop text nor the beginning of one, and never half of a surrogate pair. The stop text that
 * is complete first counts; of several that end together, the longest. Each unit of the text costs a step for each stop
 * text, however long that is.
 */
export class StopMatcher {
  readonly #stops: readonly Progress[];
  readonly #held = new Waiting();
  #found: string | undefined;

  /** Empty stop texts stop nothing, and half a surrogate pair is no text: both are left out. */
  constructor(stops: readonly string[]) {
    this.#stops = stops
      .filter((stop) => stop !== "" && stop.isWellFormed())
      .map((stop) => new Progress(stop));
  }

  /** The stop text that ended the text; undefined while none has come. */
  get found(): string | undefined {
    return this.#found;
  }

  /** Takes the next piece and gives what may be shown now. Behind a stop text nothing is. */
  push(piece: string): string {
    if (this.#found !== undefined || piece === "") return "";
    let last = 0;
    for (let at = 0; at < piece.length; at++) {
      last = piece.charCodeAt(at);
      this.#found = this.#take(last);
      if (this.#found === undefined) continue;
      this.#held.add(piece.slice(0, at + 1));
      return this.#held.take(this.#held.length - this.#found.length);
    }
    this.#held.add(piece);
    const half = isFirstHalf(last) ? 1 : 0;
    const kept = this.#stops.reduce((most, { matched }) => Math.max(most, matched), half);
    return this.#held.take(this.#held.length - kept);
  }

  /** What was held back, where the text ended without a stop text. */
  end(): string {
    return this.#found === undefined ? this.#held.take(this.#held.length) : "";
  }

  /** The longest stop text that this unit completes. */
  #take(unit: number): string | undefined {
    let found: string | undefined;
    for (const stop of this.#stops)
      if (stop.take(unit) && stop.text.length > (found?.length ?? 0)) found = stop.text;
    return found;
  }
}
