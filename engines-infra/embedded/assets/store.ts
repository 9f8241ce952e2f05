/**
 * Files that are either whole and verified or not there. A file is written as `<name>.part` and renamed when it is
 * complete; what it is, is recorded beside it (`<name>.json`), so that a warm start need not hash 98 MB again.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Progress } from "../progress/progress.ts";

/** What a finished file's record says. `recipe` names how it was made, where it was made and not fetched. */
export type FileRecord = { sizeBytes: number; sha256: string; recipe?: string };

export const partOf = (path: string): string => `${path}.part`;
const recordOf = (path: string): string => `${path}.json`;

/** What the file must be. Without a hash of its own a file is known by its record and the recipe in it. */
export type Expectation = { sha256?: string; sizeBytes?: number; recipe?: string };

/** Whether the file is there, whole and the right one. Reads all of it only where its record is missing. */
export async function isVerified(path: string, expected: Expectation): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined || (expected.sizeBytes !== undefined && size !== expected.sizeBytes)) return false;
  const record = await readRecord(path);
  if (record && record.sizeBytes === size && record.recipe === expected.recipe) {
    return expected.sha256 === undefined || record.sha256 === expected.sha256;
  }
  if (expected.sha256 === undefined || (await sha256Of(path)) !== expected.sha256) return false;
  await writeRecord(path, { sizeBytes: size, sha256: expected.sha256, recipe: expected.recipe });
  return true;
}

/** Gives a complete `.part` its name, and its record. */
export async function commit(path: string, record: FileRecord): Promise<void> {
  await writeRecord(path, record);
  await rename(partOf(path), path);
}

/** Removes the file with all that belongs to it. */
export async function discard(path: string): Promise<void> {
  await Promise.all([path, partOf(path), recordOf(path)].map((each) => rm(each, { force: true })));
}

/** Writes a stream to `<path>.part`, from its beginning; returns what was written. */
export async function writePart(
  path: string,
  source: Readable | AsyncIterable<Uint8Array>,
  options: { progress?: Progress; signal: AbortSignal },
): Promise<{ sizeBytes: number; sha256: string }> {
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      options.progress?.advance(chunk.length);
      done(null, chunk);
    },
  });
  await pipeline(source, meter, createWriteStream(partOf(path)), { signal: options.signal });
  return { sizeBytes, sha256: hash.digest("hex") };
}

export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function readRecord(path: string): Promise<FileRecord | undefined> {
  try {
    return JSON.parse(await readFile(recordOf(path), "utf8")) as FileRecord;
  } catch {
    return undefined;
  }
}

async function writeRecord(path: string, record: FileRecord): Promise<void> {
  await writeFile(recordOf(path), `${JSON.stringify(record)}\n`);
}
