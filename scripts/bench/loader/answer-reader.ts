/** Where an answer stands after some bytes. */
export type Progress = "more" | "done" | "broken";

const HEAD_CHARS_MAX = 32 * 1024;

/**
 * Reads one HTTP/1.1 answer as it comes, by its length or chunked, and hands on its body. Texts are latin1, one
 * character for each byte.
 */
export class AnswerReader {
  readonly #onBody: (text: string) => void;
  /** HTTP status; 0 until the head has come. */
  status = 0;
  /** Whether the connection serves another request after this one. */
  keepAlive = true;
  #state: "head" | "length" | "size" | "data" | "after data" | "trailer" = "head";
  #rest = "";
  #left = 0;

  constructor(onBody: (text: string) => void) {
    this.#onBody = onBody;
  }

  /** Forgets the answer before. */
  restart(): void {
    this.status = 0;
    this.keepAlive = true;
    this.#state = "head";
    this.#rest = "";
    this.#left = 0;
  }

  push(bytes: string): Progress {
    const text = this.#rest === "" ? bytes : this.#rest + bytes;
    this.#rest = "";
    let at = 0;
    while (at < text.length) {
      if (this.#state === "length" || this.#state === "data") {
        const part = at === 0 && text.length <= this.#left ? text : text.slice(at, at + this.#left);
        this.#onBody(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left > 0) return "more";
        if (this.#state === "length") return at === text.length ? "done" : "broken";
        this.#state = "after data";
        continue;
      }
      const mark = this.#state === "head" ? "\r\n\r\n" : "\r\n";
      const end = text.indexOf(mark, at);
      if (end < 0) {
        this.#rest = text.slice(at);
        return this.#rest.length > HEAD_CHARS_MAX ? "broken" : "more";
      }
      const line = text.slice(at, end);
      at = end + mark.length;
      const over = this.#takeLine(line);
      if (over === "done") return at === text.length ? "done" : "broken";
      if (over === "broken") return over;
    }
    return "more";
  }

  #takeLine(line: string): Progress {
    switch (this.#state) {
      case "head":
        return this.#takeHead(line);
      case "size":
        this.#left = Number.parseInt(line, 16);
        if (Number.isNaN(this.#left)) return "broken";
        this.#state = this.#left === 0 ? "trailer" : "data";
        return "more";
      case "after data":
        this.#state = "size";
        return line === "" ? "more" : "broken";
      default:
        return line === "" ? "done" : "more";
    }
  }

  #takeHead(head: string): Progress {
    this.status = Number(head.slice(9, 12));
    if (!head.startsWith("HTTP/1.1 ") || Number.isNaN(this.status)) return "broken";
    this.keepAlive = !/\r\nconnection: *close/i.test(head);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#state = "size";
      return "more";
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    // Without either, the answer ends with the connection: nothing that is measured here does so.
    if (length === undefined) return "broken";
    this.#left = Number(length);
    this.#state = "length";
    return this.#left === 0 ? "done" : "more";
  }
}
