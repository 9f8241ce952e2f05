/** Installs packages with npm into a folder of their own, apart from the project. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Progress } from "../progress/progress.ts";
import { runCommand } from "./command.ts";
import { watchGrowth } from "./growth.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problem, problemOf } from "./problem.ts";

/** Package names with their exact versions. */
export type Packages = Readonly<Record<string, string>>;

type NpmOptions = { progress: Progress; signal: AbortSignal; npm?: readonly string[] };

/**
 * Makes `directory` hold exactly these packages, without optional ones and without running their scripts. What was
 * there before is removed: an interrupted installation is begun anew, never mended.
 */
export async function npmInstall(
  directory: string,
  packages: Packages,
  options: NpmOptions,
): Promise<Obtained<void>> {
  const { progress, signal, npm = npmCommand(process.env, process.platform) } = options;
  try {
    await rm(join(directory, "node_modules"), { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const manifest = {
      private: true,
      description: "installed by eco-base on first use",
      dependencies: packages,
    };
    await writeFile(join(directory, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (error) {
    return problemOf(error, `prepare ${directory}`);
  }
  const [program = "npm", ...first] = npm;
  const args = [
    ...first, "install", "--prefix", directory, "--omit=optional", "--omit=dev", "--ignore-scripts",
    "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error",
    "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
  ]; // prettier-ignore
  const outcome = await watchGrowth(directory, progress, () =>
    runCommand(program, args, { cwd: directory, signal }),
  );
  if (outcome.kind === "aborted") return ABORTED;
  if (outcome.kind === "missing")
    return problem("no_npm", "npm was not found: it comes with Node, see https://nodejs.org");
  return outcome.code === 0 ? obtained(undefined) : problemOfNpm(outcome.output);
}

/** How npm is called. Under `npm start` npm itself says where it is, which spares us a shell on Windows. */
export function npmCommand(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string[] {
  const npmCli = env["npm_execpath"];
  if (npmCli && /^npm-cli\.c?js$/.test(basename(npmCli))) return [process.execPath, npmCli];
  return platform === "win32" ? ["cmd.exe", "/d", "/s", "/c", "npm"] : ["npm"];
}

function problemOfNpm(output: string): Obtained<never> {
  const code = /npm error code (\w+)/.exec(output)?.[1] ?? "";
  if (code === "ENOSPC") return problem("disk_full", "npm could not install the engine: the disk is full");
  if (["EACCES", "EPERM", "EROFS"].includes(code))
    return problem("read_only", "npm could not install the engine: no permission to write");
  if (["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH"].includes(code)) {
    return problem("no_network", `npm reaches no package registry (${code})`);
  }
  if (code === "E404" || code === "ETARGET")
    return problem("not_available", "npm's registry does not have the engine's packages");
  if (code === "EBADPLATFORM")
    return problem("unsupported_platform", "the engine has no build for this platform");
  if (code === "EINTEGRITY")
    return problem("checksum", "npm received a package that does not match its checksum");
  const lines = output
    .split("\n")
    .filter((line) => line.startsWith("npm error") && !/A complete log|npm error code/.test(line));
  return problem(
    "failed",
    `npm could not install the engine: ${(lines[0] ?? output)
      .replace(/^npm error\s*/, "")
      .trim()
      .slice(0, 200)}`,
  );
}
