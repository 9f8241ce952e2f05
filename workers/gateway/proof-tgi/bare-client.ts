import { type Socket, connect } from "node:net";
import type { Proof } from "./harness.ts";

/** A client on a socket of its own, which can leave as real ones do: politely, or not. */
export type Leaver = {
  /** Resolves when what was heard so far satisfies the pattern; rejects when the server ends first. */
  heard(pattern: RegExp): Promise<string>;
  /** Resets the connection, as a killed process does. */
  reset(): void;
  /** Closes the connection in order, as a closed tab does. */
  close(): void;
};

/** Sends a JSON request over a bare socket. */
export function leaver(
  { url, key }: Proof,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Leaver {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(body);
  const socket: Socket = connect(Number(port), hostname);
  const lines = {
    host: hostname,
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  let heard = "";
  socket.write(`POST ${path} HTTP/1.1\r\n${head.join("")}\r\n${text}`);
  socket.on("data", (part) => (heard += part.toString("latin1")));
  socket.on("error", () => undefined);
  return {
    heard: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(heard)) resolve(heard);
        };
        socket.on("data", look);
        socket.on("close", () => reject(new Error(`The server ended; heard was ${heard}`)));
        look();
      }),
    reset: () => void socket.resetAndDestroy(),
    close: () => void socket.destroy(),
  };
}

/**
 * Sends a JSON body in pieces, without saying how long it will be, until an answer has come or everything is sent.
 * Gives the answer's text from its status line on, "" where the server hung up without one.
 */
export async function sendPieces(
  { url, key }: Proof,
  path: string,
  pieces: readonly Buffer[],
): Promise<{ answer: string; sentBytes: number }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard = "";
  const answer = new Promise<string>((resolve) => {
    socket.on("data", (part) => {
      heard += part.toString();
      if (/^HTTP[^]*\r\n\r\n[^]*\}$/.test(heard.trimEnd())) resolve(heard);
    });
    // Whoever has heard enough of us may hang up on what we still send; what he said before counts.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(heard));
  });
  const head = [
    `host: ${hostname}`,
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    "transfer-encoding: chunked",
  ];
  socket.write(`POST ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  let sentBytes = 0;
  for (const piece of pieces) {
    if (heard !== "" || socket.destroyed) break;
    sentBytes += piece.length;
    await new Promise<unknown>((resolve) =>
      socket.write(
        Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]),
        resolve,
      ),
    );
  }
  if (!socket.destroyed) socket.write("0\r\n\r\n");
  return answer.then((text) => ({ answer: text, sentBytes })).finally(() => socket.destroy());
}
