import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Born, Order } from "./order.ts";

/** A platform with its runtime, in a process group of its own. */
export type Doomed = Born & { kill(): Promise<void> };

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

/** Brings a platform up on the state that the one before has left. */
export async function bringUp(order: Order): Promise<Doomed> {
  const file = join(order.stateDir, "order.json");
  writeFileSync(file, JSON.stringify(order));
  const child = spawn(process.execPath, [CHILD, file], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    gone.then(() => Promise.reject(new Error("the platform did not come up"))),
  ])) as [string];
  return { ...(JSON.parse(line) as Born), kill: () => killGroup(child, gone) };
}

/** All of it at once, so that nothing can be written down any more. */
async function killGroup({ pid }: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
  await gone;
}
