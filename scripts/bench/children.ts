import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

const STOP_MS = 2_000;
const REPLY_MS = 60_000;

/** The processes that this one has started. Each is ended by its pid, whatever happens here. */
export class Children {
  readonly #alive = new Set<ChildProcess>();

  constructor() {
    process.on("exit", () => {
      for (const child of this.#alive) child.kill("SIGKILL");
    });
  }

  start(command: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
    const child = spawn(command, args, { stdio });
    this.#alive.add(child);
    child.on("exit", () => this.#alive.delete(child));
    child.on("error", () => this.#alive.delete(child));
    return child;
  }

  /** Ends all of them: politely, then surely. */
  async stop(): Promise<void> {
    const ending = [...this.#alive].map((child) => once(child, "exit"));
    for (const child of this.#alive) child.kill("SIGTERM");
    await Promise.race([Promise.all(ending), delay(STOP_MS, undefined, { ref: false })]);
    for (const child of this.#alive) child.kill("SIGKILL");
  }
}

/** The next message of a child of ours. It fails when the child ends instead, or is silent for too long. */
export async function messageOf<T>(child: ChildProcess, timeoutMs = REPLY_MS): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as T),
      once(child, "exit", { signal }).then(([code]) =>
        Promise.reject(new Error(`a process of the bench ended with ${String(code)}`)),
      ),
      delay(timeoutMs, undefined, { signal }).then(() =>
        Promise.reject(new Error(`a process of the bench said nothing for ${timeoutMs / 1000} s`)),
      ),
    ]);
  } finally {
    over.abort();
  }
}
