// `npm start`: the whole platform on this machine. Design: find or bring up an engine, serve the Worker, print one screen.
import { join } from "node:path";
import { bundleWorker } from "./platform/bundle.ts";
import { type Platform, servePlatform } from "./platform/serve.ts";
import { type ServedEngine, writeDevFile } from "./start/dev-file.ts";
import { type Engines, engineFailed, findEngines, mustLoad, withModels } from "./start/engines.ts";
import { type DevKeys, ensureKeys } from "./start/keys.ts";
import { type Launch, type Launched, launch } from "./start/launch.ts";
import { type DevOperator, ensureOperator } from "./start/operator.ts";
import { openRequestLog } from "./start/request-log.ts";
import { readyScreen } from "./start/screen.ts";
import { answerTo } from "./start/usage.ts";

const began = performance.now();

async function start(context: Launch): Promise<Launched> {
  const { settings, secrets, signal } = context;
  const { stateDir } = settings;
  const bundling = bundleWorker();
  // Whether the Worker can be bundled is asked later; until then nothing else waits for it.
  bundling.catch(() => undefined);

  const engines = await findEngines(context);
  signal.throwIfAborted();
  const platform = await serve(context, engines, await bundling);
  const keys = await ensureKeys(platform.database, secrets.KEY_PEPPER, stateDir, Date.now());
  const operator = await ensureOperator(platform.database, stateDir, Date.now());
  await mustLoad(engines, signal);
  // The platform learns of its engines before anyone asks.
  await fetch(`${platform.url}/ready`);
  const served = await withModels(engines.engines);
  signal.throwIfAborted();

  const devFile = writeDevFile(stateDir, { url: platform.url, ...keys, engines: served });
  if (settings.quiet) console.log(platform.url);
  else console.log(screen(platform.url, { ...keys, operator }, served, engines, { stateDir, devFile }));
  return { ended: engineFailed(engines) };
}

async function serve(
  { settings, secrets, onStop }: Launch,
  { engines }: Engines,
  script: string,
): Promise<Platform> {
  const log = openRequestLog(settings.stateDir, (line) => console.error(line));
  const platform = await servePlatform({
    port: settings.port,
    stateDir: settings.stateDir,
    script,
    // Only this machine reaches it, so its metrics need no key.
    variables: {
      ...secrets,
      ENGINES: JSON.stringify(engines),
      METRICS_PUBLIC: "1",
      LOOPBACK_ONLY: "1",
      SIGNUP_POLICY: settings.signupPolicy,
    },
    onLog: log.write,
  });
  onStop(() => platform.stop());
  return platform;
}

function screen(
  url: string,
  { operator, ...keys }: DevKeys & { readonly operator: DevOperator },
  served: readonly ServedEngine[],
  { embedded }: Engines,
  { stateDir, devFile }: { readonly stateDir: string; readonly devFile: string },
): string {
  return readyScreen({
    url,
    ...keys,
    chatModel: served
      .flatMap(({ models }) => models)
      .find((name) => !/embed|minilm|bge|glove|rerank/i.test(name)),
    engines: served.map((engine) => ({
      ...engine,
      ...(embedded?.config.id === engine.id && embedded.note && { note: embedded.note }),
    })),
    account: { email: operator.email, passwordFile: relative(operator.passwordFile) },
    files: { dev: relative(devFile), log: relative(join(stateDir, "requests.jsonl")) },
    seconds: (performance.now() - began) / 1000,
  });
}

const relative = (path: string): string =>
  path.startsWith(process.cwd()) ? path.slice(process.cwd().length + 1) : path;

const answer = answerTo(process.argv.slice(2));
if (answer) {
  (answer.code === 0 ? console.log : console.error)(answer.text);
  process.exit(answer.code);
}
await launch(start);
