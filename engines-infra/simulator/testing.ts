import { connect } from "node:net";
import { type SimulatedKind, kinds } from "./kinds/registry.ts";
import { startSimulator } from "./simulator.ts";
import type { Simulator, SimulatorOptions } from "./simulator.ts";

/** The kinds that have OpenAI's chat: what is true of all of them is tested with it. */
export const CHAT_KINDS = (Object.keys(kinds) as SimulatedKind[]).filter(
  (kind) => "POST /v1/chat/completions" in kinds[kind].routes,
);

/** Runs a test against a fresh simulator and stops it whatever happens. */
export async function withSimulator(
  options: SimulatorOptions,
  test: (sim: Simulator) => Promise<void>,
): Promise<void> {
  const sim = await startSimulator({ nowMs: () => 1_000, ...options });
  try {
    await test(sim);
  } finally {
    await sim.stop();
  }
}

/** An answer read to its end. `broken`: the connection broke before the body was complete. */
export type Heard = { status: number; headers: Headers; text: string; bytes: Buffer; broken: boolean };

/** Sends a JSON body and reads what comes, however it ends. */
export async function post(
  sim: Simulator,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Heard> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const request = { method: "POST", body: text, headers: { "content-type": "application/json", ...headers } };
  return hear(await fetch(sim.url + path, request));
}

export async function get(
  sim: Simulator,
  path: string,
  headers: Record<string, string> = {},
): Promise<Heard> {
  return hear(await fetch(sim.url + path, { headers }));
}

async function hear(response: Response): Promise<Heard> {
  const parts: Uint8Array[] = [];
  let broken = false;
  try {
    for await (const part of response.body ?? []) parts.push(part);
  } catch {
    broken = true;
  }
  const bytes = Buffer.concat(parts);
  return { status: response.status, headers: response.headers, text: bytes.toString(), bytes, broken };
}

/** Sends a request and leaves, resetting the connection, once `until` says so of the bytes so far. */
export function leaveWhen(
  sim: Simulator,
  path: string,
  body: unknown,
  until: (heard: string) => boolean,
): Promise<void> {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connect(sim.port, "127.0.0.1", () => {
      socket.write(head + text);
      if (until("")) socket.resetAndDestroy();
    });
    socket.on("data", (part) => {
      heard += part.toString("latin1");
      if (until(heard)) socket.resetAndDestroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

/** A chat request with one user message, native for Ollama and OpenAI-style for all others. */
export function chat(content: string, more: Record<string, unknown> = {}) {
  return { model: "sim-model", messages: [{ role: "user", content }], stream: true, ...more };
}

/** The data of each server-sent event, or each line of NDJSON. */
export function events(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith(":"));
  return lines.map((line) => line.replace(/^data: /, ""));
}

/** The text of a stream of any kind, joined. */
export function joined(text: string): string {
  return events(text)
    .filter((event) => event.startsWith("{"))
    .map((event) => JSON.parse(event))
    .map(
      (event) =>
        event.choices?.[0]?.delta?.content ??
        event.choices?.[0]?.text ??
        event.message?.content ??
        event.response ??
        "",
    )
    .join("");
}
