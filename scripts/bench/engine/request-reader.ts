/** One request, its body as bytes in a latin1 text. */
export type EngineRequest = { readonly path: string; readonly body: string };

const HEAD_CHARS_MAX = 64 * 1024;

/**
 * Cuts what one connection sends into requests (HTTP/1.1, with a length or chunked). Texts are latin1, one character
 * for each byte: V8 searches them as fast as memory and nothing is decoded.
 */
export class RequestReader {
  #rest = "";

  /** The requests that these bytes complete. It throws where the input is no HTTP. */
  push(bytes: string): EngineRequest[] {
    this.#rest += bytes;
    const requests: EngineRequest[] = [];
    for (;;) {
      const found = readRequest(this.#rest);
      if (!found) return requests;
      requests.push(found.request);
      this.#rest = this.#rest.slice(found.length);
    }
  }
}

function readRequest(text: string): { request: EngineRequest; length: number } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) {
    if (text.length > HEAD_CHARS_MAX) throw new Error("a request's head has no end");
    return undefined;
  }
  const head = text.slice(0, headEnd);
  const bodyAt = headEnd + 4;
  const path = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/"));
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const decoded = readChunks(text, bodyAt);
    return decoded && { request: { path, body: decoded.body }, length: decoded.end };
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (text.length < bodyAt + length) return undefined;
  return { request: { path, body: text.slice(bodyAt, bodyAt + length) }, length: bodyAt + length };
}

function readChunks(text: string, from: number): { body: string; end: number } | undefined {
  let body = "";
  for (let at = from; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("a chunk has no size");
    const dataAt = lineEnd + 2;
    if (text.length < dataAt + size + 2) return undefined;
    body += text.slice(dataAt, dataAt + size);
    at = dataAt + size + 2;
    if (size === 0) return { body, end: at };
  }
}
