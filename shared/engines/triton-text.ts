/** How many characters of an earlier text a later one must repeat to be believed to hold all of it: no token does. */
const REPEATED_CHARS = 8;

/** What a tokenizer puts in the place of half a character, until the other half comes. */
const HALF = /\ufffd+$/;

/** Whether a stream's events hold the new text alone, or all of it every time. */
type Sends = "new" | "all";

/**
 * What is new in each of a stream's texts, whichever of the two its model sends; the same model has done both:
 * https://github.com/triton-inference-server/tensorrtllm_backend/issues/520
 * While a text could be either it is held back, which is rarely for more than one.
 */
export class FreshText {
  readonly #inDoubt: Sends;
  #sends: Sends | undefined;
  /** What has been given out, where each text holds all of it. */
  #said = "";
  #latest = "";
  #held: string[] = [];

  /** `sends` where it is known, `inDoubt` what holds for a stream that ended without telling. */
  constructor(sends: Sends | undefined, inDoubt: Sends) {
    this.#sends = sends;
    this.#inDoubt = inDoubt;
  }

  /** The new pieces that this text brings, some held back until now; undefined where it takes back what was said. */
  push(text: string): string[] | undefined {
    const before = this.#latest.replace(HALF, "");
    if (this.#sends === undefined && before !== "") this.#sends = senderOf(before, text);
    const inDoubt = this.#sends === undefined && (this.#latest !== "" || HALF.test(text));
    this.#latest = text;
    this.#held.push(text);
    return inDoubt ? [] : this.#release();
  }

  /** What was held back to the end. */
  end(): string[] {
    this.#sends ??= this.#inDoubt;
    const rest = this.#release() ?? [];
    const half = this.#sends === "all" ? HALF.exec(this.#latest)?.[0] : undefined;
    return half === undefined ? rest : [...rest, half];
  }

  #release(): string[] | undefined {
    const pieces: string[] = [];
    for (const text of this.#held.splice(0)) {
      const fresh = this.#sends === "new" ? text : this.#freshOfAll(text.replace(HALF, ""));
      if (fresh === undefined) return undefined;
      if (fresh !== "") pieces.push(fresh);
    }
    return pieces;
  }

  #freshOfAll(whole: string): string | undefined {
    // The last text may be shorter than the one before, by the stop text that the model has taken off.
    if (this.#said.startsWith(whole)) return "";
    if (!whole.startsWith(this.#said)) return undefined;
    const fresh = whole.slice(this.#said.length);
    this.#said = whole;
    return fresh;
  }
}

/** What one text after another tells of their sender; undefined where it could be either. */
function senderOf(before: string, text: string): Sends | undefined {
  if (!text.startsWith(before)) return "new";
  return before.trim().length >= REPEATED_CHARS ? "all" : undefined;
}
