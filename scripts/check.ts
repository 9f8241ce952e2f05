// `npm run check`: everything about the code that is not a test. All checks run; the first that fails sets the exit code.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundleWorker, ROOT } from "./platform/bundle.ts";

/** Design P14. */
const BUNDLE_GZIP_BYTES_MAX = 1024 * 1024;

const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: "true" };
const outDir = mkdtempSync(join(tmpdir(), "eco-check-"));

const checks: [name: string, command: readonly string[]][] = [
  ["generated types are fresh", ["wrangler", "types", "--include-runtime=false", "--check"]],
  ["types: shared (no Cloudflare, no Node)", ["tsc", "-p", "shared/tsconfig.json"]],
  ["types: workers", ["tsc", "-p", "workers/tsconfig.json"]],
  ["types: scripts, engines, tests", ["tsc", "-p", "tsconfig.json"]],
  ["types: tests on workerd", ["tsc", "-p", "workers/tsconfig.workerd-tests.json"]],
  ["lint and boundaries", ["oxlint", "--deny-warnings"]],
  ["format", ["prettier", "--check", "--log-level", "warn", "."]],
  [
    "deploy, dry run: staging",
    ["wrangler", "deploy", "--dry-run", "--env", "staging", "--outdir", join(outDir, "staging")],
  ],
  [
    "deploy, dry run: production",
    [
      "wrangler",
      "deploy",
      "--dry-run",
      "--env",
      "production",
      "--minify",
      "--outdir",
      join(outDir, "production"),
    ],
  ],
];

let failed = 0;
function report(name: string, ok: boolean, output = ""): void {
  if (!ok) failed += 1;
  console.log(`${ok ? "ok    " : "FAILED"} ${name}`);
  if (!ok && output) console.log(output.replace(/^/gm, "       "));
}

for (const [name, [command = "", ...args]] of checks) {
  const run = spawnSync(command, args, {
    cwd: ROOT,
    env,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  report(name, run.status === 0, `${run.stdout ?? ""}${run.stderr ?? ""}${run.error?.message ?? ""}`);
}
if (failed === 0) {
  const deployed = gzipSync(readFileSync(join(outDir, "production", "index.js"))).length;
  const served = gzipSync(await bundleWorker({ minify: true })).length;
  report(
    `bundle: ${Math.ceil(deployed / 1024)} KiB gzip of at most ${BUNDLE_GZIP_BYTES_MAX / 1024}`,
    deployed <= BUNDLE_GZIP_BYTES_MAX,
  );
  // `npm start` bundles by itself; what it serves must be what is deployed.
  report(
    "`npm start` bundles as wrangler does",
    Math.abs(served - deployed) < deployed * 0.05,
    `${served} and ${deployed} bytes`,
  );
}
rmSync(outDir, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
