/**
 * One server-sent event: `raw` as it came (line ends normalised to \n, without the blank line that ended it), `data`
 * joined from its data lines, or undefined where it had none (a comment, a bare field).
 */
export type SseEvent = { readonly raw: string; readonly data: string | undefined };

/** An event larger than this is no event: the scanner gives up rather than fill the isolate's memory. */
export const EVENT_CHARS_MAX = 16 * 1024 * 1024;

/** Thrown by a scanner whose input has no end of event within {@link EVENT_CHARS_MAX}. */
export class EventTooLarge extends Error {}

/**
 * Cuts bytes into server-sent events, however the network cut the bytes: https://html.spec.whatwg.org/#parsing-an-event-stream
 * Memory is the size of the one event that is not complete yet.
 */
export class SseScanner {
  readonly #decoder = new TextDecoder();
  #buffer = "";
  /** The buffer's last character: it can be the first half of a blank line. */
  #last = "";
  #heldCarriageReturn = false;

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): SseEvent[] {
    return eventsIn(this.take(bytes));
  }

  /** The text of the events that these bytes complete, for {@link eventsIn}: whoever need not look at each saves that. */
  take(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What is left when the stream has ended: an event whose last line lacked its line end, or nothing. */
  end(): SseEvent[] {
    const events = eventsIn(this.#take(`${this.#decoder.decode()}\n\n`));
    this.#buffer = "";
    this.#last = "";
    return events;
  }

  /** Text of the event that has begun and not ended. */
  get rest(): string {
    return this.#buffer;
  }

  #take(text: string): string {
    const fresh = this.#normalised(text);
    // Only what is new is searched, with the one character before it: joining a large event's pieces each time would
    // cost their number times their length.
    const at = (this.#last + fresh).lastIndexOf("\n\n");
    if (at < 0) {
      this.#buffer += fresh;
      this.#last = fresh.slice(-1) || this.#last;
      if (this.#buffer.length > EVENT_CHARS_MAX)
        throw new EventTooLarge(`no end of event in ${EVENT_CHARS_MAX} characters`);
      return "";
    }
    const end = at + 2 - this.#last.length;
    const whole = this.#buffer + fresh.slice(0, end);
    this.#buffer = fresh.slice(end);
    this.#last = this.#buffer.slice(-1);
    return whole;
  }

  /** CRLF and lone CR become LF; a CR at the very end waits, for its LF may be in the next bytes. */
  #normalised(text: string): string {
    if (!this.#heldCarriageReturn && !text.includes("\r")) return text;
    let whole = this.#heldCarriageReturn ? `\r${text}` : text;
    this.#heldCarriageReturn = whole.endsWith("\r");
    if (this.#heldCarriageReturn) whole = whole.slice(0, -1);
    return whole.replaceAll(/\r\n?/g, "\n");
  }
}

/** The events of a text that ends with an event's end. */
export function eventsIn(text: string): SseEvent[] {
  const events: SseEvent[] = [];
  for (let start = 0, end = 0; (end = text.indexOf("\n\n", start)) >= 0; start = end + 2) {
    const raw = text.slice(start, end);
    // A blank line more than needed is no event.
    if (raw.length > 0 && raw !== "\n") events.push({ raw, data: dataOf(raw) });
  }
  return events;
}

/** The `data` of an event's text, or undefined. */
function dataOf(raw: string): string | undefined {
  // Nearly every event of every engine is one line, `data: {...}`.
  if (raw.startsWith("data: ") && !raw.includes("\n")) return raw.slice(6);
  const lines = raw
    .split("\n")
    .filter((line) => line === "data" || line.startsWith("data:"))
    .map((line) => (line.startsWith("data: ") ? line.slice(6) : line.slice(5)));
  return lines.length > 0 ? lines.join("\n") : undefined;
}

/** The text of an event with this data. */
export const sseEvent = (data: string): string => `data: ${data}\n\n`;

/** The event that ends an OpenAI stream after success. */
export const SSE_DONE = "data: [DONE]\n\n";

/** A comment: it keeps proxies and clients from giving up, and clients ignore it. */
export const SSE_KEEP_ALIVE = ": keep-alive\n\n";
