import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openRequestLog } from "./request-log.ts";

const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, "utf8") : undefined;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eco-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the log of requests", () => {
  it("has a line for each, for the user alone", async () => {
    const log = openRequestLog(folder, () => undefined);
    log.write("one");
    log.write("two");
    await vi.waitUntil(() => textOf(log.path) === "one\ntwo\n");
    expect(statSync(log.path).mode & 0o777).toBe(0o600);
  });

  it("starts anew beside one that has grown over 10 MB", async () => {
    const path = join(folder, "requests.jsonl");
    writeFileSync(path, "");
    truncateSync(path, 10 * 1024 * 1024 + 1);
    openRequestLog(folder, () => undefined);
    await vi.waitUntil(() => textOf(path) === "");
    expect(statSync(`${path}.old`).size).toBeGreaterThan(10 * 1024 * 1024);
  });

  it("tells once, in a line, that it cannot be written, and bears what comes later", async () => {
    mkdirSync(join(folder, "requests.jsonl"));
    const lines: string[] = [];
    const warned = new Promise<void>((resolve) => {
      const log = openRequestLog(folder, (line) => {
        lines.push(line);
        log.write("late");
        setImmediate(resolve);
      });
      log.write("early");
    });
    await warned;
    expect(lines).toEqual([expect.stringMatching(/^Requests are no longer logged: EISDIR[^\n]*$/)]);
  });
});
