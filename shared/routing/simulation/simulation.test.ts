import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FIRST_BYTE_MS } from "./sim-engine.ts";
import { type Report, simulate } from "./simulation.ts";
import { type Mode, type Scenario, SIMULATED_POLICY } from "./world.ts";

// Random schedules of a small fleet in virtual time. A failure prints the scenario, shrunk, and the seed: run it again by
// SIM_SEED=<seed>, and look longer by SIM_RUNS=<thousands>.
const { SIM_SEED, SIM_RUNS } = process.env;
const RUNS = Number(SIM_RUNS ?? 2_000);

/** Times by which the last request has come, the last fault is over, and everything has settled. */
const FAULTS_UNTIL_MS = 15_000;
const UNTIL_MS = 70_000;
/** By then the last request has failed that an engine took and never answered, and the longest wait for a probe is over. */
const { openMsMax, jitter, probeMs } = SIMULATED_POLICY;
const CLOSED_BY_MS = FAULTS_UNTIL_MS + FIRST_BYTE_MS + openMsMax * (1 + jitter) + probeMs + 1_000;

const engines = fc.array(
  fc.record({ cap: fc.integer({ min: 1, max: 6 }), serviceMs: fc.integer({ min: 20, max: 800 }) }),
  { minLength: 1, maxLength: 4, size: "max" },
);
const faultsOf = (engine: fc.Arbitrary<number>, ...modes: Exclude<Mode, "ok">[]) =>
  fc.array(
    fc
      .record({
        engine,
        fromMs: fc.integer({ min: 0, max: FAULTS_UNTIL_MS - 1 }),
        forMs: fc.integer({ min: 100, max: FAULTS_UNTIL_MS }),
        mode: fc.constantFrom(...modes),
      })
      .map((fault) => ({ ...fault, forMs: Math.min(fault.forMs, FAULTS_UNTIL_MS - fault.fromMs) })),
    { maxLength: 5, size: "max" },
  );
const anyFault = (engine: fc.Arbitrary<number>) =>
  faultsOf(engine, "dead", "failing", "slow", "busy", "hung");
const moments = fc.integer({ min: 0, max: FAULTS_UNTIL_MS });

const scenarios = fc.record<Scenario>({
  seed: fc.integer(),
  isolates: fc.integer({ min: 1, max: 4 }),
  engines,
  requests: fc.integer({ min: 1, max: 60 }),
  gapMs: fc.integer({ min: 1, max: 250 }),
  loss: fc.constantFrom(0, 0, 0.02, 0.1, 0.5),
  lossUntilMs: fc.constant(FAULTS_UNTIL_MS),
  delayMsMax: fc.integer({ min: 1, max: 100 }),
  leaving: fc.constantFrom(0, 0.2),
  waitingMax: fc.constantFrom(2, 10, 1_000),
  deadlineMs: fc.constantFrom(2_000, 10_000, 20_000),
  faults: anyFault(fc.nat({ max: 3 })),
  crashes: fc.array(fc.record({ isolate: fc.nat({ max: 3 }), atMs: moments }), { maxLength: 3, size: "max" }),
  restarts: fc.array(fc.record({ engine: fc.nat({ max: 3 }), atMs: moments }), { maxLength: 2, size: "max" }),
  untilMs: fc.constant(UNTIL_MS),
});

/** Plays random scenarios, a share of all runs. */
function expectOfEvery(
  share: number,
  all: fc.Arbitrary<Scenario>,
  check: (report: Report, scenario: Scenario) => void,
) {
  fc.assert(
    fc.property(all, (scenario) => {
      const report = simulate(scenario);
      expect(report.violations).toEqual([]);
      check(report, scenario);
    }),
    { numRuns: Math.ceil(RUNS * share), ...(SIM_SEED !== undefined && { seed: Number(SIM_SEED) }) },
  );
}

