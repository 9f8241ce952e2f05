import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { readFileSync } from "node:fs";
import { isAlive } from "../start/process.ts";
import { runScript } from "../testing/script.ts";
import { endWithUs } from "./guard.ts";

const GUARD = JSON.stringify(join(import.meta.dirname, "guard.ts"));
const CHILD = `[process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }]`;

/** Gone, or a body that nobody collects: in a container there may be no init that does. */
const isGone = (pid: number): boolean => {
  if (!isAlive(pid)) return true;
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return !isAlive(pid);
  }
};

describe("a child that ends with its parent", () => {
  it.each(["KILL", "TERM"])("gets SIG%s when the parent is killed", async (signal) => {
    const { child: parent, firstLine } = runScript(`
      import { spawn } from "node:child_process";
      import { endWithUs } from ${GUARD};
      const child = spawn(...${CHILD});
      endWithUs(child, "${signal}");
      child.once("spawn", () => console.log(child.pid));`);
    const pid = Number(await firstLine);
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await vi.waitUntil(() => isGone(pid));
  });

  it("is any workerd that Miniflare starts", async () => {
    const { child: parent, firstLine } = runScript(`
      import { Miniflare, convertV4MiniflareOptions } from "miniflare";
      import { subscribe } from "node:diagnostics_channel";
      import { endWorkerdWithUs } from ${GUARD};
      endWorkerdWithUs();
      const started = [];
      subscribe("child_process", ({ process }) => started.push(process));
      const miniflare = new Miniflare(convertV4MiniflareOptions({ script: "export default {}", modules: true }));
      await miniflare.ready;
      console.log(started.find(({ spawnfile }) => spawnfile.includes("workerd")).pid);`);
    const pid = Number(await firstLine);
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await vi.waitUntil(() => isGone(pid));
  });

  it("keeps no process alive once it has ended", async () => {
    const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
    endWithUs(child, "KILL");
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
