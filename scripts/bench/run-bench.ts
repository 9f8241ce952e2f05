import type { Candidate, CandidateName } from "./candidates/candidate.ts";
import type { Measurement, Results } from "./figures.ts";
import type { Lab } from "./lab.ts";
import { ATTEMPTS, measure } from "./measure.ts";
import type { Options } from "./options.ts";
import { WORKLOADS, type LoadPlan, type WorkloadName, requestsMaxOf } from "./workloads.ts";

/** Told of what goes on. */
export type Progress = {
  starting(name: CandidateName): void;
  leftOut(name: CandidateName, reason: string): void;
  warming(name: CandidateName): void;
  measuring(round: number, workload: WorkloadName, name: CandidateName): void;
  measured(round: number, workload: WorkloadName, name: CandidateName, measurement: Measurement): void;
};

/** Starts the candidates, and measures each with each workload in each round: A B C, then C B A, and so on. */
export async function runBench(lab: Lab, options: Options, progress: Progress): Promise<Results> {
  const candidates = await startAll(lab, options, progress);
  for (const candidate of candidates) {
    progress.warming(candidate.name);
    await warmUp(lab, candidate);
  }
  const results: Results = {};
  for (let round = 0; round < options.rounds; round++) {
    for (const workload of options.workloads) {
      for (const candidate of inOrder(candidates, round)) {
        progress.measuring(round, workload, candidate.name);
        const measurement = await measure(lab, candidate, WORKLOADS[workload], options.seconds);
        progress.measured(round, workload, candidate.name, measurement);
        const rounds = ((results[workload] ??= {})[candidate.name] ??= Array.from(
          { length: options.rounds },
          () => undefined,
        ));
        rounds[round] = measurement;
      }
    }
  }
  return results;
}

/** A machine that gets slower or faster during a round then does no one a favour. */
export const inOrder = <T>(list: readonly T[], round: number): T[] =>
  round % 2 === 0 ? [...list] : list.toReversed();

async function startAll(lab: Lab, options: Options, progress: Progress): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const name of options.candidates) {
    progress.starting(name);
    const candidate = await lab.start(name, keysMaxOf(options));
    const fault = await faultOf(lab, candidate);
    if (fault === undefined) candidates.push(candidate);
    else progress.leftOut(name, fault);
  }
  return candidates;
}

/** Keys that the loads use up, should each be measured as often as it may be. */
function keysMaxOf({ workloads, rounds, seconds }: Options): number {
  const plans = workloads
    .flatMap((name) => WORKLOADS[name].plans(seconds))
    .filter(({ coldKeys }) => coldKeys);
  return plans.reduce((sum, plan) => sum + requestsMaxOf(plan), 0) * rounds * ATTEMPTS;
}

const planOf = (workload: WorkloadName, change: Partial<LoadPlan>): LoadPlan => {
  const [plan] = WORKLOADS[workload].plans(1);
  if (!plan) throw new Error(`${workload} has no load`);
  return { ...plan, rampMs: 0, ...change };
};

/** What is wrong with how a candidate answers one whole and one streamed request; undefined where nothing is. */
async function faultOf(lab: Lab, { port, headers }: Candidate): Promise<string | undefined> {
  for (const plan of [
    planOf("sat32", { connections: 1, requestsMax: 1 }),
    planOf("burst", { connections: 1, requestsMax: 1 }),
  ]) {
    const { requests, errors, non200, incomplete } = await lab.run({ ...plan, port, headers });
    if (requests !== 1 || errors + non200 + incomplete > 0)
      return `a ${plan.stream ? "streamed" : "whole"} answer: ${errors} errors, ${non200} not 200, ${incomplete} incomplete`;
  }
  return undefined;
}

/** Until compilers, pools and caches have settled: they are paid once, and no request's. */
async function warmUp(lab: Lab, { port, headers }: Candidate): Promise<void> {
  for (const plan of [
    planOf("sat32", { connections: 16, durationMs: 2_000 }),
    planOf("burst", { connections: 8, durationMs: 1_500 }),
  ]) {
    await lab.run({ ...plan, port, headers });
  }
}
