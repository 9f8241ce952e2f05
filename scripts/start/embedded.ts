import { join } from "node:path";
import {
  countEnd,
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
  /** Settles when its models are loaded; with a line for the user where they cannot be. */
  readonly ready: Promise<Result<void, string>>;
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

/**
 * Fetches what is missing, starts the engine, and starts it again on the same port should it end. It listens at once,
 * and its models load while others go on. The error is a line for the user; `signal` ends all of it.
 */
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
    const first = await startEmbeddedEngine(obtained.assets, { logFile, signal });
    return ok(watch(first, obtained.assets, logFile, signal));
  } catch (error) {
    return err(didNotStart(error, logFile));
  }
}

const didNotStart = (error: unknown, logFile: string): string =>
  `The embedded engine did not start: ${error instanceof Error ? error.message : String(error)}. Its log is ${logFile}.`;

function watch(
  first: EmbeddedEngine,
  assets: EngineAssets,
  logFile: string,
  signal: AbortSignal,
): RunningEngine {
  const port = Number(new URL(first.url).port);
  let current = first;
  let stopped = false;
  const ready = first.ready.then(
    () => ok(undefined),
    (error: unknown) => err(didNotStart(error, logFile)),
  );
  const failed = Promise.withResolvers<string>();
  void (async () => {
    // A model that does not load now will not load the next time.
    if (!(await ready).ok) return;
    let endsMs: number[] | undefined = [];
    for (;;) {
      const code = await current.exited;
      if (stopped || signal.aborted) return;
      endsMs = countEnd(endsMs, performance.now());
      if (!endsMs)
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
    ready,
    note: assets.isWiringOnly ? "wiring only: random weights, its text means nothing" : undefined,
    failed: failed.promise,
    async stop() {
      stopped = true;
      await current.stop();
    },
  };
}
