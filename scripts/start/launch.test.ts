import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Script, runScript } from "../testing/script.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eco-launch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Launches what the body of `bringUp`, given its context as `launch`, brings up. */
const launched = (bringUp: string, env: NodeJS.ProcessEnv = {}): Script =>
  runScript(
    `import { StartError, launch } from ${JSON.stringify(join(import.meta.dirname, "launch.ts"))};
     const never = new Promise(() => setInterval(() => undefined, 60_000));
     await launch(async (launch) => { ${bringUp} });`,
    { env: { ECO_STATE: folder, ECO_PORT: "0", ...env } },
  );

describe("a launch", () => {
  it("gives a free port, and secrets", async () => {
    const { ended } = launched(
      `console.log(launch.settings.port > 0, launch.secrets.KEY_PEPPER.length); return { ended: Promise.resolve(3) };`,
    );
    expect(await ended).toEqual({ code: 3, output: "true 64\n" });
  });

  it("stops what it started, and gives the state folder back", async () => {
    const { child, firstLine, ended } = launched(
      `launch.onStop(async () => console.log("stopped")); console.log("up"); return { ended: never };`,
    );
    await firstLine;
    expect(existsSync(join(folder, "lock"))).toBe(true);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, output: "up\nstopped\n" });
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });

  it.each([
    [
      "comes back at once",
      `launch.signal.addEventListener("abort", () => back()); console.log("loading");
      let back; await new Promise((resolve) => { back = resolve; setInterval(() => undefined, 60_000); });
      launch.signal.throwIfAborted();`,
    ],
    ["does not come back", `console.log("loading"); await never;`],
  ])("is stopped in the middle of a bring-up that %s", async (_, bringUp) => {
    const { child, firstLine, ended } = launched(`${bringUp} console.log("ready"); return { ended: never };`);
    await firstLine;
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, output: "loading\n" });
  });

  it.each([
    ["a bring-up", `throw new StartError("No engine is to be had.")`],
    ["what it brought up", `return { ended: Promise.reject(new StartError("No engine is to be had.")) }`],
  ])("tells in one line what was wrong with %s", async (_, bringUp) => {
    expect(await launched(bringUp).ended).toEqual({ code: 1, output: "No engine is to be had.\n" });
  });

  it("tells in one line what is wrong with a setting", async () => {
    const { code, output } = await launched("", { ECO_PORT: "10080" }).ended;
    expect(code).toBe(2);
    expect(output).toMatch(/^ECO_PORT: [^\n]+\n$/);
  });
});
