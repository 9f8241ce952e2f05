import { setTimeout as delay } from "node:timers/promises";
import type { Candidate } from "./candidates/candidate.ts";
import type { Figures, Measurement } from "./figures.ts";
import type { Lab } from "./lab.ts";
import type { Load, LoadReport } from "./loader/load.ts";
import { cpuMsBetween, memoryMb, processTree, readCpu, resetPeak } from "./machine/process-cpu.ts";
import { readMachine, waitForQuiet } from "./machine/quiet.ts";
import { ABORT, type LoadPlan, type Workload, requestsMaxOf } from "./workloads.ts";

/** Above this, in cores, others disturbed a measurement and it is made again. */
export const OTHERS_CORES_MAX = 0.2;
export const ATTEMPTS = 2;
/** What a server still does for an answer that the client already has: its log line, its counters. */
const SETTLE_MS = 50;
/** The longest that an engine goes on with streams that everybody has left. */
const STREAMS_END_MS = ABORT.chunks * ABORT.gapMs + 2_000;

/** Measures one workload on one candidate, on a machine as quiet as it gets: the quieter of two attempts counts. */
export async function measure(
  lab: Lab,
  candidate: Candidate,
  workload: Workload,
  seconds: number,
): Promise<Measurement> {
  let best: Measurement | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await waitForQuiet();
    const measured = await attemptOnce(lab, candidate, workload.plans(seconds));
    if (!best || measured.cores.others < best.cores.others) best = measured;
    if (best.cores.others <= OTHERS_CORES_MAX) break;
  }
  if (!best) throw new Error("no attempt was made");
  return best;
}

async function attemptOnce(lab: Lab, candidate: Candidate, plans: readonly LoadPlan[]): Promise<Measurement> {
  const pids = processTree(candidate.pid);
  resetPeak(pids);
  const cpu = () => ({
    candidate: readCpu(pids),
    engine: readCpu([lab.enginePid]),
    loader: readCpu([lab.loaderPid]),
    bench: readCpu([process.pid]),
  });
  const before = { cpu: cpu(), machine: readMachine(), ms: performance.now() };
  const reports: LoadReport[] = [];
  const written: number[] = [];
  for (const plan of plans) {
    const load = loadOf(plan, candidate);
    const chunksBefore = plan.leave ? (await lab.engineStats()).chunks : 0;
    reports.push(await lab.run(load));
    if (plan.leave) written.push((await chunksWhenOver(lab)) - chunksBefore);
  }
  await delay(SETTLE_MS);
  const after = { cpu: cpu(), machine: readMachine(), ms: performance.now() };
  const elapsedMs = after.ms - before.ms;
  const used = (who: keyof typeof after.cpu) => cpuMsBetween(before.cpu[who], after.cpu[who]);
  const candidateMs = used("candidate");
  const oursMs =
    (candidate.name === "direct" ? 0 : candidateMs) + used("engine") + used("loader") + used("bench");
  const failures = reports.reduce(
    (sum, { errors, non200, incomplete }) => sum + errors + non200 + incomplete,
    0,
  );
  return {
    figures: { ...figuresOf(reports, candidateMs, memoryMb(pids, "peak")), ...abortFigures(written) },
    failures,
    cores: {
      candidate: candidateMs / elapsedMs,
      engine: used("engine") / elapsedMs,
      loader: used("loader") / elapsedMs,
      others: Math.max(0, after.machine.busyMs - before.machine.busyMs - oursMs) / elapsedMs,
    },
    lagMs: reports[0]?.lag?.p99,
  };
}

function loadOf({ coldKeys, ...plan }: LoadPlan, { port, headers, unused }: Candidate): Load {
  const credentials = coldKeys ? unused.splice(0, requestsMaxOf(plan)) : [];
  return { ...plan, port, headers, ...(credentials.length > 0 && { credentials }) };
}

/** The engine's count of chunks once nothing is being streamed any more. */
async function chunksWhenOver(lab: Lab): Promise<number> {
  const untilMs = performance.now() + STREAMS_END_MS;
  for (;;) {
    const { chunks, open } = await lab.engineStats();
    if (open === 0 || performance.now() > untilMs) return chunks;
    await delay(20);
  }
}

function figuresOf(reports: readonly LoadReport[], cpuMs: number, peakMb: number): Figures {
  const [report] = reports;
  if (!report || report.requests === 0) return {};
  const { requests, seconds, chunks, lateChunks, latency, firstToken, delay: chunkDelay } = report;
  return {
    requestsPerS: requests / seconds,
    cpuMsPerRequest: cpuMs / requests,
    p50Ms: latency?.p50,
    p99Ms: latency?.p99,
    firstTokenP50Ms: firstToken?.p50,
    firstTokenP99Ms: firstToken?.p99,
    cpuUsPerChunk: chunks > 0 ? (cpuMs * 1000) / chunks : undefined,
    delayP50Ms: chunkDelay?.p50,
    delayP99Ms: chunkDelay?.p99,
    latePercent: chunks > 0 ? (100 * lateChunks) / chunks : undefined,
    peakMb,
  };
}

const abortFigures = ([fin, rst]: readonly number[]): Figures =>
  fin === undefined || rst === undefined
    ? {}
    : { chunksAfterFin: fin / ABORT.streams, chunksAfterRst: rst / ABORT.streams };
