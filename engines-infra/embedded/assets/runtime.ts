/** The runtime: llama.cpp through node-llama-cpp, with the binaries of this platform only (about 85 MB instead of 725). */
import { access, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress/progress.ts";
import type { Packages } from "./npm.ts";
import { npmInstall } from "./npm.ts";
import type { Obtained } from "./problem.ts";
import { obtained, problem, problemOf } from "./problem.ts";

export const RUNTIME_VERSION = "3.22.1";
const RUNTIME_BYTES = 85_000_000;

/** npm's name for each platform's binaries: those without a GPU, except on Macs, where Metal is part of the system. */
const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  "linux-x64": "@node-llama-cpp/linux-x64",
  "linux-arm64": "@node-llama-cpp/linux-arm64",
  "linux-arm": "@node-llama-cpp/linux-armv7l",
  "linux-riscv64": "@node-llama-cpp/linux-riscv64",
  "darwin-arm64": "@node-llama-cpp/mac-arm64-metal",
  "darwin-x64": "@node-llama-cpp/mac-x64",
  "win32-x64": "@node-llama-cpp/win-x64",
  "win32-arm64": "@node-llama-cpp/win-arm64",
};

export type Machine = { platform: NodeJS.Platform; arch: string; isMusl: boolean };

export function thisMachine(): Machine {
  // The binaries are linked against glibc; Node's own report says whether it runs on that.
  // Without this the report looks up the names of all addresses of this machine (missing in Node's types).
  Object.assign(process.report, { excludeNetwork: true });
  const report =
    process.platform === "linux" ? (process.report.getReport() as { header?: object }) : undefined;
  const isMusl = report?.header !== undefined && !("glibcVersionRuntime" in report.header);
  return { platform: process.platform, arch: process.arch, isMusl };
}

/** The packages that the runtime consists of on this machine. */
export function runtimePackages({ platform, arch, isMusl }: Machine): Obtained<Packages> {
  const name = PLATFORM_PACKAGES[`${platform}-${arch}`];
  if (!name)
    return problem("unsupported_platform", `the embedded engine has no build for ${platform} on ${arch}`);
  if (isMusl)
    return problem("unsupported_platform", "the embedded engine needs glibc, this system (Alpine?) has musl");
  return obtained({ "node-llama-cpp": RUNTIME_VERSION, [name]: RUNTIME_VERSION });
}

export type RuntimeOptions = {
  installDir: string;
  packages: Packages;
  progress: Progress;
  signal: AbortSignal;
  offline: boolean;
  npm?: readonly string[];
};

/** Makes sure that the runtime is in `installDir`, whole. */
export async function obtainRuntime(options: RuntimeOptions): Promise<Obtained<void>> {
  const { installDir, packages, progress, signal, offline, npm } = options;
  if (await isComplete(installDir, packages)) return obtained(undefined);
  if (offline)
    return problem("offline", "the embedded engine is not installed, and installing it needs the network");
  await rm(markerOf(installDir), { force: true }).catch(() => undefined);
  progress.start("installing the engine (node-llama-cpp)", RUNTIME_BYTES);
  const installed = await npmInstall(installDir, packages, { progress, signal, npm });
  progress.done();
  if (!installed.ok) return installed;
  try {
    for (const name of Object.keys(packages))
      await access(join(installDir, "node_modules", name, "package.json"));
    // Renamed into place, so that the marker is there whole or not at all.
    await writeFile(`${markerOf(installDir)}.part`, `${JSON.stringify({ packages })}\n`);
    await rename(`${markerOf(installDir)}.part`, markerOf(installDir));
    return obtained(undefined);
  } catch (error) {
    return problemOf(error, "finish installing the engine");
  }
}

/** Written last of all: without it whatever lies in the folder is a ruin. */
const markerOf = (installDir: string): string => join(installDir, "complete.json");

async function isComplete(installDir: string, packages: Packages): Promise<boolean> {
  try {
    const marker = JSON.parse(await readFile(markerOf(installDir), "utf8")) as { packages?: Packages };
    await access(join(installDir, "node_modules", "node-llama-cpp", "package.json"));
    return JSON.stringify(marker.packages) === JSON.stringify(packages);
  } catch {
    return false;
  }
}
