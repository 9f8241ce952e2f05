/** One process at a time: two starts at once must not write the same download. The lock is a file that holds a process id. */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const LOOK_EVERY_MS = 300;
/** A lock is written a moment after it is made. One that is still empty then was left by a full disk or a crash. */
const UNREADABLE_MS_MAX = 1000;

/** Locks that this process holds or tries to take, one at a time: our own id in any other is an earlier process's. */
const held = new Set<string>();

/**
 * Runs `work` while holding the lock; waits for its turn and calls `onWait` once when it has to, with words for whom it
 * waits for. Rejects where the lock cannot be written, and when `signal` fires while it waits.
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let waited = false;
  while (!(await tryTake(path))) {
    if (!waited) onWait(await holderOf(path));
    waited = true;
    await wait(LOOK_EVERY_MS, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
    held.delete(path);
  }
}

async function tryTake(path: string): Promise<boolean> {
  if (held.has(path)) return false;
  held.add(path);
  let taken = false;
  try {
    taken = await write(path);
    if (!taken && (await isStale(path))) await rm(path, { force: true });
  } finally {
    if (!taken) held.delete(path);
  }
  return taken;
}

/** False where there is a lock already. */
async function write(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Whether its holder has died without giving it back. */
async function isStale(path: string): Promise<boolean> {
  const pid = await pidIn(path);
  if (pid === undefined) {
    const madeMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
    return Date.now() - madeMs > UNREADABLE_MS_MAX;
  }
  return pid === process.pid || !isAlive(pid);
}

async function pidIn(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(path, "utf8").catch(() => ""));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** Another program may have got a dead holder's id, so a person is told which file to remove. */
async function holderOf(path: string): Promise<string> {
  const pid = held.has(path) ? process.pid : await pidIn(path);
  const holder = pid === undefined ? "another process" : `process ${pid}`;
  return `${holder} (if it is no start of this platform, remove ${path})`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
