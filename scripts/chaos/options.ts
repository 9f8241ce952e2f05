import { parseArgs } from "node:util";

/** What one run of the chaos is to do. */
export type Options = {
  /** Decides what the random mix does; the same seed makes the same plan. */
  readonly seed: number;
  /** Length of the scenarios that go on for a while: restarts, and the random mix. */
  readonly seconds: number;
  /** The one scenario to run; all of them where none is named. */
  readonly only?: Scenario;
};

/** The scenarios, in the order they run. */
export const SCENARIOS = ["seams", "dead", "storm", "restarts", "aborts", "mix"] as const;
export type Scenario = (typeof SCENARIOS)[number];

export const USAGE = `node scripts/chaos.ts [options]
  --seed N      seed of the random mix (drawn, and told)
  --seconds S   seconds of the restarts and of the mix, 2 to 3600 (8)
  --only NAME   one scenario: ${SCENARIOS.join(", ")}`;

const SECONDS = { otherwise: 8, min: 2, max: 3_600 };
const SEED_MAX = 2 ** 31 - 1;

/** Reads the command line; a text says what is wrong with it. `drawSeed` is asked where none is given. */
export function readOptions(args: readonly string[], drawSeed: () => number): Options | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const seed = values.seed === undefined ? drawSeed() : Number(values.seed);
  const seconds = Number(values.seconds ?? SECONDS.otherwise);
  if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX)
    return `--seed must be a whole number from 0 to ${SEED_MAX}`;
  if (!(seconds >= SECONDS.min && seconds <= SECONDS.max))
    return `--seconds must be a number from ${SECONDS.min} to ${SECONDS.max}`;
  const only = SCENARIOS.find((name) => name === values.only);
  if (values.only !== undefined && only === undefined) return `--only must be one of ${SCENARIOS.join(", ")}`;
  return { seed, seconds, ...(only && { only }) };
}

/** A seed nobody chose. `random` gives numbers in [0, 1). */
export const drawnSeed = (random: () => number): number => Math.floor(random() * SEED_MAX);

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: { seed: { type: "string" }, seconds: { type: "string" }, only: { type: "string" } },
  }).values;
