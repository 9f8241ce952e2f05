// The project's speed bench: see README.md beside this file.
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { openLab } from "./lab.ts";
import { type Options, USAGE, readOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { notes } from "./report/notes.ts";
import { LEGEND, renderTable } from "./report/table.ts";
import { runBench } from "./run-bench.ts";
import { WORKERD_VERSION } from "./candidates/workerd.ts";

async function main(options: Options): Promise<number> {
  const progress = createProgress(process.stderr, options);
  const lab = await openLab();
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stopped = true;
      void lab.close().finally(() => process.exit(130));
    });
  }
  try {
    const results = await runBench(lab, options, progress);
    progress.clear();
    const measured = options.candidates.filter((name) => !progress.missing.has(name));
    console.log(
      `${options.rounds} rounds of ${options.seconds} s, medians. Ours beside bare, round by round: x is a ratio, + a difference.\n`,
    );
    console.log(`${renderTable(results, measured)}\n`);
    console.log(LEGEND);
    console.log(notes(results).join("\n"));
    if (options.jsonFile !== undefined) {
      const about = {
        at: new Date().toISOString(),
        node: process.version,
        workerd: WORKERD_VERSION,
        cores: availableParallelism(),
      };
      await writeFile(options.jsonFile, `${JSON.stringify({ about, options, results }, null, 2)}\n`);
    }
    return progress.missing.size > 0 || progress.failures > 0 ? 1 : 0;
  } catch (error) {
    // On Ctrl-C the processes go away under the measurement that was running; that is no news.
    if (stopped) return await new Promise<never>(() => undefined);
    throw error;
  } finally {
    if (!stopped) await lab.close();
  }
}

const options = readOptions(process.argv.slice(2));
if (typeof options === "string") {
  console.error(`${options}\n\n${USAGE}`);
  process.exit(2);
}
if (process.platform !== "linux") {
  console.error("The bench measures CPU time with /proc and so runs on Linux only.");
  process.exit(2);
}
process.exit(await main(options));
