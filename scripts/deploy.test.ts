import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "./platform/bundle.ts";

/** What the stand-in for wrangler does at a step, which is named by the first words of its command. */
type Answer = { readonly code?: number; readonly stdout?: string; readonly stderr?: string };

/** A run of the stand-in: its arguments, and what was in the file that they named. */
type Run = { readonly args: string[]; readonly content?: string };

const NEW_WORKER: Answer = { code: 1, stderr: 'ERROR Worker "eco-base" (env: production) not found.\n' };
const PEPPERED: Answer = { stdout: '[{"name":"KEY_PEPPER","type":"secret_text"}]' };
const WORKS: Record<string, Answer> = {
  whoami: { stdout: "You are logged in." },
  "d1 list": { stdout: '[{"name":"eco-base"},{"name":"eco-base-staging"}]' },
  "d1 migrations": {},
  "d1 execute": { stdout: '[{"results":[{"keys":2}],"success":true}]' },
  "secret list": PEPPERED,
  deploy: { stdout: "https://eco-base.someone.workers.dev" },
};
const NO_KEYS: Answer = { stdout: '[{"results":[{"keys":0}],"success":true}]' };

/** Logs its arguments, and the file that they name, one line of JSON a run. */
const STAND_IN = `#!${process.execPath}
const fs = require("node:fs");
const path = require("node:path");
const args = process.argv.slice(2);
const file = args[args.findIndex((arg) => arg === "--file" || arg === "--secrets-file") + 1];
const content = args.some((arg) => arg.endsWith("file")) ? fs.readFileSync(file, "utf8") : undefined;
fs.appendFileSync(path.join(__dirname, "log"), JSON.stringify({ args, content }) + "\\n");
const answers = JSON.parse(fs.readFileSync(path.join(__dirname, "answers.json"), "utf8"));
const step = Object.keys(answers).find((words) => args.join(" ").startsWith(words));
const { code = 0, stdout = "", stderr = "" } = answers[step] ?? { code: 99, stderr: "unexpected" };
fs.writeSync(1, stdout);
fs.writeSync(2, stderr);
process.exit(code);
`;

let folder: string;
let temporary: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eco-deploy-test-"));
  temporary = join(folder, "tmp");
  mkdirSync(temporary);
  writeFileSync(join(folder, "wrangler"), STAND_IN);
  chmodSync(join(folder, "wrangler"), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function deploy(
  args: readonly string[],
  answers: Record<string, Answer> = {},
  env: NodeJS.ProcessEnv = { PATH: folder },
): Promise<{ code: number | null; output: string; runs: Run[] }> {
  rmSync(join(folder, "log"), { force: true });
  writeFileSync(join(folder, "log"), "");
  writeFileSync(join(folder, "answers.json"), JSON.stringify({ ...answers, ...withoutKeys(answers) }));
  const child = spawn(process.execPath, [join(ROOT, "scripts/deploy.ts"), ...args], {
    env: { TMPDIR: temporary, ...env },
  });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  const log = readFileSync(join(folder, "log"), "utf8").trim();
  const runs = log === "" ? [] : log.split("\n").map((line) => JSON.parse(line) as Run);
  return { code, output: stdout + stderr, runs };
}

/** What works for whatever the test does not name. */
const withoutKeys = (answers: Record<string, Answer>): Record<string, Answer> =>
  Object.fromEntries(Object.entries(WORKS).filter(([step]) => !(step in answers)));

const isFirstKey = ({ content }: Run): boolean => content?.includes("INSERT") ?? false;
const pepperOf = (runs: readonly Run[]): unknown =>
  JSON.parse(runs.find(({ args }) => args[0] === "deploy")?.content ?? "{}").KEY_PEPPER;

describe("npm run deploy", () => {
  it("makes a pepper and an operator key for a Worker that does not exist yet", async () => {
    const { code, output, runs } = await deploy([], { "secret list": NEW_WORKER, "d1 execute": NO_KEYS });
    expect(code, output).toBe(0);
    expect(pepperOf(runs)).toMatch(/^[0-9a-f]{64}$/);
    expect(runs.filter(isFirstKey)).toHaveLength(1);
    expect(output).toMatch(/Operator key, shown once: \S+/);
    expect(output).toContain("Deployed to https://eco-base.someone.workers.dev.");
  });

  it("leaves the pepper and the keys of a Worker that has both as they are", async () => {
    const { code, output, runs } = await deploy([]);
    expect(code, output).toBe(0);
    expect(runs.at(-1)?.args).toEqual(["deploy", "--env", "production", "--minify"]);
    expect(output).not.toContain("Operator key");
  });

  it.each<[string, Answer]>([
    ["cannot be listed", { code: 1, stderr: "fetch failed" }],
    ["are listed in a way that is not understood", { stdout: "Something else" }],
  ])("deploys nothing when the Worker's secrets %s", async (_, answer) => {
    const { code, output, runs } = await deploy([], { "secret list": answer });
    expect(code).toBe(1);
    expect(output).toContain("Deploying stopped at: listing the Worker's secrets.");
    expect(output).not.toContain("    at ");
    expect(runs.some(({ args }) => args[0] === "deploy")).toBe(false);
  });

  it("makes the operator key that an earlier run failed to make", async () => {
    const first = await deploy([], {
      "secret list": NEW_WORKER,
      "d1 execute eco-base --remote --env production --file": { code: 1, stderr: "no such table" },
      "d1 execute": NO_KEYS,
    });
    expect(first.code).toBe(1);
    expect(first.output).toContain("Deploying stopped at: making the first key.");
    const second = await deploy([], { "secret list": PEPPERED, "d1 execute": NO_KEYS });
    expect(second.code, second.output).toBe(0);
    expect(pepperOf(second.runs)).toMatch(/^[0-9a-f]{64}$/);
    expect(second.output).toContain("Operator key");
  });

  it("leaves no pepper on the disk when the deploy fails", async () => {
    const { code, runs } = await deploy([], { "secret list": NEW_WORKER, deploy: { code: 1 } });
    expect(code).toBe(1);
    expect(pepperOf(runs)).toBeDefined();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([[["--env", "staging"]], [["--env=staging"]]])("deploys to staging with %j", async (args) => {
    const { code, output, runs } = await deploy(args);
    expect(code, output).toBe(0);
    expect(runs.at(-1)?.args).toEqual(["deploy", "--env", "staging", "--minify"]);
  });

  it("creates a database that is missing", async () => {
    const { runs } = await deploy([], { "d1 list": { stdout: "[]" }, "d1 create": {} });
    expect(runs.map(({ args }) => args.join(" "))).toContain("d1 create eco-base");
  });

  it("says so when nobody is logged in", async () => {
    const { code, output } = await deploy([], { whoami: { stdout: "You are not authenticated." } });
    expect(code).toBe(1);
    expect(output).toContain("You are not logged in to Cloudflare.");
  });

  it("says so when wrangler is not in PATH", async () => {
    const { code, output } = await deploy([], {}, { PATH: temporary });
    expect(code).toBe(1);
    expect(output.trim()).toBe("wrangler is not in PATH. Run `npm ci`, and then this by `npm run deploy`.");
  });
});
