import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runScript } from "../testing/script.ts";
import { takeLock } from "./lock.ts";
import { bornAt } from "./process.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eco-lock-"));
  file = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that is alive and not ours. */
const OTHER = process.ppid;
const goneProcess = (): number => spawnSync(process.execPath, ["--version"]).pid;

describe("the lock of a state folder", () => {
  it("is ours until it is released", () => {
    const lock = takeLock(folder);
    expect(lock.ok && readFileSync(file, "utf8")).toMatch(new RegExp(`^${process.pid} .`));
    expect(readdirSync(folder)).toEqual(["lock"]);
    if (lock.ok) lock.value.release();
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ["a process that runs", `${OTHER} ${bornAt(OTHER)}`],
    ["a process of which only the number is known", `${OTHER}`],
  ])("is refused while it belongs to %s", (_, held) => {
    writeFileSync(file, held);
    expect(takeLock(folder)).toMatchObject({
      ok: false,
      error: expect.stringContaining(`(process ${OTHER})`),
    });
    expect(readFileSync(file, "utf8")).toBe(held);
  });

  it.each([
    ["a process that is gone", () => `${goneProcess()} long ago`],
    ["a process whose number was given to another", () => `${OTHER} long ago`],
    ["a process of an earlier boot that had our number", () => `${process.pid} long ago`],
    ["nobody", () => ""],
  ])("is taken over from %s", (_, held) => {
    writeFileSync(file, held());
    expect(takeLock(folder).ok).toBe(true);
    expect(readFileSync(file, "utf8")).toMatch(new RegExp(`^${process.pid} `));
    expect(readdirSync(folder)).toEqual(["lock"]);
  });

  it("is not released once it is another's", () => {
    const lock = takeLock(folder);
    writeFileSync(file, `${OTHER}`);
    if (lock.ok) lock.value.release();
    expect(existsSync(file)).toBe(true);
  });

  it("goes to one of many starts that find a stale one", async () => {
    writeFileSync(file, `${goneProcess()} long ago`);
    const starts = Array.from({ length: 4 }, () =>
      runScript(`
        import { takeLock } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
        console.log(takeLock(${JSON.stringify(folder)}).ok);
        setInterval(() => undefined, 60_000);`),
    );
    const answers = await Promise.all(starts.map(({ firstLine }) => firstLine));
    for (const { child } of starts) child.kill();
    expect(answers.toSorted()).toEqual(["false", "false", "false", "true"]);
  });

  it("says in a line that its folder cannot be made", () => {
    writeFileSync(file, "");
    expect(takeLock(join(file, "inner"))).toMatchObject({
      ok: false,
      error: expect.stringMatching(/cannot be written \(E\w+\)\. Set ECO_STATE/),
    });
  });
});