describe("a fleet, whatever breaks", () => {
  it("ends every request once, keeps to slots and circuits, and is as before when all is over", () => {
    expectOfEvery(0.6, scenarios, ({ endings, engines }, { requests }) => {
      expect(endings.never).toBeUndefined();
      expect(Object.values(endings).reduce((sum, count) => sum + count, 0)).toBe(requests);
      const unsettled = engines.filter(
        ({ circuit, sinceMs, working, held, waiting }) =>
          circuit !== "closed" || sinceMs > CLOSED_BY_MS || working + held + waiting > 0,
      );
      expect(unsettled).toEqual([]);
    });
  });

  it("fails no request while one engine is well", () => {
    const oneWell = scenarios.map((scenario) => ({
      ...scenario,
      engines: [{ cap: 8, serviceMs: 100 }, ...scenario.engines],
      faults: scenario.faults.map((fault) => ({ ...fault, engine: fault.engine + 1 })),
      waitingMax: 1_000,
      deadlineMs: 40_000,
    }));
    const fine = new Set(["answered", "client_gone", "isolate_died"]);
    expectOfEvery(0.2, oneWell, ({ endings }) => {
      expect(Object.keys(endings).filter((ending) => !fine.has(ending))).toEqual([]);
    });
  });

  it("opens no circuit for overload, however long the storm", () => {
    const storms = fc
      .tuple(scenarios, faultsOf(fc.nat({ max: 3 }), "busy", "slow"))
      .map(([scenario, faults]) => ({ ...scenario, faults }));
    expectOfEvery(0.1, storms, ({ engines }) => {
      expect(engines.filter(({ openings }) => openings > 0)).toEqual([]);
    });
  });

  it("asks a dead engine a few times, then by one probe at a time for the whole world", () => {
    // It dies under load, and the other engine is too slow to take all of it at once.
    const dead = scenarios.map((scenario) => ({
      ...scenario,
      engines: [
        { cap: 4, serviceMs: 100 },
        { cap: 8, serviceMs: 400 },
      ],
      requests: 100,
      gapMs: 1 + (scenario.gapMs % 20),
      faults: [{ engine: 0, fromMs: 50, forMs: 1e9, mode: "dead" as const }],
      waitingMax: 1_000,
    }));
    const gapMs = SIMULATED_POLICY.openMs;
    expectOfEvery(0.1, dead, ({ engines: [broken] }, { isolates }) => {
      const probesMs = broken?.probesMs ?? [];
      expect(probesMs.length).toBeLessThanOrEqual(UNTIL_MS / gapMs + 1);
      for (const [at, probeMs] of probesMs.entries())
        if (at > 0) expect(probeMs - (probesMs[at - 1] ?? 0)).toBeGreaterThanOrEqual(gapMs);
      // Those that it worked on when it died, those that were on their way then, and three more of each isolate.
      expect(broken?.failed).toBeLessThanOrEqual(4 + 4 + isolates * 3);
    });
  });
});

const calm: Scenario = {
  seed: 1,
  isolates: 2,
  engines: [{ cap: 32, serviceMs: 200 }],
  requests: 400,
  gapMs: 50,
  loss: 0,
  lossUntilMs: 10_000,
  delayMsMax: 20,
  leaving: 0,
  waitingMax: 100,
  deadlineMs: 20_000,
  faults: [],
  crashes: [],
  restarts: [],
  untilMs: 40_000,
};

describe("a calm fleet", () => {
  it("needs few calls for many requests", () => {
    const { endings, calls } = simulate(calm);
    expect(endings).toEqual({ answered: 400 });
    expect(calls).toBeLessThan(400 / 4);
  });

  it("gives the same report for the same scenario", () => {
    const stormy: Scenario = {
      ...calm,
      loss: 0.1,
      faults: [{ engine: 0, fromMs: 1_000, forMs: 3_000, mode: "dead" }],
    };
    expect(simulate(stormy)).toEqual(simulate(stormy));
    expect(simulate({ ...stormy, seed: 2 })).not.toEqual(simulate(stormy));
  });
});
