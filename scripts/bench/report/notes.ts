import type { CandidateName } from "../candidates/candidate.ts";
import type { Measurement, Results } from "../figures.ts";
import { OTHERS_CORES_MAX } from "../measure.ts";
import { median } from "../statistics.ts";
import type { WorkloadName } from "../workloads.ts";

/** Above this, in cores, a single thread is close to its end and may have been what was measured. */
const LIMIT_CORES = 0.7;
/** Below this a gateway under full load was waiting for something else. */
const IDLE_CORES = 0.8;
const LAG_MS_MAX = 2;

type Entry = { workload: WorkloadName; candidate: CandidateName; measurement: Measurement };

function entriesOf(results: Results): Entry[] {
  const entries: Entry[] = [];
  for (const [workload, candidates] of Object.entries(results) as [
    WorkloadName,
    NonNullable<Results[WorkloadName]>,
  ][]) {
    for (const [candidate, rounds] of Object.entries(candidates) as [
      CandidateName,
      (Measurement | undefined)[],
    ][]) {
      for (const measurement of rounds) if (measurement) entries.push({ workload, candidate, measurement });
    }
  }
  return entries;
}

const cores = (value: number): string => value.toFixed(2);
const where = (entries: readonly Entry[]): string =>
  [...new Set(entries.map(({ workload, candidate }) => `${workload}/${candidate}`))].join(", ");

/** What the bench itself used and what others did meanwhile: one line, then a line for each reason to doubt a figure. */
export function notes(results: Results): string[] {
  const entries = entriesOf(results);
  if (entries.length === 0) return [];
  const gateways = entries.filter(({ candidate }) => candidate !== "direct");
  const most = (who: "engine" | "loader" | "others", among = gateways) =>
    Math.max(0, ...among.map(({ measurement }) => measurement.cores[who]));
  const others = entries.map(({ measurement }) => measurement.cores.others);
  const lines = [
    `Cores in use beside the gateway: engine at most ${cores(most("engine"))}, loader at most ${cores(most("loader"))}, ` +
      `other people's work ${cores(median(others))} (at most ${cores(most("others", entries))}).`,
  ];
  const warn = (doubtful: readonly Entry[], text: string) =>
    void (doubtful.length > 0 && lines.push(`Careful: ${text}: ${where(doubtful)}.`));
  warn(
    gateways.filter(({ measurement: { cores: used } }) => used.engine > LIMIT_CORES),
    `the engine used more than ${LIMIT_CORES} of a core and may have been the limit`,
  );
  warn(
    gateways.filter(({ measurement: { cores: used } }) => used.loader > LIMIT_CORES),
    `the loader used more than ${LIMIT_CORES} of a core and may have been the limit`,
  );
  warn(
    gateways.filter(
      ({ workload, measurement }) => workload === "sat32" && measurement.cores.candidate < IDLE_CORES,
    ),
    `under full load the gateway used less than ${IDLE_CORES} of a core, so requests/s say little`,
  );
  warn(
    gateways.filter(({ measurement }) => (measurement.lagMs ?? 0) > LAG_MS_MAX),
    `the loader began requests late by more than ${LAG_MS_MAX} ms`,
  );
  warn(
    entries.filter(({ measurement }) => measurement.cores.others > OTHERS_CORES_MAX),
    `others used more than ${OTHERS_CORES_MAX} of a core`,
  );
  return lines;
}
