import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBare } from "./candidates/bare.ts";
import type { Candidate, CandidateName } from "./candidates/candidate.ts";
import { startGateway } from "./candidates/gateway.ts";
import { Children, messageOf } from "./children.ts";
import type { EngineStats } from "./engine/server.ts";
import { GRACE_MS, type Load, type LoadReport } from "./loader/load.ts";

/** All the processes of a bench, and the folder that they use. */
export type Lab = {
  readonly enginePid: number;
  readonly loaderPid: number;
  engineStats(): Promise<EngineStats>;
  run(load: Load): Promise<LoadReport>;
  /** `keysMax`: the most keys that a gateway will be asked for, each of which is used once. */
  start(name: CandidateName, keysMax?: number): Promise<Candidate>;
  /** Ends every process that was started. May be called at any time, and more than once. */
  close(): Promise<void>;
};

const program = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Starts an engine and a loader; candidates are started one by one. */
export async function openLab(): Promise<Lab> {
  const children = new Children();
  const folder = await mkdtemp(join(tmpdir(), "eco-bench-"));
  // At the very end: a start that is interrupted goes on making files for a moment.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const node = (path: string) =>
    children.start(process.execPath, [program(path)], ["ignore", "ignore", "inherit", "ipc"]);
  const engine = node("./engine/main.ts");
  const loader = node("./loader/main.ts");
  const [{ port }] = await Promise.all([messageOf<{ port: number }>(engine), messageOf(loader)]);
  const enginePid = engine.pid ?? 0;
  return {
    enginePid,
    loaderPid: loader.pid ?? 0,
    engineStats() {
      engine.send("stats");
      return messageOf(engine);
    },
    run(load) {
      loader.send(load);
      return messageOf(loader, load.durationMs + GRACE_MS + 10_000);
    },
    async start(name, keysMax = 0) {
      if (name === "direct") return { name, port, pid: enginePid, headers: {}, unused: [] };
      if (name === "bare") return startBare(children, folder, port);
      return startGateway(children, folder, { enginePort: port, name, keysMax });
    },
    close: () => children.stop(),
  };
}
