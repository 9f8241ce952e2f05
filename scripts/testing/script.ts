import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { ROOT } from "../platform/bundle.ts";

/** A script that runs in a process of its own. */
export type Script = {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Its first line of output. Rejects where it ends without one. */
  readonly firstLine: Promise<string>;
  /** Its exit code, null after a signal, and all of its output, once it has ended. */
  readonly ended: Promise<{ code: number | null; output: string }>;
};

/** Runs the text of an ES module by this Node; in a shell, which waits for it, where `inShell` is set. */
export function runScript(
  source: string,
  { env = {}, inShell = false }: { env?: NodeJS.ProcessEnv; inShell?: boolean } = {},
): Script {
  const command = [process.execPath, "--input-type=module", "-e", source] as const;
  // Without something behind it the shell would become the script.
  const [program, ...args] = inShell ? (["sh", "-c", '"$@"; exit $?', "sh", ...command] as const) : command;
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => resolve(String(data).split("\n")[0] ?? ""));
    child.once("close", () => reject(new Error("The script ended without a word.")));
  });
  // Not every test waits for it.
  firstLine.catch(() => undefined);
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(([code, out, error]) => ({
    code,
    output: out + error,
  }));
  return { child, firstLine, ended };
}
