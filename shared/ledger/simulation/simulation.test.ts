import { describe, expect, it } from "vitest";
import { seededRandom } from "../../routing/random.ts";
import { type Outcome, type World, simulate } from "./simulation.ts";

const RUNS = Number(process.env.SIM_RUNS ?? 30);
const SEED = Number(process.env.SIM_SEED ?? 1);

const WORLDS: readonly (readonly [string, World])[] = [
  [
    "requests alone, asked for one by one",
    { limits: { requestsPerMinute: 30 }, isolates: 3, rate: 0, steps: 400 },
  ],
  ["requests by leases", { limits: { requestsPerMinute: 400 }, isolates: 3, rate: 200, steps: 600 }],
  ["tokens by leases", { limits: { tokensPerMinute: 20_000 }, isolates: 2, rate: 100, steps: 600 }],
  [
    "everything at once, by leases",
    {
      limits: { requestsPerMinute: 300, tokensPerMinute: 25_000, concurrentRequests: 40, tokensPerDay: 1e6 },
      isolates: 4,
      rate: 100,
      steps: 600,
    },
  ],
  ["no limits", { limits: {}, isolates: 4, rate: 300, steps: 500 }],
];

describe("isolates and the ledger of a key, in any order, with losses and crashes", () => {
  it.each(WORLDS)("never admit too much, and book every request once: %s", (_, world) => {
    const sum: Record<keyof Outcome, number> = {
      admitted: 0,
      leased: 0,
      crashes: 0,
      restarts: 0,
      orphans: 0,
    };
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      let outcome: Outcome;
      try {
        outcome = simulate(world, seededRandom(seed));
      } catch (error) {
        throw new Error(`SIM_SEED=${seed} SIM_RUNS=1: ${String(error)}`, { cause: error });
      }
      for (const name of Object.keys(sum) as (keyof Outcome)[]) sum[name] += outcome[name];
    }
    // What is to be shown has happened.
    expect(sum.admitted).toBeGreaterThan(RUNS * 10);
    expect(sum.crashes).toBeGreaterThan(RUNS / 2);
    expect(sum.restarts).toBeGreaterThan(RUNS / 2);
    expect(sum.orphans).toBeGreaterThan(0);
    if (world.rate > 0) expect(sum.leased).toBeGreaterThan(RUNS * 5);
  });
});
