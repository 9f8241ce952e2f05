import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether there is a process of this number, be it somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * When a process was started, in the system's own words: the same for the same process, another for one that was given
 * its number later. Undefined where the system does not say.
 */
export function bornAt(pid: number): string | undefined {
  return process.platform === "linux" ? bornInTicks(pid) : bornByPs(pid);
}

function bornInTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; behind it the start is the 20th field, in ticks since the boot.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function bornByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    }).trim();
  } catch {
    return undefined;
  }
}
