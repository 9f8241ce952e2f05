import { randomBytes } from "node:crypto";
import {
  type SimulatedKind,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../engines-infra/simulator/index.ts";
import type { AdminEngine } from "../../shared/contracts/admin-engines.ts";
import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { createKey, createWorkspace } from "../platform/accounts.ts";
import { servePlatform } from "../platform/serve.ts";

/** An engine of the lab: a simulator, and how the platform is told of it. */
export type LabEngine = {
  readonly id: string;
  readonly kind: SimulatedKind;
  readonly sim: Omit<SimulatorOptions, "kind">;
  readonly config?: Partial<EngineConfig>;
};

/** The platform on loopback, in front of simulated engines. */
export type Lab = {
  readonly url: string;
  sim(id: string): Simulator;
  /** Sends a JSON body with a developer's key. */
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
  /** What operators see of an engine. */
  engine(id: string): Promise<AdminEngine>;
  stop(): Promise<void>;
};

/** Short rests, so that a scenario takes seconds; the rules are the deployment's own. */
const CONFIG: Partial<EngineConfig> = {
  probeIntervalMs: 400,
  circuit: { failuresToOpen: 3, openMs: 300, openMsMax: 1_000 },
};

/** Starts simulators and the platform, all in memory and on free ports. */
export async function openLab(engines: readonly LabEngine[]): Promise<Lab> {
  const pepper = randomBytes(24).toString("hex");
  const started = await Promise.all(
    engines.map(async ({ id, kind, sim, config }) => {
      const simulator = await startSimulator({ kind, name: id, ...sim });
      return { id, simulator, config: { id, kind, baseUrl: simulator.url, ...CONFIG, ...config } };
    }),
  );
  const sims = new Map(started.map(({ id, simulator }) => [id, simulator]));
  const platform = await servePlatform({
    port: 0,
    variables: {
      KEY_PEPPER: pepper,
      RETRY_BASE_MS: "20",
      ENGINES: JSON.stringify(started.map(({ config }) => config)),
    },
  });
  const { url, database } = platform;
  const nowMs = Date.now();
  const workspaceId = await createWorkspace(database, "chaos", nowMs);
  const [key, adminKey] = await Promise.all(
    (["developer", "admin"] as const).map((role) =>
      createKey(database, pepper, { workspaceId, name: role, role, nowMs }),
    ),
  );
  const bearer = (secret: string | undefined) => ({ authorization: `Bearer ${secret}` });
  return {
    url,
    sim(id) {
      const sim = sims.get(id);
      if (!sim) throw new Error(`There is no engine '${id}' in this lab`);
      return sim;
    },
    post: (path, body, signal) =>
      fetch(url + path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...bearer(key) },
        ...(signal && { signal }),
      }),
    engine: async (id) =>
      (await (
        await fetch(`${url}/admin/engines/${id}`, { headers: bearer(adminKey) })
      ).json()) as AdminEngine,
    async stop() {
      await platform.stop();
      await Promise.all(started.map(({ simulator }) => simulator.stop()));
    },
  };
}
