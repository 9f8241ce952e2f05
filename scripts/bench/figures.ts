import type { CandidateName } from "./candidates/candidate.ts";
import type { WorkloadName } from "./workloads.ts";

/** Everything that a measurement can say; the unit is in the name. */
export type FigureName =
  | "requestsPerS"
  | "cpuMsPerRequest"
  | "p50Ms"
  | "p99Ms"
  | "firstTokenP50Ms"
  | "firstTokenP99Ms"
  | "cpuUsPerChunk"
  | "delayP50Ms"
  | "delayP99Ms"
  | "latePercent"
  | "peakMb"
  | "chunksAfterFin"
  | "chunksAfterRst";

export type Figures = Readonly<Partial<Record<FigureName, number>>>;

/** One workload on one candidate in one round. */
export type Measurement = {
  readonly figures: Figures;
  /** Requests that were not answered as they must be. One of them voids the candidate's figures: failing is cheap. */
  readonly failures: number;
  /** Share of one core that each used meanwhile; `others` is everything on the machine that is not the bench's. */
  readonly cores: {
    readonly candidate: number;
    readonly engine: number;
    readonly loader: number;
    readonly others: number;
  };
  /** How late the loader began requests of an open loop, 99th percentile. */
  readonly lagMs: number | undefined;
};

/** Every measurement: by workload, by candidate, one for each round. */
export type Results = Partial<
  Record<WorkloadName, Partial<Record<CandidateName, (Measurement | undefined)[]>>>
>;
