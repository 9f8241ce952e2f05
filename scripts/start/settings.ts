import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { ROOT } from "../platform/bundle.ts";

/** What the user may set for `npm start`. */
export type StartSettings = {
  readonly port: number;
  /** These engines and no others; undefined: look for some. */
  readonly engines: readonly EngineConfig[] | undefined;
  /** A GGUF of the user's own for the embedded engine. */
  readonly modelPath: string | undefined;
  readonly stateDir: string;
  readonly quiet: boolean;
};

const expand = (path: string): string =>
  resolve(path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/** Reads the environment; the error is one line that says which variable is wrong and how. */
export function readSettings(env: NodeJS.ProcessEnv): Result<StartSettings, string> {
  const port = Number(env.ECO_PORT ?? 8787);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    return err(`ECO_PORT must be a port from 0 to 65535, not \`${env.ECO_PORT}\`.`);
  let engines: readonly EngineConfig[] | undefined;
  if (env.ECO_ENGINES !== undefined && env.ECO_ENGINES.trim() !== "") {
    const read = readEngines(env.ECO_ENGINES);
    if (!read.ok) return read;
    engines = read.value;
  }
  return ok({
    port,
    engines,
    modelPath: env.ECO_MODEL ? expand(env.ECO_MODEL) : undefined,
    stateDir: env.ECO_STATE ? expand(env.ECO_STATE) : join(ROOT, ".eco"),
    quiet: env.ECO_QUIET === "1" || env.ECO_QUIET === "true",
  });
}

function readEngines(text: string): Result<EngineConfig[], string> {
  const example = '[{"id":"gpu-1","kind":"vllm","baseUrl":"http://127.0.0.1:8000"}]';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(`ECO_ENGINES is not JSON. It looks like ${example}`);
  }
  const parsed = z.array(EngineConfig).min(1).safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return err(
      `ECO_ENGINES: ${issue?.path.join(".") || "the list"}: ${issue?.message}. It looks like ${example}`,
    );
  }
  const ids = parsed.data.map((engine) => engine.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  return twice === undefined ? ok(parsed.data) : err(`ECO_ENGINES: two engines have the id \`${twice}\`.`);
}
