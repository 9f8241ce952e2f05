// `npm run chaos`: breaks engines, connections and clients in front of the real runtime, and counts what the callers
// notice of it. Exit code 1 where a promise is broken.
import { openLab } from "./chaos/lab.ts";
import { type Options, SCENARIOS, type Scenario, USAGE, drawnSeed, readOptions } from "./chaos/options.ts";
import { ABORT_ENGINES, aborts } from "./chaos/scenarios/aborts.ts";
import { DEAD_ENGINES, dead } from "./chaos/scenarios/dead.ts";
import { MIX_ENGINES, mix } from "./chaos/scenarios/mix.ts";
import { RESTART_ENGINES, restarts } from "./chaos/scenarios/restarts.ts";
import { SEAM_ENGINES, seams } from "./chaos/scenarios/seams.ts";
import { STORM_ENGINES, storm } from "./chaos/scenarios/storm.ts";
import { type Row, renderTable, summaryOf } from "./chaos/table.ts";

async function main({ seed, seconds, only }: Options): Promise<number> {
  const startedMs = performance.now();
  const say = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`);
  say("starting …");
  const lab = await openLab([
    ...SEAM_ENGINES,
    ...DEAD_ENGINES,
    ...STORM_ENGINES,
    ...RESTART_ENGINES,
    ...ABORT_ENGINES,
    ...MIX_ENGINES,
  ]);
  const rows: Row[] = [];
  const scenarios: Record<Scenario, () => Promise<readonly Row[]>> = {
    seams: () => seams(lab),
    dead: () => dead(lab),
    storm: () => storm(lab),
    restarts: () => restarts(lab, seconds),
    aborts: () => aborts(lab),
    mix: () => mix(lab, seed, seconds),
  };
  try {
    for (const name of only ? [only] : SCENARIOS) {
      say(`${name} …`);
      rows.push(...(await scenarios[name]()));
    }
  } finally {
    say("");
    await lab.stop();
  }
  console.log(renderTable(rows));
  console.log(`\n${summaryOf(rows, seed)} ${((performance.now() - startedMs) / 1000).toFixed(0)} s.`);
  return rows.every(({ kept }) => kept) ? 0 : 1;
}

const options = readOptions(process.argv.slice(2), () => drawnSeed(Math.random));
if (typeof options === "string") {
  console.error(`${options}\n\n${USAGE}`);
  process.exit(2);
}
process.exit(await main(options));
