import { readStamp } from "../clock.ts";

/** What an event counter finds. */
export type EventSink = {
  /** A chunk of content that the engine wrote at `writtenMs` of the monotonic clock. */
  chunk(writtenMs: number): void;
  /** The stream's own word that it is complete. */
  done(): void;
};

const STAMP_MARK = '"t=';

/** Finds the engine's stamps and the end mark in a stream of server-sent events, however it is cut. */
export class EventCounter {
  readonly #sink: EventSink;
  #rest = "";

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** Forgets the stream before. */
  restart(): void {
    this.#rest = "";
  }

  push(text: string): void {
    const whole = this.#rest === "" ? text : this.#rest + text;
    let start = 0;
    for (let end = whole.indexOf("\n"); end >= 0; end = whole.indexOf("\n", start)) {
      if (end > start) this.#line(whole.slice(start, end));
      start = end + 1;
    }
    this.#rest = start === whole.length ? "" : whole.slice(start);
  }

  #line(line: string): void {
    if (!line.startsWith("data:")) return;
    const at = line.indexOf(STAMP_MARK);
    const writtenMs = at < 0 ? undefined : readStamp(line, at + STAMP_MARK.length);
    if (writtenMs !== undefined) this.#sink.chunk(writtenMs);
    else if (line.includes("[DONE]")) this.#sink.done();
  }
}
