import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { z } from "zod";
import { ROOT } from "../platform/bundle.ts";

/** Ends the deploy with a line for the user. */
export class DeployError extends Error {}

/** How a run of wrangler ended: its exit code, null after a signal, and what it wrote. */
export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Wrangler as a deploy uses it. Everything throws a `DeployError` where wrangler cannot be run or is interrupted. */
export type Wrangler = {
  /** Runs a command, however it ends; prints nothing. */
  run(args: readonly string[]): Promise<Ran>;
  /** Runs a step that must succeed, and prints its output, where `quiet` only after a failure. Throws a `DeployError`. */
  must(step: string, args: readonly string[], options?: { quiet?: boolean }): Promise<Ran>;
  /** Runs a step that must succeed and answers in JSON. Throws a `DeployError`. */
  ask<T>(step: string, args: readonly string[], schema: z.ZodType<T>): Promise<T>;
  /** The JSON that a run answered. Throws a `DeployError` after a failure, and for anything but what `schema` says. */
  read<T>(step: string, ran: Ran, schema: z.ZodType<T>): T;
};

/** Runs the wrangler that is first in PATH; `signal` ends it. */
export function createWrangler(signal: AbortSignal): Wrangler {
  const run = (args: readonly string[]): Promise<Ran> => runWrangler(args, signal);
  const read = <T>(step: string, ran: Ran, schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(jsonOf(mustHaveWorked(step, ran).stdout));
    if (parsed.success) return parsed.data;
    throw stopped(step, `wrangler's answer was not understood: ${ran.stdout.trim()}`);
  };
  return {
    run,
    read,
    async must(step, args, { quiet = false } = {}) {
      const ran = mustHaveWorked(step, await run(args));
      if (!quiet) process.stdout.write(ran.stdout + ran.stderr);
      return ran;
    },
    ask: async (step, args, schema) => read(step, await run(args), schema),
  };
}

async function runWrangler(args: readonly string[], signal: AbortSignal): Promise<Ran> {
  if (signal.aborted) throw new DeployError("Interrupted.");
  const child = spawn("wrangler", args, {
    cwd: ROOT,
    stdio: ["inherit", "pipe", "pipe"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
    signal,
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  try {
    const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
    if (signal.aborted) throw new DeployError("Interrupted.");
    return { code, stdout, stderr };
  } catch (error) {
    if (signal.aborted) throw new DeployError("Interrupted.");
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new DeployError("wrangler is not in PATH. Run `npm ci`, and then this by `npm run deploy`.");
    throw error;
  }
}

function mustHaveWorked(step: string, ran: Ran): Ran {
  if (ran.code === 0) return ran;
  throw stopped(step, (ran.stdout + ran.stderr).trim());
}

const stopped = (step: string, why: string): DeployError =>
  new DeployError(
    `${why}\n\nDeploying stopped at: ${step}. Nothing after it was done; mend this and run it again.`,
  );

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}
