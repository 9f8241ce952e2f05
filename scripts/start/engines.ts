import { join } from "node:path";
import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { engines as adapters } from "../../shared/engines/engines.ts";
import { ROOT } from "../platform/bundle.ts";
import type { ServedEngine } from "./dev-file.ts";
import { discoverEngines } from "./discover.ts";
import { type RunningEngine, embeddedEngine } from "./embedded.ts";
import { type Launch, StartError } from "./launch.ts";

/** Time that looking for engines on this machine, or asking one for its models, may take, in milliseconds. */
const DISCOVERY_MS = 1_500;

/** The engines behind a platform on this machine, and the embedded one where it is among them. */
export type Engines = {
  readonly engines: readonly EngineConfig[];
  readonly embedded: RunningEngine | undefined;
};

/**
 * The engines that are named, else those that listen on this machine, else the embedded one, whose models may still be
 * loading; it ends with the launch. Throws a `StartError` where there is none to be had.
 */
export async function findEngines({ settings, signal, onStop }: Launch): Promise<Engines> {
  const { port, modelPath, stateDir, quiet } = settings;
  // A model of the user's own is a wish for the embedded engine.
  const listening =
    settings.engines ?? (modelPath === undefined ? await discoverEngines(DISCOVERY_MS, port) : []);
  signal.throwIfAborted();
  if (listening.length > 0) return { engines: listening, embedded: undefined };
  const started = await embeddedEngine({
    installDir: join(ROOT, ".eco", "engine"),
    stateDir,
    modelPath,
    quiet,
    say: (line) => console.log(`  ${line}`),
    signal,
  });
  if (!started.ok) throw new StartError(started.error);
  onStop(() => started.value.stop());
  return { engines: [started.value.config], embedded: started.value };
}

/** Waits for the embedded engine's models, where it is among the engines. Throws a `StartError` for a failure. */
export async function mustLoad({ embedded }: Engines, signal: AbortSignal): Promise<void> {
  const loaded = await embedded?.ready;
  signal.throwIfAborted();
  if (loaded?.ok === false) throw new StartError(loaded.error);
}

/** Rejects with a `StartError` once the embedded engine is given up; pends for ever where it is not among the engines. */
export async function engineFailed({ embedded }: Engines): Promise<never> {
  throw new StartError(await (embedded?.failed ?? new Promise<never>(() => undefined)));
}

/** What each engine says that it serves; nothing for one that does not answer. */
export const withModels = (engines: readonly EngineConfig[]): Promise<ServedEngine[]> =>
  Promise.all(
    engines.map(async ({ id, kind, baseUrl, apiKey, models: allowed }) => {
      const { models, trimBaseUrl } = adapters[kind];
      const served = await fetch(trimBaseUrl(baseUrl) + models.path, {
        headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
        signal: AbortSignal.timeout(DISCOVERY_MS),
      })
        .then(async (answer) => models.read(await answer.json()).map(({ names }) => names[0] ?? ""))
        .catch(() => []);
      return { id, kind, baseUrl, models: allowed ?? served };
    }),
  );
