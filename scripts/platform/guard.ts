import { type ChildProcess, spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { basename } from "node:path";

/**
 * Ends a child process by `signal` when ours is gone, were it by `kill -9`, after which it can do nothing itself. A shell
 * waits for the end of a pipe that only we hold, outside our session, so that a Ctrl-C does not reach it; it takes 1 MB.
 * Does nothing where there is no such shell.
 */
export function endWithUs(child: ChildProcess, signal: "KILL" | "TERM"): void {
  const watcher = spawn("sh", ["-c", `read -r line || kill -s ${signal} ${child.pid}`], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.once("error", () => undefined);
  const { stdin } = watcher;
  stdin.on("error", () => undefined);
  // The line says that there is nothing left to end.
  child.once("exit", () => stdin.end("\n"));
  watcher.unref();
  (stdin as Socket).unref();
}

/**
 * Lets no workerd outlive this process, not one that Miniflare starts anew after a crash either: it would go on for
 * ever, with the state's SQLite files open. Miniflare hands out none of its processes; Node tells of each.
 */
export function endWorkerdWithUs(): void {
  subscribe("child_process", (message) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (basename(child.spawnfile).startsWith("workerd")) endWithUs(child, "KILL");
    });
  });
}
