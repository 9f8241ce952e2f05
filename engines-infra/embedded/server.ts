/**
 * The engine process: a language model and an embedding model of llama.cpp behind llama-server's protocol.
 * It listens at once and answers 503 `Loading model` until the models are there.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import { messageOf } from "./lines.ts";
import type { EmbeddingModel } from "./model/port.ts";
import { loadRuntime } from "./model/llama-api.ts";
import { loadEmbeddingModel, loadLanguageModel } from "./model/load.ts";
import { Turns } from "./model/turns.ts";
import type { EngineArguments } from "./server/arguments.ts";
import { readArguments, threadsFor } from "./server/arguments.ts";
import type { Engine } from "./server/context.ts";
import type { EngineState } from "./server/http.ts";
import { createEngineServer } from "./server/http.ts";
import type { EngineMessage } from "./server/messages.ts";
import { Metrics } from "./server/metrics.ts";
import { SlotPool } from "./server/slots.ts";

const WAITING_MAX = 64;

const log = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
const tellParent = (message: EngineMessage): void => void process.send?.(message);

async function loadEngine(settings: EngineArguments): Promise<Engine> {
  const runtime = await loadRuntime(settings.installDir, log);
  const turns = new Turns();
  const { threads, slots, contextTokensMax } = settings;
  const [model, embeddings] = await Promise.all([
    loadLanguageModel(runtime, { path: settings.model, threads, slots, contextTokensMax, turns }),
    settings.embeddingModel
      ? loadEmbeddingModel(runtime, { path: settings.embeddingModel, threads, turns }).catch(
          withoutEmbeddings,
        )
      : undefined,
  ]);
  return {
    model,
    embeddings,
    pool: new SlotPool(model.slots, WAITING_MAX, (slot, prompt) => model.memoryFor(slot, prompt)),
    metrics: new Metrics(),
    nowMs: () => performance.now(),
    nowSeconds: () => Math.floor(Date.now() / 1000),
    random: Math.random,
    build: `eco-embedded-node-llama-cpp-${runtime.version}`,
  };
}

/** A chat model alone is worth having. */
function withoutEmbeddings(error: unknown): EmbeddingModel | undefined {
  log(`the embedding model does not load, going on without it: ${messageOf(error)}`);
  return undefined;
}

const settings = readArguments(
  process.argv.slice(2),
  threadsFor(availableParallelism(), Boolean(process.env["CI"])),
);
if (typeof settings === "string") {
  console.error(settings);
  process.exit(2);
}

let state: EngineState = { status: "loading" };
const server = createEngineServer({ state: () => state, log });

function exit(code: number): void {
  server.close();
  server.closeAllConnections();
  process.exit(code);
}
process.once("SIGTERM", () => exit(0));
process.once("SIGINT", () => exit(0));
// The channel closes when the parent is gone, however it went: no engine outlives the platform that started it.
process.once("disconnect", () => exit(0));

server.once("error", (error) => {
  tellParent({ kind: "failed", line: `the engine cannot listen: ${messageOf(error)}` });
  log(`cannot listen: ${messageOf(error)}`);
  exit(1);
});
server.listen(settings.port, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
tellParent({ kind: "listening", port });
log(`listening on http://127.0.0.1:${port}, loading ${settings.model}`);

const startedMs = performance.now();
try {
  const engine = await loadEngine(settings);
  state = { status: "ready", engine };
  const models = [engine.model.card, engine.embeddings?.card].flatMap((card) => (card ? [card.id] : []));
  tellParent({ kind: "ready", models });
  log(
    `ready with ${models.join(" and ")} after ${Math.round(performance.now() - startedMs)} ms, threads ${settings.threads}`,
  );
} catch (error) {
  const line = `the model cannot be loaded: ${messageOf(error)}`;
  state = { status: "failed", message: line };
  tellParent({ kind: "failed", line });
  log(line);
}
