import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runScript } from "../testing/script.ts";

const SCRIPT = `
  import { stopSignal } from ${JSON.stringify(join(import.meta.dirname, "stop-signal.ts"))};
  const signal = stopSignal();
  const going = setInterval(() => undefined, 60_000);
  signal.addEventListener("abort", () => {
    console.log("stopped");
    clearInterval(going);
  });
  console.log("going");`;

describe("the stop signal", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("comes with %s", async (name) => {
    const { child, firstLine, ended } = runScript(SCRIPT);
    await firstLine;
    child.kill(name);
    expect(await ended).toEqual({ code: 0, output: "going\nstopped\n" });
  });

  it("comes when the shell that npm runs us in has ended without a word", async () => {
    const { child, firstLine, ended } = runScript(SCRIPT, {
      inShell: true,
      env: { npm_lifecycle_event: "start" },
    });
    await firstLine;
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: null, output: "going\nstopped\n" });
  });
});
