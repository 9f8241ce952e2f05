/** Shows how a folder grows: the only way to see how far a package manager is that does not say so. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress/progress.ts";

const LOOK_EVERY_MS = 400;

/** Runs `work` and reports the growth of `directory` meanwhile. */
export async function watchGrowth<T>(
  directory: string,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  let seenBytes = 0;
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const nowBytes = await sizeOf(directory);
    if (nowBytes > seenBytes) {
      progress.advance(nowBytes - seenBytes);
      seenBytes = nowBytes;
    }
    looking = false;
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Bytes of all files below a folder; what disappears while we look counts as nothing. */
export async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) => {
    if (!entry.isFile()) return 0;
    return stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    );
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
