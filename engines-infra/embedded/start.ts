/** Starts the engine process and watches over it. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EngineAssets } from "./assets/obtain.ts";
import { openLogFile } from "./log-file.ts";
import { modelIdOf } from "./model/model-id.ts";
import type { EngineMessage } from "./server/messages.ts";

export type EmbeddedEngine = {
  /** `http://127.0.0.1:PORT`; it answers 503 until the models are loaded. */
  url: string;
  pid: number;
  /** Ids of the models that it serves. */
  models: string[];
  /**
   * Resolves when the models are loaded; rejects with one line where they cannot be, when the process ends first, or
   * when they take longer than `readyMsMax`, which ends the process.
   */
  ready: Promise<void>;
  /** Ends the process; resolves when it has ended. */
  stop(): Promise<void>;
  /** The exit code, null after a signal. */
  exited: Promise<number | null>;
};

export type StartOptions = {
  /** Default: any free one. */
  port?: number;
  /** Default: one less than there are cores, 1 in CI. */
  threads?: number;
  /** Where the process's log goes; default: nowhere. Long lines are cut, and it is renamed to `.old` when it is large. */
  logFile?: string;
  /** How long the models may take to load; default: five minutes. */
  readyMsMax?: number;
  /** Ends the process. */
  signal?: AbortSignal;
};

const STOP_MS = 3000;
/** A broken model file can be read for ever, with growing memory; a good one of 40 GB is read in two minutes. */
const READY_MS_MAX = 300_000;

/** Resolves as soon as the process listens. Rejects with one line where it does not. */
export async function startEmbeddedEngine(
  assets: EngineAssets,
  options: StartOptions = {},
): Promise<EmbeddedEngine> {
  const child = await spawnEngine(assets, options);
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    // A token that is being computed cannot be interrupted; a process that hangs can.
    const killTimer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(killTimer);
  };
  options.signal?.addEventListener("abort", () => void stop(), { once: true });

  const listening = Promise.withResolvers<number>();
  const ready = Promise.withResolvers<void>();
  // Whoever does not wait for readiness must not die of its rejection.
  ready.promise.catch(() => undefined);
  listening.promise.catch(() => undefined);
  child.on("message", (message: EngineMessage) => {
    if (message.kind === "listening") listening.resolve(message.port);
    else if (message.kind === "ready") ready.resolve();
    else {
      listening.reject(new Error(message.line));
      ready.reject(new Error(message.line));
    }
  });
  void exited.then((code) => {
    const error = new Error(
      `the embedded engine ended${code === null ? "" : ` with code ${code}`} before it was ready`,
    );
    listening.reject(error);
    ready.reject(error);
  });

  const port = await listening.promise;
  const readyMsMax = options.readyMsMax ?? READY_MS_MAX;
  const deadline = setTimeout(() => {
    ready.reject(new Error(`the model is not loaded after ${readyMsMax / 1000} seconds`));
    void stop();
  }, readyMsMax);
  ready.promise.catch(() => undefined).finally(() => clearTimeout(deadline));
  const models = [assets.modelPath, assets.embeddingModelPath]
    .filter((path) => path !== undefined)
    .map(modelIdOf);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, models, ready: ready.promise, stop, exited };
}

async function spawnEngine(
  assets: EngineAssets,
  { port = 0, threads, logFile }: StartOptions,
): Promise<ChildProcess> {
  const args = [
    `--install-dir=${assets.installDir}`,
    `--model=${assets.modelPath}`,
    `--port=${port}`,
    ...(assets.embeddingModelPath ? [`--embedding-model=${assets.embeddingModelPath}`] : []),
    ...(threads === undefined ? [] : [`--threads=${threads}`]),
  ];
  if (logFile) await mkdir(dirname(logFile), { recursive: true });
  // fork() opens the channel by whose end the engine learns that we are gone.
  const child = fork(join(import.meta.dirname, "server.ts"), args, {
    stdio: ["ignore", logFile ? "pipe" : "ignore", logFile ? "pipe" : "ignore", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // Compiling the runtime's JavaScript is a quarter of a warm start; Node keeps what it compiled.
    env: { ...process.env, NODE_COMPILE_CACHE: join(assets.installDir, "compile-cache") },
  });
  if (logFile) {
    const log = openLogFile(logFile);
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.once("close", () => log.end());
  }
  return child;
}
