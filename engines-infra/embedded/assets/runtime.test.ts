import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { failing, npmThatWorks, program } from "../testing/programs.ts";
import { RUNTIME_VERSION, obtainRuntime, runtimePackages, thisMachine } from "./runtime.ts";

const folder = temporaryFolder();
const signal = new AbortController().signal;
const PACKAGES = { "node-llama-cpp": "3.22.1", "@node-llama-cpp/linux-x64": "3.22.1" };
const never = ["/nowhere/npm"];

const obtain = (installDir: string, npm: string[], offline = false) =>
  obtainRuntime({ installDir, packages: PACKAGES, progress: quietProgress, signal, offline, npm });

describe("runtime packages", () => {
  it.each<[NodeJS.Platform, string, string]>([
    ["linux", "x64", "@node-llama-cpp/linux-x64"],
    ["linux", "arm64", "@node-llama-cpp/linux-arm64"],
    ["darwin", "arm64", "@node-llama-cpp/mac-arm64-metal"],
    ["darwin", "x64", "@node-llama-cpp/mac-x64"],
    ["win32", "x64", "@node-llama-cpp/win-x64"],
  ])("for %s on %s are node-llama-cpp and %s", (platform, arch, name) => {
    expect(runtimePackages({ platform, arch, isMusl: false })).toEqual({
      ok: true,
      value: { "node-llama-cpp": RUNTIME_VERSION, [name]: RUNTIME_VERSION },
    });
  });

  it.each<[NodeJS.Platform, string, boolean]>([
    ["freebsd", "x64", false],
    ["linux", "ppc64", false],
    ["linux", "x64", true],
  ])("do not exist for %s on %s (musl %s)", (platform, arch, isMusl) => {
    expect(runtimePackages({ platform, arch, isMusl })).toMatchObject({
      ok: false,
      problem: { kind: "unsupported_platform" },
    });
  });

  it("knows the machine that it runs on", () => {
    expect(thisMachine()).toMatchObject({ platform: process.platform, arch: process.arch });
  });
});

describe("runtime", () => {
  it("is installed once, and found again without npm", async () => {
    const installDir = await mkdtemp(join(folder, "engine-"));
    expect(await obtain(installDir, npmThatWorks(folder))).toMatchObject({ ok: true });
    expect(await obtain(installDir, never, true)).toMatchObject({ ok: true });
  });

  it("is installed again after an installation that did not end well", async () => {
    const installDir = await mkdtemp(join(folder, "engine-"));
    expect(await obtain(installDir, failing(folder, "npm error code ECONNRESET"))).toMatchObject({
      problem: { kind: "no_network" },
    });
    expect(await obtain(installDir, never)).toMatchObject({ problem: { kind: "no_npm" } });
    expect(await obtain(installDir, npmThatWorks(folder))).toMatchObject({ ok: true });
  });

  it("is not taken for complete where npm forgot a package", async () => {
    const installDir = await mkdtemp(join(folder, "engine-"));
    expect(await obtain(installDir, program(folder, ""))).toMatchObject({
      ok: false,
      problem: { kind: "failed" },
    });
  });

  it.each<[string, (installDir: string) => Promise<void>]>([
    [
      "another version is there",
      (installDir) => writeFile(join(installDir, "complete.json"), '{"packages":{"node-llama-cpp":"3.0.0"}}'),
    ],
    ["the mark is damaged", (installDir) => writeFile(join(installDir, "complete.json"), "{")],
    [
      "the packages have been removed",
      (installDir) => rm(join(installDir, "node_modules"), { recursive: true }),
    ],
  ])("is installed again when %s", async (_, spoil) => {
    const installDir = await mkdtemp(join(folder, "engine-"));
    await obtain(installDir, npmThatWorks(folder));
    await spoil(installDir);
    expect(await obtain(installDir, never, true)).toMatchObject({ ok: false, problem: { kind: "offline" } });
    expect(await obtain(installDir, npmThatWorks(folder))).toMatchObject({ ok: true });
    expect(JSON.parse(await readFile(join(installDir, "complete.json"), "utf8"))).toEqual({
      packages: PACKAGES,
    });
  });
});
