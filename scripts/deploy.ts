// `npm run deploy [-- --env staging]`: creates what is missing in the Cloudflare account, migrates, deploys, and says
// what to do next. It can be run again at any time.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Environment, readEnvironment } from "./deploy/arguments.ts";
import { DeployError, type Wrangler, createWrangler } from "./deploy/wrangler.ts";
import { firstKeySql } from "./platform/accounts.ts";

/** One place in the account: where a deploy goes. */
type Target = { readonly wrangler: Wrangler; readonly environment: Environment; readonly database: string };

const Databases = z.array(z.object({ name: z.string() }));
const SecretNames = z.array(z.object({ name: z.string() }));
const KeyCount = z.tuple([z.object({ results: z.tuple([z.object({ keys: z.number() })]) })]);

async function mustBeLoggedIn({ wrangler }: Target): Promise<void> {
  const who = await wrangler.run(["whoami"]);
  if (who.code !== 0 || /not authenticated/i.test(who.stdout + who.stderr))
    throw new DeployError(
      "You are not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.",
    );
}

/**
 * A KV namespace without an id in wrangler.toml is created by the deploy itself, and Durable Object classes come with
 * the code. The database must be there before: the Worker's first request needs its tables.
 */
async function prepareDatabase({ wrangler, environment, database }: Target): Promise<void> {
  const known = await wrangler.ask("listing databases", ["d1", "list", "--json"], Databases);
  if (!known.some(({ name }) => name === database))
    await wrangler.must("creating the database", ["d1", "create", database]);
  await wrangler.must(
    "migrating the database",
    [
      ["d1", "migrations", "apply", database],
      ["--remote", "--env", environment],
    ].flat(),
  );
}

/**
 * Whether a pepper is to be made: there is none, or no key hangs on it. It cannot be read back, so that a first key can
 * only be made along with it; a run that stopped in between is made good by the next.
 */
async function needsPepper(target: Target): Promise<boolean> {
  return !(await hasPepper(target)) || (await countKeys(target)) === 0;
}

/** Throws unless it is known: a pepper that is replaced ends every key. */
async function hasPepper({ wrangler, environment }: Target): Promise<boolean> {
  const args = ["secret", "list", "--env", environment, "--format", "json"];
  const listed = await wrangler.run(args);
  // What wrangler says of codes 10007 and 10090, and those themselves: a Worker that was never deployed has no secrets.
  const isNew = /Worker "[^"]*"( \(env: [^)]*\))? not found|\[code: (10007|10090)\]/.test(listed.stderr);
  if (listed.code !== 0 && isNew) return false;
  const names = wrangler.read("listing the Worker's secrets", listed, SecretNames);
  return names.some(({ name }) => name === "KEY_PEPPER");
}

async function countKeys({ wrangler, environment, database }: Target): Promise<number> {
  const args = [
    ["d1", "execute", database, "--remote", "--env", environment],
    ["--command", "SELECT count(*) AS keys FROM api_keys", "--json", "--yes"],
  ].flat();
  const [{ results }] = await wrangler.ask("counting keys", args, KeyCount);
  return results[0].keys;
}

/** Deploys the Worker and returns what wrangler said; with a pepper, that becomes the Worker's secret. */
async function deployWorker(
  { wrangler, environment }: Target,
  pepper: string | undefined,
  folder: string,
): Promise<string> {
  const args = ["deploy", "--env", environment, "--minify"];
  if (pepper !== undefined) {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify({ KEY_PEPPER: pepper }), { mode: 0o600 });
    args.push("--secrets-file", file);
  }
  const { stdout, stderr } = await wrangler.must("deploying", args);
  return stdout + stderr;
}

/** Makes a workspace and an operator key, and returns the key. */
async function makeFirstKey(
  { wrangler, environment, database }: Target,
  pepper: string,
  folder: string,
): Promise<string> {
  const { key, sql } = await firstKeySql(pepper, Date.now());
  const file = join(folder, "first-key.sql");
  writeFileSync(file, sql, { mode: 0o600 });
  const args = ["d1", "execute", database, "--remote", "--env", environment, "--file", file, "--yes"];
  await wrangler.must("making the first key", args, { quiet: true });
  return key;
}

async function deploy(target: Target): Promise<void> {
  await mustBeLoggedIn(target);
  await prepareDatabase(target);
  const pepper = (await needsPepper(target)) ? randomBytes(32).toString("hex") : undefined;
  const folder = mkdtempSync(join(tmpdir(), "eco-deploy-"));
  try {
    const said = await deployWorker(target, pepper, folder);
    const url = /https:\/\/\S+\.workers\.dev/.exec(said)?.[0];
    const key = pepper === undefined ? undefined : await makeFirstKey(target, pepper, folder);
    console.log(`\n  Deployed${url ? ` to ${url}` : ""}.`);
    if (key) console.log(`  Operator key, shown once: ${key}`);
    console.log(
      "  Engines: set ENGINES in wrangler.toml, their keys with `npx wrangler secret put NAME`, and deploy again.",
    );
  } finally {
    // The pepper's text lies in there.
    rmSync(folder, { recursive: true, force: true });
  }
}

const environment = readEnvironment(process.argv.slice(2), process.env);
if (!environment.ok) {
  console.error(environment.error);
  process.exit(2);
}
const stopping = new AbortController();
// Handled, so that a Ctrl-C takes away the folder with the pepper too.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopping.abort());
try {
  await deploy({
    wrangler: createWrangler(stopping.signal),
    environment: environment.value,
    database: environment.value === "production" ? "eco-base" : "eco-base-staging",
  });
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
