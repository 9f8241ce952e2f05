import { join } from "node:path";
import {
  createProgressBar,
  obtainEmbeddedEngine,
  quietProgress,
  startEmbeddedEngine,
} from "../../engines-infra/embedded/index.ts";
import type { EmbeddedEngine, EngineAssets } from "../../engines-infra/embedded/index.ts";
import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";

/** The embedded engine, started and watched over. */
export type RunningEngine = {
  readonly config: EngineConfig;
  /** Settles when its models are loaded. */
  readonly ready: Promise<void>;
  /** What the user should know of it. */
  readonly note: string | undefined;
  /** Resolves, with a line for the user, when it has ended too often to be started again. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
};

type Options = {
  readonly installDir: string;
  readonly stateDir: string;
  readonly modelPath: string | undefined;
  readonly quiet: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Ends of the process that are borne before it is given up. */
const RESTARTS_MAX = 5;

/** Fetches what is missing, starts the engine, and starts it again on the same port should it end. */
export async function embeddedEngine({
  installDir,
  stateDir,
  modelPath,
  quiet,
  say,
  signal,
}: Options): Promise<Result<RunningEngine, string>> {
  const output = {
    write: (text: string) => void process.stdout.write(text),
    isTerminal: process.stdout.isTTY === true,
    columns: () => process.stdout.columns ?? 80,
  };
  const obtained = await obtainEmbeddedEngine({
    installDir,
    fallbackDir: join(stateDir, "models"),
    ...(modelPath !== undefined && { modelPath }),
    progress: quiet ? quietProgress : createProgressBar({ output, nowMs: () => Date.now() }),
    log: quiet ? () => undefined : say,
    signal,
  });
  if (!obtained.ok) {
    const { line } = obtained.problem;
    return err(
      `The embedded engine: ${line}. Start an engine of your own and set ECO_ENGINES, or mend this and start again.`,
    );
  }
  const logFile = join(stateDir, "engine.log");
  try {
    const first = await startEmbeddedEngine(obtained.assets, { logFile });
    await first.ready;
    return ok(watch(first, obtained.assets, logFile, signal));
  } catch (error) {
    return err(
      `The embedded engine did not start: ${error instanceof Error ? error.message : String(error)}. Its log is ${logFile}.`,
    );
  }
}

function watch(
  first: EmbeddedEngine,
  assets: EngineAssets,
  logFile: string,
  signal: AbortSignal,
): RunningEngine {
  const port = Number(new URL(first.url).port);
  let current = first;
  let stopped = false;
  const failed = Promise.withResolvers<string>();
  void (async () => {
    for (let restarts = 0; ; restarts++) {
      const code = await current.exited;
      if (stopped || signal.aborted) return;
      if (restarts >= RESTARTS_MAX)
        return failed.resolve(
          `The embedded engine ended again and again (code ${code}). Its log is ${logFile}.`,
        );
      try {
        current = await startEmbeddedEngine(assets, { port, logFile });
      } catch (error) {
        return failed.resolve(
          `The embedded engine could not be started again: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  })();
  return {
    config: { id: "embedded", kind: "llama-cpp", baseUrl: first.url },
    ready: first.ready,
    note: assets.isWiringOnly ? "wiring only: random weights, its text means nothing" : undefined,
    failed: failed.promise,
    async stop() {
      stopped = true;
      await current.stop();
    },
  };
}
