import type { ChatLogprobs } from "../contracts/chat.ts";
import { StopMatcher } from "../streams/stop-text.ts";

/** A piece of a choice: its text, and the log probabilities of its tokens. */
export type Piece = { readonly content?: string | undefined; readonly logprobs?: ChatLogprobs | undefined };

/** The answer to one prompt, which ends at the first of the stop texts. */
export class Choice {
  readonly #matcher: StopMatcher | undefined;
  /** What waits for its text to be shown, and where in the text it begins, in UTF-16 units. */
  #waiting: { readonly start: number; readonly logprobs: ChatLogprobs }[] = [];
  #taken = 0;
  #shown = 0;

  constructor(stops: readonly string[]) {
    if (stops.length > 0) this.#matcher = new StopMatcher(stops);
  }

  /** A stop text has come: what follows is no part of the answer. */
  get stopped(): boolean {
    return this.#matcher?.found !== undefined;
  }

  /** Takes the next piece and gives what may be shown now. */
  push({ content, logprobs }: Piece): Piece {
    if (!this.#matcher) return { content, logprobs };
    if (logprobs) this.#waiting.push({ start: this.#taken, logprobs });
    this.#taken += content?.length ?? 0;
    return this.#show(this.#matcher.push(content ?? ""));
  }

  /** What was held back, where the engine ended the answer. */
  end(): Piece {
    return this.#matcher ? this.#show(this.#matcher.end(), Infinity) : {};
  }

  #show(content: string, until?: number): Piece {
    this.#shown += content.length;
    const end = until ?? this.#shown;
    const ready = this.#waiting.filter(({ start }) => start < end);
    this.#waiting = this.#waiting.slice(ready.length);
    const entries = ready.flatMap(({ logprobs }) => logprobs.content ?? []);
    return { content, ...(entries.length > 0 && { logprobs: { content: entries, refusal: null } }) };
  }
}
