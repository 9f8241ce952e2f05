import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import type { ZipContent } from "../testing/zip.ts";
import { zipOf } from "../testing/zip.ts";
import { openZipEntry, zipEntries } from "./zip.ts";

const folder = temporaryFolder();
const CONTENT: ZipContent = {
  "package/big.bin": { bytes: Buffer.alloc(300_000, "abcdefg") },
  "package/stored.txt": { bytes: Buffer.from("as it is"), stored: true },
  "package/empty.txt": { bytes: new Uint8Array(), stored: true },
  "package/é.txt": { bytes: Buffer.from("accented") },
};

async function archive(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function unpack(path: string, name: string): Promise<Buffer> {
  const entry = (await zipEntries(path)).find((each) => each.name === name);
  if (!entry) throw new Error(`no entry ${name}`);
  return buffer(await openZipEntry(path, entry));
}

describe("zip", () => {
  it("unpacks every entry, deflated or stored", async () => {
    const path = await archive("whole.zip", zipOf(CONTENT));
    expect((await zipEntries(path)).map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual(
      Object.entries(CONTENT).map(([name, { bytes }]) => [name, bytes.length]),
    );
    for (const [name, { bytes }] of Object.entries(CONTENT))
      expect((await unpack(path, name)).equals(bytes)).toBe(true);
  });

  it("finds its way round a comment at the end", async () => {
    const path = await archive("comment.zip", zipOf(CONTENT, "a comment"));
    expect((await unpack(path, "package/stored.txt")).toString()).toBe("as it is");
  });

  it.each<[string, Buffer, RegExp]>([
    ["something else", Buffer.from("this is no archive"), /not a zip archive/],
    ["nothing", Buffer.alloc(0), /not a zip archive/],
    ["an archive that is cut short", zipOf(CONTENT).subarray(0, 400), /not a zip archive/],
    ["an archive whose beginning is missing", zipOf(CONTENT).subarray(600), /damaged/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(zipEntries(await archive("bad.zip", bytes))).rejects.toThrow(message);
  });

  it("fails on packed bytes that are damaged", async () => {
    const bytes = zipOf(CONTENT);
    bytes.fill(0xff, 60, 120);
    await expect(unpack(await archive("damaged.zip", bytes), "package/big.bin")).rejects.toThrow();
  });
});
