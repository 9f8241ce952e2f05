const OPEN = "<think>";
const CLOSE = "</think>";

/** A piece of an answer, told apart. */
export type ThinkPiece = { readonly reasoning: string; readonly content: string };

/**
 * Tells a model's reasoning from its answer where the engine leaves both in one text: `<think>…</think>` at its very
 * beginning, as DeepSeek-R1, Qwen3 and others write it. The space around both is no part of either. A tag that comes
 * later is text, for it may be what was asked about.
 */
export class ThinkSplitter {
  #state: "start" | "thinking" | "text" = "start";
  #held = "";
  /** Nothing of what comes next has been said yet: space before it goes. */
  #fresh = false;

  /** Takes the next piece of the text, and gives what is decided by now. */
  push(piece: string): ThinkPiece {
    if (this.#state === "text" && !this.#fresh) return { reasoning: "", content: piece };
    this.#held += piece;
    if (this.#state === "start" && !this.#begins()) return { reasoning: "", content: "" };
    const reasoning = this.#state === "thinking" ? this.#thought() : "";
    return { reasoning, content: this.#state === "text" ? this.#shown() : "" };
  }

  /** What was held back when the text has ended. */
  end(): ThinkPiece {
    const rest = this.#held;
    this.#held = "";
    if (this.#state === "thinking") return { reasoning: rest.trimEnd(), content: "" };
    return { reasoning: "", content: this.#fresh ? "" : rest };
  }

  /** Whether it is known by now what the text begins with. */
  #begins(): boolean {
    const begun = this.#held.trimStart();
    if (begun.length < OPEN.length && OPEN.startsWith(begun)) return false;
    this.#fresh = begun.startsWith(OPEN);
    this.#state = this.#fresh ? "thinking" : "text";
    if (this.#fresh) this.#held = begun.slice(OPEN.length);
    return true;
  }

  #thought(): string {
    const at = this.#held.indexOf(CLOSE);
    const known = (at < 0 ? withoutTag(this.#held) : this.#held.slice(0, at)).trimEnd();
    this.#held = this.#held.slice(at < 0 ? known.length : at + CLOSE.length);
    const said = this.#fresh ? known.trimStart() : known;
    if (said !== "") this.#fresh = false;
    if (at >= 0) {
      this.#state = "text";
      this.#fresh = true;
    }
    return said;
  }

  #shown(): string {
    const text = this.#fresh ? this.#held.trimStart() : this.#held;
    this.#held = "";
    if (text !== "") this.#fresh = false;
    return text;
  }
}

/** A text without what may be the beginning of the closing tag. */
function withoutTag(text: string): string {
  for (let length = CLOSE.length - 1; length > 0; length--)
    if (text.endsWith(CLOSE.slice(0, length))) return text.slice(0, -length);
  return text;
}

/** A whole text, told apart. */
export function splitThinking(text: string): ThinkPiece {
  const splitter = new ThinkSplitter();
  const { reasoning, content } = splitter.push(text);
  const rest = splitter.end();
  return { reasoning: reasoning + rest.reasoning, content: content + rest.content };
}
