import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startEmbeddedEngine } from "./start.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { until } from "./testing/harness.ts";
import { isAlive } from "./testing/programs.ts";

const folder = temporaryFolder();
/** No runtime is installed here, so the process listens but cannot load a model: enough to see how it lives and dies. */
const assets = { installDir: folder, modelPath: join(folder, "My-Model.gguf"), isWiringOnly: false };

describe("engine process", () => {
  it("listens before its model is there, tells in one line that it cannot load it, and ends when it is told to", async () => {
    const logFile = join(folder, "logs", "engine.log");
    const engine = await startEmbeddedEngine(assets, { logFile });
    expect(engine.models).toEqual(["my-model"]);
    expect((await fetch(`${engine.url}/health`)).status).toBe(503);
    await expect(engine.ready).rejects.toThrow(/^the model cannot be loaded: .*$/);
    expect(await (await fetch(`${engine.url}/health`)).json()).toMatchObject({
      error: { type: "unavailable_error" },
    });
    await engine.stop();
    expect(await engine.exited).toBe(0);
    await until(
      async () => (await readFile(logFile, "utf8")).includes("cannot be loaded"),
      "the log is written",
    );
    expect(isAlive(engine.pid)).toBe(false);
  });

  it("gives up on a model that takes too long, and ends", async () => {
    const installDir = join(folder, "never-ready");
    const modules = join(installDir, "node_modules");
    const hangs =
      "export const getModuleVersion = async () => '0'; export const getLlama = () => new Promise(() => {});";
    for (const [name, source] of [
      ["node-llama-cpp", hangs],
      ["@huggingface/jinja", "export const Template = class {};"],
    ] as const) {
      await mkdir(join(modules, name), { recursive: true });
      await writeFile(join(modules, name, "package.json"), '{"type":"module","exports":"./index.js"}');
      await writeFile(join(modules, name, "index.js"), source);
    }
    const engine = await startEmbeddedEngine({ ...assets, installDir }, { readyMsMax: 10 });
    await expect(engine.ready).rejects.toThrow("the model is not loaded after 0.01 seconds");
    expect(await engine.exited).toBe(0);
  });

  it("ends with the signal that it was started with", async () => {
    const stop = new AbortController();
    const engine = await startEmbeddedEngine(assets, { signal: stop.signal });
    stop.abort();
    expect(await engine.exited).toBe(0);
  });

  it("says so where its port is taken", async () => {
    const first = await startEmbeddedEngine(assets);
    const port = Number(new URL(first.url).port);
    await expect(startEmbeddedEngine(assets, { port })).rejects.toThrow(/cannot listen.*EADDRINUSE/);
    await first.stop();
  });

  it("does not outlive the process that started it", async () => {
    const { fork } = await import("node:child_process");
    const script = join(folder, "parent.ts");
    const start = JSON.stringify(join(import.meta.dirname, "start.ts"));
    await writeFile(
      script,
      `import { startEmbeddedEngine } from ${start};
       const engine = await startEmbeddedEngine(${JSON.stringify(assets)});
       process.send?.(engine.pid);
       setInterval(() => {}, 1000);`,
    );
    const parent = fork(script, { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
    const pid = await new Promise<number>((resolve) =>
      parent.once("message", (message) => resolve(Number(message))),
    );
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid), "the engine has ended too");
  });
});
