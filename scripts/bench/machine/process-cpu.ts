import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { familyOf, parseProcessStat, parseSchedstatNs, parseStatusKb } from "./proc-text.ts";

/** CPU time that some processes had used at one moment. */
export type CpuReading = {
  /** Exact, for each thread that was alive. */
  readonly threadsNs: ReadonlyMap<string, number>;
  /** In steps of 10 ms, and with the threads that have ended. */
  readonly coarseMs: number;
};

/** What `read` gives; `otherwise` where the process has ended meanwhile. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** A process and all that it started, by pid. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = attempt(() => parseProcessStat(readFileSync(`/proc/${name}/stat`, "utf8")), undefined);
    if (stat) parents.set(Number(name), stat.parentPid);
  }
  return familyOf(root, parents);
}

export function readCpu(pids: readonly number[]): CpuReading {
  const threadsNs = new Map<string, number>();
  let coarseMs = 0;
  for (const pid of pids) {
    coarseMs += attempt(() => parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8")).cpuMs, 0);
    for (const thread of attempt(() => readdirSync(`/proc/${pid}/task`), [])) {
      const ns = attempt(
        () => parseSchedstatNs(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8")),
        undefined,
      );
      if (ns !== undefined) threadsNs.set(`${pid}/${thread}`, ns);
    }
  }
  return { threadsNs, coarseMs };
}

/** CPU time between two readings of the same processes, in milliseconds. */
export function cpuMsBetween(before: CpuReading, after: CpuReading): number {
  let ns = 0;
  for (const [thread, value] of after.threadsNs) ns += value - (before.threadsNs.get(thread) ?? 0);
  // A thread that ended took its nanoseconds with it; only the coarse clock still knows of them.
  const lost = [...before.threadsNs.keys()].some((thread) => !after.threadsNs.has(thread));
  return lost ? Math.max(ns / 1e6, after.coarseMs - before.coarseMs) : ns / 1e6;
}

/** Memory in use now, or the most since {@link resetPeak}, of all the processes together, in MB. */
export const memoryMb = (pids: readonly number[], which: "now" | "peak"): number =>
  pids.reduce(
    (sum, pid) =>
      sum +
      attempt(
        () =>
          parseStatusKb(readFileSync(`/proc/${pid}/status`, "utf8"), which === "peak" ? "VmHWM" : "VmRSS"),
        0,
      ),
    0,
  ) / 1024;

/** Forgets the peak of memory; not everyone may, and then the peak is the one since the process began. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) attempt(() => writeFileSync(`/proc/${pid}/clear_refs`, "5"), undefined);
}
