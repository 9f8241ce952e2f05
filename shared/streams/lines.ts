import { EVENT_CHARS_MAX, EventTooLarge } from "./sse.ts";

/** Cuts bytes into lines (NDJSON), however the network cut the bytes. Empty lines are left out. */
export class LineScanner {
  readonly #decoder = new TextDecoder();
  #buffer = "";

  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): string[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (!text.includes("\n")) {
      this.#buffer += text;
      if (this.#buffer.length > EVENT_CHARS_MAX)
        throw new EventTooLarge(`no end of line in ${EVENT_CHARS_MAX} characters`);
      return [];
    }
    const lines = (this.#buffer + text).split("\n");
    this.#buffer = lines.pop() ?? "";
    return lines
      .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))
      .filter((line) => line.length > 0);
  }

  /** A last line without its line end, if there is one. */
  end(): string[] {
    const last = (this.#buffer + this.#decoder.decode()).trim();
    this.#buffer = "";
    return last ? [last] : [];
  }
}
