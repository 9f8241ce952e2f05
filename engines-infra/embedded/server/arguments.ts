/** The command line of the engine process. */
import { parseArgs } from "node:util";

export type EngineArguments = {
  installDir: string;
  model: string;
  embeddingModel?: string;
  /** 0: any free one. */
  port: number;
  threads: number;
  slots: number;
  contextTokensMax: number;
};

export const USAGE =
  "usage: node server.ts --install-dir DIR --model FILE.gguf [--embedding-model FILE] [--port N] [--threads N] [--parallel N] [--ctx-size N]";

/** The arguments, or one line that says what is wrong with them. */
export function readArguments(argv: readonly string[], threadsDefault: number): EngineArguments | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        "install-dir": { type: "string" },
        model: { type: "string" },
        "embedding-model": { type: "string" },
        port: { type: "string", default: "0" },
        threads: { type: "string", default: String(threadsDefault) },
        parallel: { type: "string", default: "2" },
        "ctx-size": { type: "string", default: "4096" },
      },
    });
    const { "install-dir": installDir, model, "embedding-model": embeddingModel } = values;
    if (!installDir || !model) return USAGE;
    const numbers = [
      ["port", values.port, 0, 65_535],
      ["threads", values.threads, 1, 512],
      ["parallel", values.parallel, 1, 64],
      ["ctx-size", values["ctx-size"], 256, 1_048_576],
    ] as const;
    for (const [name, value, min, max] of numbers) {
      if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max) {
        return `--${name} must be a whole number between ${min} and ${max}`;
      }
    }
    return {
      installDir,
      model,
      embeddingModel,
      port: Number(values.port),
      threads: Number(values.threads),
      slots: Number(values.parallel),
      contextTokensMax: Number(values["ctx-size"]),
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${USAGE}`;
  }
}

/**
 * ggml's threads wait by spinning: with as many as there are cores, any other work on the machine makes each token wait
 * for a thread that is not running. So one core is left free, and in CI, where cores are shared, one thread is used.
 */
export const threadsFor = (cores: number, isCi: boolean): number => (isCi ? 1 : Math.max(1, cores - 1));
