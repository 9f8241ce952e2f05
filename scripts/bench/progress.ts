import type { WriteStream } from "node:tty";
import type { CandidateName } from "./candidates/candidate.ts";
import type { Options } from "./options.ts";
import type { Progress } from "./run-bench.ts";

/** Progress on a terminal: one line that changes; elsewhere a line for each measurement. */
export function createProgress(
  out: Pick<WriteStream, "write" | "isTTY">,
  options: Options,
): Progress & { readonly missing: ReadonlySet<CandidateName>; readonly failures: number; clear(): void } {
  const missing = new Set<CandidateName>();
  const total = options.rounds * options.workloads.length * options.candidates.length;
  let done = 0;
  let failures = 0;
  const passing = (text: string) => out.write(out.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  const lasting = (text: string) => out.write(out.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`);
  return {
    missing,
    get failures() {
      return failures;
    },
    clear: () => void (out.isTTY && out.write("\r\u001b[K")),
    starting: (name) => passing(`starting ${name}`),
    warming: (name) => passing(`warming up ${name}`),
    leftOut(name, reason) {
      missing.add(name);
      lasting(`${name} is left out (${reason})`);
    },
    measuring(round, workload, name) {
      if (out.isTTY) passing(`${done + 1}/${total}  round ${round + 1}, ${workload}, ${name}`);
    },
    measured(round, workload, name, { failures: failed, cores }) {
      done += 1;
      failures += failed;
      if (failed > 0) lasting(`round ${round + 1}, ${workload}, ${name}: ${failed} failed`);
      else if (!out.isTTY)
        lasting(
          `${done}/${total}  round ${round + 1}, ${workload}, ${name}; cores: ${cores.candidate.toFixed(2)}, others ${cores.others.toFixed(2)}`,
        );
    },
  };
}
