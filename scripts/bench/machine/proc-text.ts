// The texts of /proc, as numbers: https://man7.org/linux/man-pages/man5/proc.5.html

/** /proc counts time in ticks of 1/100 s on every architecture that Node runs on (USER_HZ). */
const TICK_MS = 10;

/** A process: its parent, and the CPU time that it and its ended threads have used, in steps of 10 ms. */
export type ProcessStat = { readonly parentPid: number; readonly cpuMs: number };

/** Reads `/proc/<pid>/stat`. The process's name may contain anything, spaces and brackets too. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parentPid: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
}

/** Reads a thread's `schedstat`: the time that it has been on a CPU, in nanoseconds. */
export const parseSchedstatNs = (text: string): number => Number(text.slice(0, text.indexOf(" ")));

/** Reads one field of `/proc/<pid>/status`, in kB; 0 where the field is missing. */
export const parseStatusKb = (text: string, field: "VmHWM" | "VmRSS"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);

/** What all CPUs together have done since the machine started. */
export type MachineCpu = { readonly busyMs: number; readonly stolenMs: number };

/** Reads `/proc/stat`. Waiting for a disk is not busy; time that the host gave to others is told apart. */
export function parseMachineCpu(text: string): MachineCpu {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(text)?.[1] ?? ""
  )
    .split(" ")
    .map(Number);
  return { busyMs: (user + nice + system + irq + softirq) * TICK_MS, stolenMs: steal * TICK_MS };
}

/** A process and all that descend from it. */
export function familyOf(root: number, parents: ReadonlyMap<number, number>): number[] {
  const family = [root];
  for (const pid of family) for (const [child, parent] of parents) if (parent === pid) family.push(child);
  return family;
}
