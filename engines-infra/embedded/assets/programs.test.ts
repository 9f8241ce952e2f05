import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { until } from "../testing/harness.ts";
import { endless, failing, isAlive, npmThatWorks, pipWith, program } from "../testing/programs.ts";
import { zipOf } from "../testing/zip.ts";
import { runCommand } from "./command.ts";
import { npmCommand, npmInstall } from "./npm.ts";
import { downloadWheel } from "./pip.ts";

const folder = temporaryFolder();
const signal = new AbortController().signal;
const MISSING = ["/nowhere/python"];
const WHEEL = { requirement: "some==1.0", sizeBytes: 100 };

const [nodePath = "node"] = [process.execPath];

describe("command", () => {
  it("tells a program's exit code and the end of its output", async () => {
    const script =
      "process.stdout.write('x'.repeat(100000)); process.stderr.write('the end'); process.exitCode = 3";
    const outcome = await runCommand(nodePath, ["-e", script], { signal });
    expect(outcome).toMatchObject({ kind: "ended", code: 3, output: expect.stringMatching(/the end|x$/) });
    expect(outcome.kind === "ended" && outcome.output.length).toBeLessThanOrEqual(16_384);
  });

  it("tells that there is no such program", async () => {
    expect(await runCommand("/nowhere/program", [], { signal })).toEqual({ kind: "missing" });
  });

  it("ends the program and its children when the user gives up", async () => {
    const stop = new AbortController();
    const pidFile = join(folder, "pids.json");
    const [command = "", ...args] = endless(folder, pidFile);
    const running = runCommand(command, args, { signal: stop.signal });
    await until(() => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("]"), "it runs");
    const pids = JSON.parse(await readFile(pidFile, "utf8")) as number[];
    stop.abort();
    expect(await running).toEqual({ kind: "aborted" });
    await until(() => !pids.some(isAlive), "all of it has ended");
  });

  it("does not start when the user has given up already", async () => {
    expect(await runCommand(nodePath, ["-e", ""], { signal: AbortSignal.abort() })).toEqual({
      kind: "aborted",
    });
  });
});

describe("pip", () => {
  const fetchWith = async (pips: string[][], options: object = {}) =>
    downloadWheel(WHEEL, await mkdtemp(join(folder, "wheel-")), {
      progress: quietProgress,
      signal,
      pips,
      ...options,
    });

  it("brings the wheel, by the first pip that is there", async () => {
    const wheel = join(folder, "source.whl");
    await writeFile(wheel, zipOf({ "a.txt": { bytes: Buffer.from("a") } }));
    const noModule = failing(folder, "/usr/bin/python3: No module named pip");
    const result = await fetchWith([MISSING, noModule, pipWith(folder, wheel)]);
    expect(result).toMatchObject({ ok: true, value: expect.stringMatching(/\.whl$/) });
  });

  it("asks for wheels only, so that nothing of a package is run", async () => {
    const spy = program(folder, `process.stderr.write("ERROR: " + args.join(" ")); process.exit(1);`);
    const result = await fetchWith([spy]);
    expect(result).toMatchObject({ problem: { line: expect.stringContaining("--only-binary=:all:") } });
  });

  it.each<[string, string[][], string]>([
    ["no Python", [MISSING], "no_python"],
    ["Python without pip", [failing(folder, "No module named pip")], "no_python"],
    [
      "no network",
      [
        failing(
          folder,
          "WARNING: Retrying (Retry(total=1)) after connection broken\nERROR: No matching distribution found for some==1.0",
        ),
      ],
      "no_network",
    ],
    [
      "an index without the package",
      [failing(folder, "ERROR: No matching distribution found for some==1.0")],
      "not_available",
    ],
    [
      "a full disk",
      [
        failing(
          folder,
          "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        ),
      ],
      "disk_full",
    ],
    ["anything else", [failing(folder, "Traceback\nERROR: pip is sad\n")], "failed"],
    ["a pip that brings nothing", [program(folder, "")], "failed"],
  ])("tells of %s", async (_, pips, kind) => {
    const result = await fetchWith(pips);
    expect(result).toMatchObject({ ok: false, problem: { kind, line: expect.not.stringMatching(/\n/) } });
  });
});

describe("npm", () => {
  const install = async (
    npm: string[],
    directory: string,
    packages: Record<string, string> = { some: "1.0.0" },
  ) => npmInstall(directory, packages, { progress: quietProgress, signal, npm });

  it("installs exactly these packages, without scripts and without optional ones", async () => {
    const directory = await mkdtemp(join(folder, "npm-"));
    expect(await install(npmThatWorks(folder), directory)).toEqual({ ok: true, value: undefined });
    expect(JSON.parse(await readFile(join(directory, "package.json"), "utf8"))).toMatchObject({
      dependencies: { some: "1.0.0" },
    });
    const args = JSON.parse(await readFile(join(directory, "args.json"), "utf8")) as string[];
    expect(args).toEqual(expect.arrayContaining(["install", "--ignore-scripts", "--omit=optional"]));
  });

  it("begins anew where an earlier installation was interrupted", async () => {
    const directory = await mkdtemp(join(folder, "npm-"));
    await mkdir(join(directory, "node_modules", "half"), { recursive: true });
    await install(npmThatWorks(folder), directory);
    expect(existsSync(join(directory, "node_modules", "half"))).toBe(false);
  });

  it.each<[string, string[], string]>([
    ["no npm", ["/nowhere/npm"], "no_npm"],
    [
      "no network",
      failing(folder, "npm error code ENOTFOUND\nnpm error network request failed"),
      "no_network",
    ],
    ["a full disk", failing(folder, "npm error code ENOSPC"), "disk_full"],
    ["a read-only folder", failing(folder, "npm error code EROFS"), "read_only"],
    ["a missing version", failing(folder, "npm error code ETARGET"), "not_available"],
    ["a damaged package", failing(folder, "npm error code EINTEGRITY"), "checksum"],
    [
      "anything else",
      failing(folder, "npm error code EWHAT\nnpm error something odd\nnpm error A complete log of this run"),
      "failed",
    ],
  ])("tells of %s in one line", async (_, npm, kind) => {
    const result = await install(npm, await mkdtemp(join(folder, "npm-")));
    expect(result).toMatchObject({ ok: false, problem: { kind, line: expect.not.stringMatching(/\n/) } });
  });

  it("tells of a folder that cannot be made", async () => {
    const file = join(folder, "a-file");
    await writeFile(file, "");
    expect(await install(npmThatWorks(folder), join(file, "below"))).toMatchObject({ ok: false });
    await rm(file);
  });

  it.each<[string, Record<string, string>, NodeJS.Platform, string[]]>([
    [
      "npm itself says where it is",
      { npm_execpath: "/lib/npm/bin/npm-cli.js" },
      "linux",
      [process.execPath, "/lib/npm/bin/npm-cli.js"],
    ],
    ["another package manager runs us", { npm_execpath: "/lib/yarn.js" }, "linux", ["npm"]],
    ["on Windows, where npm is a script", {}, "win32", ["cmd.exe", "/d", "/s", "/c", "npm"]],
  ])("is found where %s", (_, env, platform, command) => {
    expect(npmCommand(env, platform)).toEqual(command);
  });
});
