// `npm run dev`: the same as `npm start`, under `wrangler dev` with live reload. Slower; for working on the Worker.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./platform/bundle.ts";
import { servePlatform } from "./platform/serve.ts";
import { discoverEngines } from "./start/discover.ts";
import { embeddedEngine } from "./start/embedded.ts";
import { ensureKeys } from "./start/keys.ts";
import { takeLock } from "./start/lock.ts";
import { isPortFree } from "./start/port.ts";
import { loadSecrets } from "./start/secrets.ts";
import { readSettings } from "./start/settings.ts";

function fail(line: string): never {
  console.error(line);
  process.exit(1);
}

const settings = readSettings(process.env);
if (!settings.ok) fail(settings.error);
const { stateDir, port, modelPath, quiet } = settings.value;
const lock = takeLock(stateDir);
if (!lock.ok) fail(lock.error);
process.on("exit", () => lock.value.release());
if (!(await isPortFree(port))) fail(`Port ${port} is in use. Stop what listens there, or set ECO_PORT.`);

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());

const secrets = loadSecrets(stateDir);
let engines = settings.value.engines ?? (modelPath === undefined ? await discoverEngines(1_500, port) : []);
const embedded =
  engines.length > 0
    ? undefined
    : await embeddedEngine({
        installDir: join(ROOT, ".eco", "engine"),
        stateDir,
        modelPath,
        quiet,
        say: (line) => console.log(line),
        signal: stopping.signal,
      });
if (embedded && !embedded.ok) fail(embedded.error);
if (embedded?.ok) engines = [embedded.value.config];

// wrangler keeps its state where `npm start` does, so that the same keys work under both. They are made by the platform
// itself, which then makes room.
const variables = { ...secrets, ENGINES: JSON.stringify(engines) };
const platform = await servePlatform({ port: 0, stateDir, variables });
const keys = await ensureKeys(platform.database, secrets.KEY_PEPPER, stateDir, Date.now());
await platform.stop();

const url = `http://127.0.0.1:${port}`;
mkdirSync(stateDir, { recursive: true });
writeFileSync(join(stateDir, "dev.json"), `${JSON.stringify({ url, ...keys, engines }, null, 2)}\n`, {
  mode: 0o600,
});
// In a file, not on the command line: that can be read by everybody on the machine.
const envFile = join(stateDir, "dev.env");
const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
writeFileSync(envFile, `${lines.join("\n")}\n`, { mode: 0o600 });
console.log(`  API ${url}/v1 · key ${keys.apiKey}`);

const args = [
  ["dev", "--local", "--port", String(port), "--persist-to", stateDir],
  ["--env-file", envFile, "--var", "METRICS_PUBLIC:1"],
].flat();
const wrangler = spawn("wrangler", args, {
  cwd: ROOT,
  stdio: "inherit",
  env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
});
if (stopping.signal.aborted) wrangler.kill("SIGINT");
stopping.signal.addEventListener("abort", () => wrangler.kill("SIGINT"));
const [code] = (await once(wrangler, "exit")) as [number | null];
stopping.abort();
if (embedded?.ok) await embedded.value.stop();
process.exit(code ?? 0);
