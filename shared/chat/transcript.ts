import { NOTHING_WRITTEN, type WrittenAnswer, readWritten } from "./written.ts";

/** Longest answer that is kept, in characters of its events: beyond it, no other engine can go on with the answer. */
export const TRANSCRIPT_CHARS_MAX = 4 * 1024 * 1024;

/** Keeps the events that a client was sent, unread: only an answer whose engine was lost is looked at. */
export class Transcript {
  #parts: string[] = [];
  #chars = 0;

  /** Adds whole events. */
  add(text: string): void {
    this.#chars += text.length;
    if (this.#chars <= TRANSCRIPT_CHARS_MAX) this.#parts.push(text);
    else this.#parts = this.#parts.slice(0, 1);
  }

  /** What they say. An answer that was too long to keep is beyond continuing, as one with reasoning is. */
  read(): WrittenAnswer {
    const written = readWritten(this.#parts.join(""));
    if (this.#chars <= TRANSCRIPT_CHARS_MAX) return written;
    return { ...NOTHING_WRITTEN, frame: written.frame, beyondText: "too long a text" };
  }
}
