import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";
import { temporaryFolder } from "./testing/folder.ts";

const folder = temporaryFolder();
const fresh = async () => join(await mkdtemp(join(folder, "log-")), "engine.log");

async function write(path: string, pieces: readonly string[], sizeBytesMax?: number): Promise<string> {
  const log = openLogFile(path, { sizeBytesMax });
  for (const piece of pieces) log.write(piece);
  await finished(log.end());
  return readFile(path, "utf8");
}

describe("log file", () => {
  it("cuts long lines, and says that it did", async () => {
    const text = await write(await fresh(), [`${"x".repeat(3_000_000)}\nshort\n`]);
    expect(text).toBe(`${"x".repeat(500)}…\nshort\n`);
  });

  it("cuts the same however the pieces fall", async () => {
    const lines = fc.array(fc.string({ minLength: 480, maxLength: 520, unit: "grapheme-ascii" }));
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 700 }), async (all, sizeChars) => {
        const text = `${all.join("\n")}\n`;
        const pieces = text.match(new RegExp(`[^]{1,${sizeChars}}`, "g")) ?? [];
        expect(await write(await fresh(), pieces)).toBe(await write(await fresh(), [text]));
      }),
      { numRuns: 30 },
    );
  });

  it("is its owner's alone, also where it was there before", async () => {
    const path = await fresh();
    await writeFile(path, "old\n", { mode: 0o644 });
    expect(await write(path, ["new\n"])).toBe("old\nnew\n");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const other = await fresh();
    await write(other, ["new\n"]);
    expect((await stat(other)).mode & 0o777).toBe(0o600);
  });

  it("goes on in a new file when it is large, and keeps the one before", async () => {
    const path = await fresh();
    const text = await write(path, ["first line\n", "second\n", "third\n"], 10);
    expect([await readFile(`${path}.old`, "utf8"), text]).toEqual(["first line\n", "second\nthird\n"]);
  });
});
