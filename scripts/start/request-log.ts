import { createWriteStream, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const SIZE_BYTES_MAX = 10 * 1024 * 1024;

/** The log of requests: a line for each. */
export type RequestLog = { readonly path: string; write(line: string): void };

/**
 * Opens the log of a state folder; what is over 10 MB from earlier starts becomes `requests.jsonl.old`. A log that
 * cannot be written is told once, as one line, and nothing else ends with it.
 */
export function openRequestLog(stateDir: string, warn: (line: string) => void): RequestLog {
  const path = join(stateDir, "requests.jsonl");
  try {
    if (statSync(path).size > SIZE_BYTES_MAX) renameSync(path, `${path}.old`);
  } catch {
    // There is none yet.
  }
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  stream.on("error", (error) => warn(`Requests are no longer logged: ${error.message}.`));
  return {
    path,
    write(line) {
      if (!stream.destroyed) stream.write(`${line}\n`);
    },
  };
}
