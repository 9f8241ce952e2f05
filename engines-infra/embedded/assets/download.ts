/** Fetches a file over HTTP into `<path>.part`, and goes on where an earlier attempt stopped. */
import { mkdir, open, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Progress } from "../progress/progress.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problem, problemOf } from "./problem.ts";
import { partOf } from "./store.ts";

export type DownloadOptions = {
  progress: Progress;
  signal: AbortSignal;
  fetch?: typeof fetch;
  /** Attempts that bring no further byte before we give up. */
  fruitlessMax?: number;
  retryMs?: number;
};

/**
 * Resuming is blind: the caller's hash of the whole tells whether the halves belong together. `sizeBytes` is what the
 * file will have.
 */
export async function download(
  url: string,
  path: string,
  sizeBytes: number,
  options: DownloadOptions,
): Promise<Obtained<void>> {
  const { signal, progress, fruitlessMax = 3, retryMs = 1000 } = options;
  const host = new URL(url).host;
  await mkdir(dirname(path), { recursive: true });
  let haveBytes = await sizeOf(partOf(path));
  progress.advance(haveBytes);
  for (let fruitless = 0; haveBytes < sizeBytes;) {
    const attempt = await fetchRest(url, path, haveBytes, options);
    const nowBytes = await sizeOf(partOf(path));
    if (attempt === "restart") {
      progress.advance(-haveBytes);
      haveBytes = 0;
      continue;
    }
    if (attempt !== undefined && !attempt.ok) {
      if (
        attempt.problem.kind === "aborted" ||
        attempt.problem.kind === "disk_full" ||
        attempt.problem.kind === "read_only"
      ) {
        return attempt;
      }
      fruitless = nowBytes > haveBytes ? 1 : fruitless + 1;
      if (fruitless >= fruitlessMax || nowBytes === 0 || attempt.problem.kind === "not_available")
        return attempt;
      await wait(retryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return ABORTED;
    }
    haveBytes = nowBytes;
    if (attempt?.ok && haveBytes < sizeBytes)
      return problem("failed", `${host} sent only ${haveBytes} of ${sizeBytes} bytes`);
  }
  return haveBytes === sizeBytes
    ? obtained(undefined)
    : problem("checksum", `${host} sent ${haveBytes} bytes instead of ${sizeBytes}`);
}

/** One request for what is missing. `restart`: the server sends the whole file only, and the part has been emptied. */
async function fetchRest(
  url: string,
  path: string,
  fromBytes: number,
  { progress, signal, fetch: doFetch = fetch }: DownloadOptions,
): Promise<Obtained<void> | "restart"> {
  const host = new URL(url).host;
  try {
    const response = await doFetch(url, {
      headers: fromBytes > 0 ? { range: `bytes=${fromBytes}-` } : {},
      signal,
    });
    const resumes = response.status === 206;
    if (fromBytes > 0 && (response.status === 416 || response.status === 200)) {
      await response.body?.cancel();
      await truncate(partOf(path));
      return "restart";
    }
    if (!response.ok || !response.body)
      return problem("not_available", `${host} answered ${response.status} for ${url}`);
    // Written piece by piece and not through a pipeline: when the connection breaks, what has come stays.
    const file = await open(partOf(path), resumes ? "a" : "w");
    try {
      for await (const chunk of response.body) {
        await file.writeFile(chunk);
        progress.advance(chunk.length);
      }
    } finally {
      await file.close();
    }
    return obtained(undefined);
  } catch (error) {
    return problemOf(error, `download from ${host}`);
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
