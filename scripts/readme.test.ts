import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../engines-infra/simulator/index.ts";
import { createKey, createWorkspace } from "./platform/accounts.ts";
import { ROOT } from "./platform/bundle.ts";
import { type Platform, servePlatform } from "./platform/serve.ts";
import { EngineConfig } from "../shared/contracts/engine-config.ts";
import { engines } from "../shared/engines/engines.ts";
import { abilitiesTable, withAbilities } from "./readme/abilities.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");
const PEPPER = "a pepper for tests only";

/** The README's code blocks in a language, in order. */
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map((match) => match[1] ?? "");

let platform: Platform;
let simulators: Simulator[];
let folder: string;
let apiKey: string;
let adminKey: string;

beforeAll(async () => {
  simulators = await Promise.all(
    ["smollm2-135m-instruct", "all-minilm-l6-v2"].map((model) =>
      startSimulator({ kind: "openai", models: [model] }),
    ),
  );
  const engines = simulators.map(({ url, kind }, at) => ({ id: `engine-${at}`, kind, baseUrl: url }));
  platform = await servePlatform({
    port: 0,
    variables: { KEY_PEPPER: PEPPER, ENGINES: JSON.stringify(engines) },
  });
  const workspaceId = await createWorkspace(platform.database, "readme", 0);
  const keyOf = (role: "developer" | "admin") =>
    createKey(platform.database, PEPPER, { workspaceId, name: "readme", role, nowMs: 0 });
  apiKey = await keyOf("developer");
  adminKey = await keyOf("admin");
  folder = mkdtempSync(join(tmpdir(), "eco-readme-"));
  mkdirSync(join(folder, ".eco"));
  writeFileSync(join(folder, ".eco", "dev.json"), JSON.stringify({ apiKey, adminKey }));
});

afterAll(async () => {
  await platform.stop();
  await Promise.all(simulators.map((simulator) => simulator.stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command in a folder that looks like a checkout after `npm start`. */
function run(
  command: string,
  args: readonly string[],
  cwd = folder,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ECO_API_KEY: apiKey, ECO_ADMIN_KEY: adminKey, ...env },
    });
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output += data.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** The port is the one difference to what a reader pastes. */
const atOurPort = (text: string): string => text.replaceAll("http://127.0.0.1:8787", platform.url);

describe("README", () => {
  it("has curl lines that work as pasted", async () => {
    const block = blocks("sh").find((each) => each.includes("curl")) ?? "";
    const { code, output } = await run("bash", ["-ec", atOurPort(block)]);
    expect(code, output).toBe(0);
    expect(output).toContain("data: [DONE]");
    expect(output).toContain('"object":"embedding"');
    expect(output).toContain('"object":"list"');
    expect(output).toContain('"object":"generation"');
    expect(output).not.toContain('"error"');
  });

  it("has lines for operators that work as pasted", async () => {
    const block = blocks("sh").find((each) => each.includes("ECO_ADMIN_KEY=")) ?? "";
    const { code, output } = await run("bash", ["-ec", atOurPort(block)]);
    expect(code, output).toBe(0);
    expect(output).toContain('"circuit":"closed"');
    expect(output).toMatch(/"object":"request",.*"operation":"chat".*"engine":"engine-0"/);
    expect(output).toContain('eco_engine_up{engine="engine-0"} 1');
    expect(output).not.toContain('"error"');
  });

  it("has lines about usage and prices that work as pasted", async () => {
    const block = blocks("sh").find((each) => each.includes("/usage?")) ?? "";
    const { code, output } = await run("bash", ["-ec", atOurPort(block)]);
    expect(code, output).toBe(0);
    expect(output).toContain('"price":{"inputPerMillion":0.15,');
    expect(output).toContain('"object":"usage"');
    expect(output).toContain("month,workspace,key,requests,");
    expect(output).not.toContain('"error"');
  });

  it("has lines for keys that work as pasted", async () => {
    const block = blocks("sh").find((each) => each.includes("/api/v1/keys")) ?? "";
    const { code, output } = await run("bash", ["-ec", atOurPort(block)]);
    expect(code, output).toBe(0);
    expect(output).toMatch(/"secret":"sk-eco-/);
    expect(output).toContain('"object":"list"');
    expect(output).toMatch(/"revokedAtMs":\d/);
    expect(output).not.toContain('"error"');
  });

  it("has lines for the audit log that work as pasted, behind those for operators", async () => {
    const block = blocks("sh").find((each) => each.includes("audit verify")) ?? "";
    // npm and its scripts are at home in a checkout, which the folder only looks like.
    const lines = atOurPort(block).replaceAll(
      "npm run eco --",
      `"${process.execPath}" "${ROOT}/scripts/eco.ts"`,
    );
    const env = { ECO_ADMIN_KEY: adminKey, ECO_URL: platform.url, ECO_KEY: adminKey };
    const { code, output } = await run("bash", ["-ec", lines], folder, env);
    expect(code, output).toBe(0);
    expect(output).toContain('"object":"list"');
    expect(output.match(/^ok: the audit log is whole: /gm)).toHaveLength(2);
  });

  it("names no command line of this machine that is not run here", () => {
    const local = blocks("sh").filter((each) => each.includes("http://127.0.0.1:8787"));
    expect(local).toHaveLength(5);
  });

  it("has a JavaScript example that works as pasted", async () => {
    const file = join(ROOT, "node_modules", `.readme-${process.pid}.mjs`);
    writeFileSync(file, atOurPort(blocks("js")[0] ?? ""));
    try {
      const { code, output } = await run(process.execPath, [file]);
      expect(code, output).toBe(0);
      expect(output.length).toBeGreaterThan(20);
    } finally {
      rmSync(file);
    }
  });

  it("tells what each kind of engine can do as the code has it: `npm run readme` writes it anew", () => {
    expect(README).toBe(withAbilities(README, abilitiesTable(engines)));
  });

  it("names engines in the form that is accepted", () => {
    const lists = [...README.matchAll(/ECO_ENGINES='(.*?)'/g)].map((match) => match[1] ?? "");
    expect(lists).not.toEqual([]);
    for (const engine of lists.flatMap((list) => JSON.parse(list) as unknown[]))
      expect(EngineConfig.safeParse(engine).success).toBe(true);
  });

  it("tells of each kind of engine", () => {
    for (const kind of Object.keys(engines))
      expect(README).toMatch(new RegExp(`^\\|.*\`${kind}\`.* \\| [A-Z]`, "m"));
  });

  it("names every file and folder that it links to", () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? "");
    for (const link of links) expect(() => readFileSync(join(ROOT, link)), link).not.toThrow();
  });
});
