import type { ChatLogprobs } from "../contracts/chat.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import { ThinkSplitter } from "../streams/think-text.ts";
import type { EngineEvent } from "./engine.ts";

type Delta = Extract<EngineEvent, { type: "delta" }>;
type Entries = NonNullable<ChatLogprobs["content"]>;

/** How the text of one choice is read. */
export type TextRules = {
  readonly index: number;
  /** Texts at which it ends, and which it does not contain. */
  readonly stops: readonly string[];
  /** Whether reasoning at its beginning is told apart. */
  readonly thinks: boolean;
  /** What comes before it, with its first piece. */
  readonly before?: string;
};

/**
 * The text of one choice, token by token, as deltas. TGI keeps stop texts in the text and finds them at the end of a
 * token only, and it leaves reasoning in the text; both are seen to here.
 */
export class TextReader {
  readonly #rules: TextRules;
  readonly #stop: StopMatcher;
  readonly #think = new ThinkSplitter();
  /** Tokens of which not everything may be shown yet: how many characters of each are left, and its probabilities. */
  #tokens: { left: number; entries: Entries }[] = [];
  /** Probabilities of what is held back. */
  #entries: Entries = [];
  #before: string;

  constructor(rules: TextRules) {
    this.#rules = rules;
    this.#stop = new StopMatcher(rules.stops);
    this.#before = rules.before ?? "";
  }

  /** Whether a stop text has ended the text. */
  get stopped(): boolean {
    return this.#stop.found !== undefined;
  }

  /** Takes one token, and gives what may be shown by now. */
  push(text: string, entries: Entries = []): Delta[] {
    if (this.#rules.stops.length === 0) return this.#piece(text, entries);
    if (this.stopped) return [];
    this.#tokens.push({ left: text.length, entries });
    return this.#show(this.#stop.push(text));
  }

  /** What was held back, when the text has ended. */
  end(): Delta[] {
    const deltas = this.#show(this.#stop.end());
    if (!this.#rules.thinks) return deltas;
    const { reasoning, content } = this.#think.end();
    return [...deltas, ...this.#deltas(reasoning, content)];
  }

  /** A delta for each token that is shown, whole or in part: usage may have to be counted by them. */
  #show(shown: string): Delta[] {
    const deltas: Delta[] = [];
    let at = 0;
    for (let token = this.#tokens[0]; token; token = this.#tokens[0]) {
      const length = Math.min(token.left, shown.length - at);
      if (length === 0 && token.left > 0) break;
      deltas.push(...this.#piece(shown.slice(at, at + length), token.entries));
      at += length;
      if (length < token.left) {
        this.#tokens[0] = { left: token.left - length, entries: [] };
        break;
      }
      this.#tokens.shift();
    }
    return deltas;
  }

  #piece(text: string, entries: Entries): Delta[] {
    if (entries.length > 0) this.#entries.push(...entries);
    const { reasoning, content } = this.#rules.thinks
      ? this.#think.push(text)
      : { reasoning: "", content: text };
    return this.#deltas(reasoning, content);
  }

  #deltas(reasoning: string, content: string): Delta[] {
    const text = content === "" ? "" : this.#before + content;
    if (text !== "") this.#before = "";
    // A token that is half a character has its probability, and no text until the other half comes.
    if (reasoning === "" && text === "") return [];
    const entries = this.#entries;
    this.#entries = [];
    return [
      {
        type: "delta",
        index: this.#rules.index,
        ...(text !== "" && { content: text }),
        ...(reasoning !== "" && { reasoning }),
        ...(entries.length > 0 && { logprobs: { content: entries, refusal: null } }),
      },
    ];
  }
}
