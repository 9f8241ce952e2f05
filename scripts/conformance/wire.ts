import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { EngineRequest } from "../../shared/engines/engine.ts";

/** An answer read to its end. `broken`: the connection broke before the body was complete. */
export type Heard = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly broken: boolean;
};

/** An answer as it came: a status line, headers, a blank line, and the body without its transfer coding. */
export type Recording = { readonly name: string; readonly bytes: Uint8Array };

/** An answer that is being read. `leave` resets the connection, as a client does that is gone. */
export type Opened = {
  readonly status: number;
  readonly pieces: AsyncIterable<Uint8Array>;
  leave(): void;
};

/** The way to one engine. Every request has a connection of its own: engines close idle ones after seconds. */
export type Wire = {
  /** Sends a request and reads its answer to the end; `name` is that of its recording. */
  send(name: string, request: EngineRequest): Promise<Heard>;
  /** Sends a request and leaves its answer to the caller. */
  open(request: EngineRequest): Promise<Opened>;
  readonly recordings: readonly Recording[];
};

/** Connects to `baseUrl`. Rejects where an answer does not begin, or goes silent, for `timeoutMs`. */
export function createWire(to: {
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  readonly timeoutMs: number;
}): Wire {
  const recordings: Recording[] = [];
  const names = new Map<string, number>();

  async function send(name: string, request: EngineRequest): Promise<Heard> {
    const answer = await begin(request, to);
    const parts: Uint8Array[] = [];
    let broken = false;
    try {
      for await (const part of answer) parts.push(part as Uint8Array);
    } catch {
      broken = true;
    }
    const bytes = new Uint8Array(Buffer.concat(parts));
    const times = (names.get(name) ?? 0) + 1;
    names.set(name, times);
    recordings.push({ name: times === 1 ? name : `${name}-${times}`, bytes: recorded(answer, bytes) });
    const { statusCode: status = 0, headers } = answer;
    return { status, headers, bytes, text: new TextDecoder().decode(bytes), broken };
  }

  async function open(request: EngineRequest): Promise<Opened> {
    const answer = await begin(request, to);
    return {
      status: answer.statusCode ?? 0,
      pieces: answer,
      leave: () => void answer.socket.resetAndDestroy(),
    };
  }

  return { send, open, recordings };
}

/** Resolves once the status line and the headers are there. */
function begin(
  { path, body, method = "POST", headers }: EngineRequest,
  to: { readonly baseUrl: string; readonly apiKey?: string | undefined; readonly timeoutMs: number },
): Promise<IncomingMessage> {
  const url = new URL(to.baseUrl + path);
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, { method, agent: false, timeout: to.timeoutMs }, resolve);
    if (method === "POST") request.setHeader("content-type", "application/json");
    if (to.apiKey !== undefined) request.setHeader("authorization", `Bearer ${to.apiKey}`);
    for (const [name, value] of Object.entries(headers ?? {})) request.setHeader(name, value);
    request.on("timeout", () => request.destroy(new Error(`${path}: silent for ${to.timeoutMs} ms`)));
    request.on("error", reject);
    request.end(method === "POST" ? body : undefined);
  });
}

function recorded({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage, body: Uint8Array) {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return new Uint8Array(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]));
}
