/** Runs a program to its end, and ends it with everything it started when the user gives up. */
import { spawn } from "node:child_process";

export type CommandOutcome =
  | { kind: "ended"; code: number; output: string }
  /** There is no such program. */
  | { kind: "missing" }
  | { kind: "aborted" };

export type CommandOptions = { cwd?: string; env?: NodeJS.ProcessEnv; signal: AbortSignal };

const OUTPUT_CHARACTERS_MAX = 16_384;
const KILL_AFTER_MS = 1000;

/** `output` is the end of what the program wrote, to either stream. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandOutcome> {
  const { cwd, env = process.env, signal } = options;
  if (signal.aborted) return Promise.resolve({ kind: "aborted" });
  const isWindows = process.platform === "win32";
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own: npm and pip start children, which must end with them.
      detached: !isWindows,
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString("utf8")).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const kill = (how: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined && !isWindows) process.kill(-child.pid, how);
        else child.kill(how);
      } catch {
        // It has ended by itself.
      }
    };
    let killTimer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      kill("SIGTERM");
      killTimer = setTimeout(() => kill("SIGKILL"), KILL_AFTER_MS);
    };
    signal.addEventListener("abort", abort, { once: true });
    const finish = (outcome: CommandOutcome): void => {
      signal.removeEventListener("abort", abort);
      clearTimeout(killTimer);
      resolve(signal.aborted ? { kind: "aborted" } : outcome);
    };
    child.once("error", () => finish({ kind: "missing" }));
    child.once("close", (code) => finish({ kind: "ended", code: code ?? 1, output }));
  });
}
