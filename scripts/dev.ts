// `npm run dev`: the same as `npm start`, under `wrangler dev` with live reload. Slower; for working on the Worker.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "./platform/bundle.ts";
import { endWithUs } from "./platform/guard.ts";
import { servePlatform } from "./platform/serve.ts";
import { writeDevFile } from "./start/dev-file.ts";
import { engineFailed, findEngines, mustLoad, withModels } from "./start/engines.ts";
import { type DevKeys, ensureKeys } from "./start/keys.ts";
import { type Launch, type Launched, StartError, launch } from "./start/launch.ts";
import { ensureOperator } from "./start/operator.ts";
import { writePrivateFile } from "./start/private-file.ts";

type Variables = Readonly<Record<string, string>>;

async function dev(context: Launch): Promise<Launched> {
  const { settings, secrets, signal, onStop } = context;
  const { port, stateDir } = settings;
  const engines = await findEngines(context);
  const variables = {
    ...secrets,
    ENGINES: JSON.stringify(engines.engines),
    ALLOW_PRIVATE_ENGINES: "1",
    SIGNUP_POLICY: settings.signupPolicy,
  };
  const keys = await makeKeys(context, variables);
  await mustLoad(engines, signal);

  const url = `http://127.0.0.1:${port}`;
  writeDevFile(stateDir, { url, ...keys, engines: await withModels(engines.engines) });
  signal.throwIfAborted();
  console.log(`  API ${url}/v1 · key ${keys.apiKey}`);
  const wrangler = startWrangler(port, stateDir, variables);
  const ended = exitOf(wrangler);
  onStop(async () => {
    wrangler.kill("SIGINT");
    await ended;
  });
  return { ended: Promise.race([ended, engineFailed(engines)]) };
}

/**
 * wrangler keeps its state where `npm start` does, so that the same keys work under both. They are made by the platform
 * itself, which then makes room.
 */
async function makeKeys({ settings, secrets }: Launch, variables: Variables): Promise<DevKeys> {
  const { stateDir } = settings;
  const platform = await servePlatform({ port: 0, stateDir, variables });
  try {
    const keys = await ensureKeys(platform.database, secrets.KEY_PEPPER, stateDir, Date.now());
    await ensureOperator(platform.database, stateDir, Date.now());
    return keys;
  } finally {
    await platform.stop();
  }
}

function startWrangler(port: number, stateDir: string, variables: Variables): ChildProcess {
  // In a file, not on the command line: that can be read by everybody on the machine.
  const envFile = join(stateDir, "dev.env");
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  writePrivateFile(envFile, `${lines.join("\n")}\n`);
  const args = [
    ["dev", "--local", "--port", String(port), "--persist-to", stateDir],
    ["--env-file", envFile, "--var", "METRICS_PUBLIC:1", "--var", "LOOPBACK_ONLY:1"],
  ].flat();
  const wrangler = spawn("wrangler", args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  if (wrangler.pid !== undefined) endWithUs(wrangler, "TERM");
  return wrangler;
}

/** The exit code of wrangler, 0 after a signal. Rejects with a `StartError` where it cannot be run. */
async function exitOf(wrangler: ChildProcess): Promise<number> {
  try {
    const [code] = (await once(wrangler, "exit")) as [number | null];
    return code ?? 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new StartError("wrangler is not in PATH. Run `npm ci`, and then this by `npm run dev`.");
    throw error;
  }
}

await launch(dev);
