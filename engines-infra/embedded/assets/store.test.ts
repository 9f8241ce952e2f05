import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { commit, discard, isVerified, partOf, writePart } from "./store.ts";

const folder = temporaryFolder();
const path = join(folder, "model.gguf");
const CONTENT = Buffer.from("the content of a model");
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
const EXPECTED = { sha256: SHA256, sizeBytes: CONTENT.length };
const signal = new AbortController().signal;

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield CONTENT.subarray(0, 5);
  yield CONTENT.subarray(5);
}

beforeEach(async () => {
  await discard(path);
  await commit(path, await writePart(path, chunks(), { signal }));
});

describe("store", () => {
  it("keeps a file only under its own name once it is whole", async () => {
    expect(await isVerified(path, EXPECTED)).toBe(true);
    expect(existsSync(partOf(path))).toBe(false);
    expect(await readFile(path)).toEqual(CONTENT);
  });

  it.each<[string, () => Promise<void>]>([
    ["is missing", () => rm(path)],
    ["has another size", () => writeFile(path, "short")],
    [
      "has another content and no record",
      async () => {
        await writeFile(path, CONTENT.toString("latin1").toUpperCase());
        await rm(`${path}.json`);
      },
    ],
  ])("does not accept a file that %s", async (_, spoil) => {
    await spoil();
    expect(await isVerified(path, EXPECTED)).toBe(false);
  });

  it("writes the record again where only that is missing", async () => {
    await rm(`${path}.json`);
    expect(await isVerified(path, EXPECTED)).toBe(true);
    expect(JSON.parse(await readFile(`${path}.json`, "utf8"))).toMatchObject({ sha256: SHA256 });
  });

  it("believes the record, so that a warm start reads no large file", async () => {
    await writeFile(path, CONTENT.toString("latin1").toUpperCase());
    expect(await isVerified(path, EXPECTED)).toBe(true);
  });

  it("makes a file anew whose recipe has changed", async () => {
    await commit(path, { ...(await writePart(path, chunks(), { signal })), recipe: "v1" });
    expect(await isVerified(path, { recipe: "v1" })).toBe(true);
    expect(await isVerified(path, { recipe: "v2" })).toBe(false);
    await rm(`${path}.json`);
    expect(await isVerified(path, { recipe: "v1" })).toBe(false);
  });

  it("leaves the finished file alone when writing it again is aborted", async () => {
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield Buffer.alloc(1000);
        stop.abort();
      }
    }
    await expect(writePart(path, endless(), { signal: stop.signal })).rejects.toThrow();
    expect(await readFile(path)).toEqual(CONTENT);
  });
});
