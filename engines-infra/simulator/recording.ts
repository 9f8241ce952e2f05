import { connect } from "node:net";
import { exchanges } from "./exchanges.ts";
import type { Exchange } from "./exchanges.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import { startSimulator } from "./simulator.ts";

/** A fixed clock, so that recordings of the simulator only change when its behaviour does. */
const RECORDED_MS = Date.UTC(2026, 0, 31, 12, 0, 0, 123);
const SILENCE_MS_MAX = 60_000;

export type Recording = { name: string; bytes: Buffer };

/**
 * Plays the fixed list of exchanges against `url`, or against a fresh simulator, and gives each answer as a status
 * line, headers, a blank line and the body's bytes with the transfer coding taken off.
 */
export async function record(kind: SimulatedKind, url?: string, model = "sim-model"): Promise<Recording[]> {
  const simulator =
    url === undefined ? await startSimulator({ kind, models: [model], nowMs: () => RECORDED_MS }) : undefined;
  const base = new URL(url ?? simulator?.url ?? "");
  const recordings: Recording[] = [];
  try {
    for (const exchange of exchanges(kind, model)) {
      // A real engine cannot be told to fail.
      if (url !== undefined && exchange.simulatorOnly) continue;
      const bytes = await play(base, exchange);
      recordings.push({ name: exchange.name, bytes: simulator ? undated(bytes) : bytes });
    }
  } finally {
    await simulator?.stop();
  }
  return recordings;
}

/** One exchange on a connection of its own, read to its end or its reset: an HTTP client would hide how it ended. */
async function play(base: URL, { method, path, body, headers }: Exchange): Promise<Buffer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: ${base.host}`,
    "connection: close",
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined
      ? []
      : ["content-type: application/json", `content-length: ${Buffer.byteLength(text)}`]),
  ];
  const parts: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(base.port || 80), base.hostname, () =>
      socket.write(`${head.join("\r\n")}\r\n\r\n${text}`),
    );
    socket.setTimeout(SILENCE_MS_MAX, () =>
      socket.destroy(new Error(`${path}: silent for ${SILENCE_MS_MAX} ms`)),
    );
    socket.on("data", (part) => parts.push(part));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? resolve() : reject(error),
    );
    socket.on("close", () => resolve());
  });
  return unchunked(Buffer.concat(parts));
}

function unchunked(raw: Buffer): Buffer {
  const end = raw.indexOf("\r\n\r\n") + 4;
  const head = raw.subarray(0, end);
  if (!/^transfer-encoding: *chunked\r$/im.test(head.toString("latin1"))) return raw;
  const parts = [head];
  for (let at = end; at < raw.length;) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(size > 0)) break;
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}

/** Node writes the real date and `connection: close` was our own wish: neither belongs to the recording. */
function undated(bytes: Buffer): Buffer {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.subarray(0, end).toString("latin1");
  const kept = head.split("\r\n").filter((line) => !/^(date|connection):/i.test(line));
  return Buffer.concat([Buffer.from(kept.join("\r\n"), "latin1"), bytes.subarray(end)]);
}
