// `npm run deploy [-- --env staging]`: creates what is missing in the Cloudflare account, migrates, deploys, and says
// what to do next. It can be run again at any time.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstKeySql } from "./platform/accounts.ts";
import { ROOT } from "./platform/bundle.ts";

const at = process.argv.indexOf("--env");
const environment = at < 0 ? "production" : (process.argv[at + 1] ?? "");
if (environment !== "staging" && environment !== "production") {
  console.error("--env must be `staging` or `production`.");
  process.exit(2);
}

type Ran = { status: number; output: string };

function wrangler(args: readonly string[], options: { quiet?: boolean } = {}): Ran {
  const run = spawnSync("wrangler", [...args], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["inherit", "pipe", "pipe"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  const output = `${run.stdout ?? ""}${run.stderr ?? ""}`;
  if (!options.quiet || run.status !== 0) process.stdout.write(output);
  return { status: run.status ?? 1, output };
}

function must(step: string, ran: Ran): Ran {
  if (ran.status === 0) return ran;
  console.error(`\nDeploying stopped at: ${step}. Nothing after it was done; mend this and run it again.`);
  process.exit(1);
}

const who = wrangler(["whoami"], { quiet: true });
if (who.status !== 0 || /not authenticated/i.test(who.output)) {
  console.error(
    "You are not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.",
  );
  process.exit(1);
}

// A KV namespace without an id in wrangler.toml is created by the deploy itself, and Durable Object classes come with
// the code. The database must be there before: the Worker's first request needs its tables.
const database = environment === "production" ? "eco-base" : "eco-base-staging";
const databases = must("listing databases", wrangler(["d1", "list", "--json"], { quiet: true }));
if (!databases.output.includes(`"${database}"`))
  must("creating the database", wrangler(["d1", "create", database]));
must(
  "migrating the database",
  wrangler(["d1", "migrations", "apply", database, "--remote", "--env", environment]),
);

// The pepper is made once and can never be read back, so the first key is made in the same breath.
const secrets = wrangler(["secret", "list", "--env", environment, "--format", "json"], { quiet: true });
const pepper = secrets.output.includes('"KEY_PEPPER"') ? undefined : randomBytes(32).toString("hex");
const folder = mkdtempSync(join(tmpdir(), "eco-deploy-"));
let deployed: Ran;
let key: string | undefined;
try {
  const withSecrets: string[] = [];
  if (pepper) {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify({ KEY_PEPPER: pepper }), { mode: 0o600 });
    withSecrets.push("--secrets-file", file);
  }
  deployed = must("deploying", wrangler(["deploy", "--env", environment, "--minify", ...withSecrets]));
  if (pepper) {
    const first = await firstKeySql(pepper, Date.now());
    const file = join(folder, "first-key.sql");
    writeFileSync(file, first.sql, { mode: 0o600 });
    must(
      "making the first key",
      wrangler(["d1", "execute", database, "--remote", "--env", environment, "--file", file, "--yes"], {
        quiet: true,
      }),
    );
    key = first.key;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const url = /https:\/\/\S+\.workers\.dev/.exec(deployed.output)?.[0];
console.log(`\n  Deployed${url ? ` to ${url}` : ""}.`);
if (key) console.log(`  Operator key, shown once: ${key}`);
console.log(
  "  Engines: set ENGINES in wrangler.toml, their keys with `npx wrangler secret put NAME`, and deploy again.",
);
