import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type MachineCpu, parseMachineCpu } from "./proc-text.ts";

/** Above this, in cores, the machine is not quiet. */
const QUIET_CORES = 0.15;
const LOOK_MS = 300;
const LOOKS_MAX = 20;

export const readMachine = (): MachineCpu => parseMachineCpu(readFileSync("/proc/stat", "utf8"));

/** Waits until the machine has nothing else to do, six seconds at most. */
export async function waitForQuiet(): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = readMachine();
    await delay(LOOK_MS);
    if ((readMachine().busyMs - before.busyMs) / LOOK_MS < QUIET_CORES) return;
  }
}
