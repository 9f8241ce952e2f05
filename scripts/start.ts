// `npm start`: the whole platform on this machine. Design: find or bring up an engine, serve the Worker, print one screen.
import { createWriteStream, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineConfig } from "../shared/contracts/engine-config.ts";
import { engines as adapters } from "../shared/engines/engines.ts";
import { bundleWorker, ROOT } from "./platform/bundle.ts";
import { type Platform, servePlatform } from "./platform/serve.ts";
import { discoverEngines } from "./start/discover.ts";
import { type RunningEngine, embeddedEngine } from "./start/embedded.ts";
import { ensureKeys } from "./start/keys.ts";
import { takeLock } from "./start/lock.ts";
import { isPortFree } from "./start/port.ts";
import { readyScreen } from "./start/screen.ts";
import { loadSecrets } from "./start/secrets.ts";
import { type StartSettings, readSettings } from "./start/settings.ts";

/** Time that looking for engines on this machine may take, in milliseconds. */
const DISCOVERY_MS = 1_500;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** Ends the start with one line: what is wrong, and what to do about it. */
class StartError extends Error {}

const began = performance.now();
const stopping = new AbortController();
const say = (line: string): void => console.log(`  ${line}`);

async function start(
  settings: StartSettings,
): Promise<{ platform: Platform; engine: RunningEngine | undefined }> {
  const { stateDir, quiet } = settings;
  if (settings.port !== 0 && !(await isPortFree(settings.port))) {
    throw new StartError(
      `Port ${settings.port} is in use. Stop what listens there, or set ECO_PORT to another port.`,
    );
  }
  const secrets = loadSecrets(stateDir);
  const logFile = openLog(stateDir);
  const bundling = bundleWorker();
  bundling.catch(() => undefined);

  let engine: RunningEngine | undefined;
  let engines = settings.engines;
  // A model of the user's own is a wish for the embedded engine.
  if (!engines && settings.modelPath === undefined)
    engines = await discoverEngines(DISCOVERY_MS, settings.port);
  if (!engines || engines.length === 0) {
    const started = await embeddedEngine({
      installDir: join(ROOT, ".eco", "engine"),
      stateDir,
      modelPath: settings.modelPath,
      quiet,
      say,
      signal: stopping.signal,
    });
    if (!started.ok) throw new StartError(started.error);
    engine = started.value;
    engines = [engine.config];
  }

  const platform = await servePlatform({
    port: settings.port,
    stateDir,
    script: await bundling,
    // Only this machine reaches it, so its metrics need no key.
    variables: { ...secrets, ENGINES: JSON.stringify(engines), METRICS_PUBLIC: "1" },
    onLog: (line) => logFile.write(`${line}\n`),
  });
  const keys = await ensureKeys(platform.database, secrets.KEY_PEPPER, stateDir, Date.now());
  await engine?.ready;
  // The platform learns of its engines before anyone asks.
  await fetch(`${platform.url}/ready`);
  const served = await withModels(engines);

  const devFiles = [...new Set([join(stateDir, "dev.json"), join(ROOT, ".eco", "dev.json")])];
  for (const file of devFiles) {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ url: platform.url, ...keys, engines: served }, null, 2)}\n`, {
      mode: 0o600,
    });
  }
  if (quiet) console.log(platform.url);
  else {
    console.log(
      readyScreen({
        url: platform.url,
        ...keys,
        chatModel: served
          .flatMap(({ models }) => models)
          .find((name) => !/embed|minilm|bge|glove|rerank/i.test(name)),
        engines: served.map((each) => ({
          ...each,
          ...(engine?.config.id === each.id && engine.note && { note: engine.note }),
        })),
        files: { dev: relative(devFiles[0] ?? ""), log: relative(join(stateDir, "requests.jsonl")) },
        seconds: (performance.now() - began) / 1000,
      }),
    );
  }
  return { platform, engine };
}

const relative = (path: string): string =>
  path.startsWith(process.cwd()) ? path.slice(process.cwd().length + 1) : path;

/** One line for each request, in a file that does not grow for ever. */
function openLog(stateDir: string) {
  const file = join(stateDir, "requests.jsonl");
  try {
    if (statSync(file).size > LOG_BYTES_MAX) renameSync(file, `${file}.old`);
  } catch {
    // There is none yet.
  }
  return createWriteStream(file, { flags: "a", mode: 0o600 });
}

/** What each engine says that it serves; nothing for one that does not answer. */
const withModels = (engines: readonly EngineConfig[]) =>
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

const settings = readSettings(process.env);
if (!settings.ok) {
  console.error(settings.error);
  process.exit(2);
}
const lock = takeLock(settings.value.stateDir);
if (!lock.ok) {
  console.error(lock.error);
  process.exit(1);
}
process.on("exit", () => lock.value.release());

let running: Awaited<ReturnType<typeof start>> | undefined;
async function stop(code: number): Promise<never> {
  await Promise.allSettled([running?.engine?.stop(), running?.platform.stop()]);
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // A second Ctrl-C does not wait.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
    if (running) void stop(0);
  });
}

try {
  running = await start(settings.value);
  if (stopping.signal.aborted) await stop(130);
  const { engine } = running;
  void engine?.failed.then((line) => {
    if (stopping.signal.aborted) return;
    console.error(line);
    void stop(1);
  });
} catch (error) {
  if (stopping.signal.aborted) process.exit(130);
  console.error(
    error instanceof StartError
      ? error.message
      : `eco-base could not start: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exit(1);
}
