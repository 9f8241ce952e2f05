/** Turns tokens into text as they come, without ever showing half a character. */
import type { Token } from "../model/port.ts";

type Detokenize = (tokens: readonly Token[], before?: readonly Token[]) => string;

/** A character has at most 4 bytes, so after this many tokens an unreadable end is not an unfinished one. */
const PENDING_TOKENS_MAX = 4;
/** Tokenizers of the SentencePiece kind need to see what came before to know whether a word starts with a space. */
const BEFORE_TOKENS = 8;

export class TokenText {
  readonly #detokenize: Detokenize;
  #pending: Token[] = [];
  #before: Token[] = [];

  constructor(detokenize: Detokenize) {
    this.#detokenize = detokenize;
  }

  /** The text that `token` completes; empty while the last character lacks bytes. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    return text.endsWith("\uFFFD") && this.#pending.length < PENDING_TOKENS_MAX ? "" : this.#take(text);
  }

  /** What is left when no more tokens come: the beginning of a character, as U+FFFD. */
  flush(): string {
    return this.#pending.length === 0 ? "" : this.#take(this.#detokenize(this.#pending, this.#before));
  }

  #take(text: string): string {
    this.#before = [...this.#before, ...this.#pending].slice(-BEFORE_TOKENS);
    this.#pending = [];
    return text;
  }
}
