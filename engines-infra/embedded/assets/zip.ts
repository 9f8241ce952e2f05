/**
 * Takes single files out of a zip archive (a Python wheel is one) without unpacking the rest or holding them in memory.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;
const DIRECTORY_BYTES_MAX = 64 * 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

export type ZipEntry = {
  name: string;
  method: number;
  packedBytes: number;
  sizeBytes: number;
  headerAt: number;
};

/** The table of contents. Throws where the file is not a zip archive, is cut short, or is of the 64-bit kind. */
export async function zipEntries(path: string): Promise<ZipEntry[]> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const tail = await readAt(
      file,
      Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX),
      Math.min(size, END_BYTES + COMMENT_BYTES_MAX),
    );
    const endAt = lastIndexOf(tail, END_SIGNATURE);
    if (endAt < 0) throw new Error("not a zip archive, or cut short");
    const count = tail.readUInt16LE(endAt + 10);
    const directoryBytes = tail.readUInt32LE(endAt + 12);
    const directoryAt = tail.readUInt32LE(endAt + 16);
    if (count === 0xffff || directoryAt === 0xffffffff)
      throw new Error("64-bit zip archives are not supported");
    if (directoryBytes > DIRECTORY_BYTES_MAX || directoryAt + directoryBytes > size)
      throw new Error("a damaged zip archive");
    return parseDirectory(await readAt(file, directoryAt, directoryBytes), count);
  } finally {
    await file.close();
  }
}

function parseDirectory(directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE)
      throw new Error("a damaged zip archive");
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString("utf8", at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      headerAt: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** The unpacked bytes of one entry. The stream fails where the archive is damaged. */
export async function openZipEntry(path: string, entry: ZipEntry): Promise<Readable> {
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new Error(`zip method ${entry.method} is not supported`);
  const file = await open(path, "r");
  let dataAt: number;
  try {
    const header = await readAt(file, entry.headerAt, 30);
    if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new Error("a damaged zip archive");
    // The local header has name and extra fields of its own, which need not be as long as those of the directory.
    dataAt = entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
  const unpacked = entry.method === DEFLATED ? createInflateRaw() : new PassThrough();
  if (entry.packedBytes === 0) return unpacked.end();
  const packed = createReadStream(path, { start: dataAt, end: dataAt + entry.packedBytes - 1 });
  packed.on("error", (error) => unpacked.destroy(error));
  unpacked.on("close", () => packed.destroy());
  return packed.pipe(unpacked);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error("a damaged zip archive");
  return buffer;
}

function lastIndexOf(buffer: Buffer, signature: number): number {
  for (let at = buffer.length - END_BYTES; at >= 0; at -= 1)
    if (buffer.readUInt32LE(at) === signature) return at;
  return -1;
}
