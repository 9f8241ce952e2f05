// `npm run dev`: the same as `npm start`, under `wrangler dev` with live reload. Slower; for working on the Worker.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import type { D1Database } from "@cloudflare/workers-types";
import { ROOT } from "./platform/bundle.ts";
import { migrate } from "./platform/migrate.ts";
import { discoverEngines } from "./start/discover.ts";
import { embeddedEngine } from "./start/embedded.ts";
import { ensureKeys } from "./start/keys.ts";
import { takeLock } from "./start/lock.ts";
import { loadSecrets } from "./start/secrets.ts";
import { readSettings } from "./start/settings.ts";

const fail = (line: string): never => {
  console.error(line);
  process.exit(1);
};
const settings = readSettings(process.env);
if (!settings.ok) fail(settings.error);
else {
  const { stateDir, port, modelPath, quiet } = settings.value;
  const lock = takeLock(stateDir);
  if (!lock.ok) fail(lock.error);
  else process.on("exit", () => lock.value.release());
  const stopping = new AbortController();
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

  // wrangler keeps its state where `npm start` does, so that keys work under both.
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(stateDir, "v3"),
      telemetry: { enabled: false },
      workers: [
        {
          name: "eco-base",
          modules: true,
          script: "export default {}",
          compatibilityDate: "2026-10-20",
          d1Databases: { DB: "eco-base" },
        },
      ],
    }),
  );
  const database = (await miniflare.getD1Database("DB", "eco-base")) as unknown as D1Database;
  await migrate(database, join(ROOT, "migrations"));
  const keys = await ensureKeys(database, secrets.KEY_PEPPER, stateDir, Date.now());
  await miniflare.dispose();

  const url = `http://127.0.0.1:${port}`;
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, "dev.json"), `${JSON.stringify({ url, ...keys, engines }, null, 2)}\n`, {
    mode: 0o600,
  });
  console.log(`  API ${url}/v1 · key ${keys.apiKey}`);
  const variables = { ...secrets, ENGINES: JSON.stringify(engines), METRICS_PUBLIC: "1" };
  const args = [
    "dev",
    "--local",
    "--port",
    String(port),
    "--persist-to",
    stateDir,
    ...Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ];
  const wrangler = spawn("wrangler", args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => wrangler.kill(signal));
  wrangler.on("exit", async (code) => {
    stopping.abort();
    if (embedded?.ok) await embedded.value.stop();
    process.exit(code ?? 0);
  });
}
