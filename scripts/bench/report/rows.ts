import type { CandidateName } from "../candidates/candidate.ts";
import type { FigureName } from "../figures.ts";
import { ABORT, type WorkloadName } from "../workloads.ts";

/** A bound that a figure of the gateway's should keep to. Translating a protocol may cost more than passing one on. */
export type Goal = {
  readonly is: "at most" | "at least";
  readonly bound: number;
  readonly whereTranslated?: number;
};

/** How a candidate's figure is set against the base's figure of the same round. */
export type Comparison = "ratio" | "difference" | "none";

export type Unit = "ms" | "us" | "%" | "/s" | "MB" | "";

/** One line of the table. */
export type Row = {
  readonly workload: WorkloadName;
  readonly label: string;
  readonly figure: FigureName;
  readonly unit: Unit;
  readonly comparison: Comparison;
  readonly goal?: Goal;
};

const perChunk: Goal = { is: "at most", bound: 1.5, whereTranslated: 2.7 };
/** The client left after 10 chunks; two or three may be on their way by then. */
const afterLeaving: Goal = { is: "at most", bound: ABORT.leaveAfter + 3 };

/** The table, from top to bottom, with what we hold the gateway to. */
export const ROWS: readonly Row[] = [
  {
    workload: "sat32",
    label: "requests/s",
    figure: "requestsPerS",
    unit: "/s",
    comparison: "ratio",
    goal: { is: "at least", bound: 0.75 },
  },
  {
    workload: "sat32",
    label: "CPU per request",
    figure: "cpuMsPerRequest",
    unit: "ms",
    comparison: "ratio",
    goal: { is: "at most", bound: 1.35 },
  },
  {
    workload: "big",
    label: "CPU per request",
    figure: "cpuMsPerRequest",
    unit: "ms",
    comparison: "ratio",
    goal: { is: "at most", bound: 1.6 },
  },
  {
    workload: "rate",
    label: "CPU per request",
    figure: "cpuMsPerRequest",
    unit: "ms",
    comparison: "difference",
  },
  { workload: "rate", label: "latency p50", figure: "p50Ms", unit: "ms", comparison: "difference" },
  {
    workload: "rate",
    label: "latency p99",
    figure: "p99Ms",
    unit: "ms",
    comparison: "difference",
    goal: { is: "at most", bound: 1 },
  },
  {
    workload: "cold",
    label: "CPU per request",
    figure: "cpuMsPerRequest",
    unit: "ms",
    comparison: "difference",
  },
  { workload: "cold", label: "latency p50", figure: "p50Ms", unit: "ms", comparison: "difference" },
  { workload: "cold", label: "latency p99", figure: "p99Ms", unit: "ms", comparison: "difference" },
  {
    workload: "relay",
    label: "first token p50",
    figure: "firstTokenP50Ms",
    unit: "ms",
    comparison: "difference",
  },
  {
    workload: "relay",
    label: "first token p99",
    figure: "firstTokenP99Ms",
    unit: "ms",
    comparison: "difference",
  },
  {
    workload: "relay",
    label: "delay of a chunk p50",
    figure: "delayP50Ms",
    unit: "ms",
    comparison: "difference",
  },
  {
    workload: "relay",
    label: "delay of a chunk p99",
    figure: "delayP99Ms",
    unit: "ms",
    comparison: "difference",
  },
  {
    workload: "relay",
    label: "CPU per chunk",
    figure: "cpuUsPerChunk",
    unit: "us",
    comparison: "ratio",
    goal: perChunk,
  },
  {
    workload: "burst",
    label: "CPU per chunk",
    figure: "cpuUsPerChunk",
    unit: "us",
    comparison: "ratio",
    goal: perChunk,
  },
  {
    workload: "c500",
    label: "chunks later than 50 ms",
    figure: "latePercent",
    unit: "%",
    comparison: "none",
    goal: { is: "at most", bound: 1 },
  },
  {
    workload: "c500",
    label: "CPU per chunk",
    figure: "cpuUsPerChunk",
    unit: "us",
    comparison: "ratio",
    goal: perChunk,
  },
  { workload: "c500", label: "peak memory", figure: "peakMb", unit: "MB", comparison: "ratio" },
  {
    workload: "abort",
    label: "engine wrote, after a FIN",
    figure: "chunksAfterFin",
    unit: "",
    comparison: "none",
    goal: afterLeaving,
  },
  {
    workload: "abort",
    label: "engine wrote, after a RST",
    figure: "chunksAfterRst",
    unit: "",
    comparison: "none",
    goal: afterLeaving,
  },
];

/** The bound that holds for a candidate; undefined for those that are no gateway of ours. */
export function boundFor(goal: Goal, candidate: CandidateName): number | undefined {
  if (!candidate.startsWith("ours")) return undefined;
  return candidate === "ours-translated" ? (goal.whereTranslated ?? goal.bound) : goal.bound;
}
