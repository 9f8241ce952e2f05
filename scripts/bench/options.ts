import { parseArgs } from "node:util";
import { BASE, CANDIDATES, type CandidateName } from "./candidates/candidate.ts";
import { WORKLOADS, type WorkloadName } from "./workloads.ts";

/** What one run of the bench is to do. */
export type Options = {
  readonly rounds: number;
  /** Length of a measurement; some workloads take a little longer. */
  readonly seconds: number;
  readonly workloads: readonly WorkloadName[];
  readonly candidates: readonly CandidateName[];
  readonly jsonFile: string | undefined;
};

export const USAGE = `node scripts/bench/main.ts [options]
  --rounds N      rounds, 1 to 20 (3)
  --seconds S     seconds a measurement, 1 to 30 (4)
  --tests a,b     only these: ${Object.keys(WORKLOADS).join(", ")}
  --only x,y      only these: ${CANDIDATES.join(", ")} (${BASE} is always there)
  --json FILE     write every number of every round
  --quick         one round of 2 seconds, without c500`;

/** Reads the command line; a text says what is wrong with it. */
export function readOptions(args: readonly string[]): Options | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const quick = values.quick === true;
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  const seconds = Number(values.seconds ?? (quick ? 2 : 4));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20)
    return "--rounds must be a whole number from 1 to 20";
  if (!(seconds >= 1 && seconds <= 30)) return "--seconds must be a number from 1 to 30";
  const names = Object.keys(WORKLOADS) as WorkloadName[];
  const workloads = choose(values.tests, names, quick ? names.filter((name) => name !== "c500") : names);
  if (typeof workloads === "string") return `--tests: ${workloads}`;
  const only = choose(values.only, CANDIDATES, CANDIDATES);
  if (typeof only === "string") return `--only: ${only}`;
  return {
    rounds,
    seconds,
    workloads,
    candidates: CANDIDATES.filter((name) => name === BASE || only.includes(name)),
    jsonFile: values.json,
  };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      tests: { type: "string" },
      only: { type: "string" },
      json: { type: "string" },
      quick: { type: "boolean" },
    },
  }).values;

function choose<Name extends string>(
  list: string | undefined,
  known: readonly Name[],
  otherwise: readonly Name[],
): readonly Name[] | string {
  if (list === undefined) return otherwise;
  const wanted = list.split(",").map((each) => each.trim());
  const stranger = wanted.find((each) => !known.includes(each as Name));
  if (stranger !== undefined) return `no ${JSON.stringify(stranger)}; there are ${known.join(", ")}`;
  return known.filter((name) => wanted.includes(name));
}
