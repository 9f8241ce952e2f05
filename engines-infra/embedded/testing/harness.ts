/** A running engine around scripted models, for tests of the protocol over real HTTP. */
import type { AddressInfo } from "node:net";
import type { Engine } from "../server/context.ts";
import type { HttpOptions } from "../server/http.ts";
import { createEngineServer } from "../server/http.ts";
import { Metrics } from "../server/metrics.ts";
import { SlotPool } from "../server/slots.ts";
import { LetterEmbeddings, type ScriptedModel } from "./scripted-model.ts";
import { seededRandom } from "./random.ts";

export type Harness = {
  url: string;
  engine: Engine;
  /** Lines that would go to the log. */
  log: string[];
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
  stop(): Promise<void>;
};

export async function startHarness(
  model: ScriptedModel,
  options: Partial<HttpOptions> & { waitingMax?: number; embeddings?: boolean } = {},
): Promise<Harness> {
  let clockMs = 0;
  const log: string[] = [];
  const engine: Engine = {
    model,
    embeddings: options.embeddings === false ? undefined : new LetterEmbeddings(),
    pool: new SlotPool(model.slots, options.waitingMax ?? 64, (slot, prompt) =>
      model.memoryFor(slot, prompt),
    ),
    metrics: new Metrics(),
    nowMs: () => (clockMs += 10),
    nowSeconds: () => 1_700_000_000,
    random: seededRandom(1),
    build: "scripted-1",
  };
  const server = createEngineServer({
    state: () => ({ status: "ready", engine }),
    log: (line) => log.push(line),
    ...options,
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    engine,
    log,
    post: (path, body, signal) =>
      fetch(`${url}${path}`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        signal,
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The values of a stream's `data:` lines, with `[DONE]` as it is. */
export function eventsOf(body: string): unknown[] {
  return body
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length))
    .map((data) => (data === "[DONE]" ? data : (JSON.parse(data) as unknown)));
}

/** Waits until something is so; fails after a while. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 5000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
