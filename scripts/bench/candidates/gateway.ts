import { serializeConfig } from "miniflare";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createKey, createWorkspace } from "../../platform/accounts.ts";
import { servePlatform } from "../../platform/serve.ts";
import type { Children } from "../children.ts";
import type { Candidate, CandidateName } from "./candidate.ts";
import { SOCKET, type WorkerdConfig, plainConfig } from "./plain-config.ts";
import { serveWorkerd } from "./workerd.ts";

/** The engine kind behind each form of the gateway. */
export const KIND_OF = {
  ours: "openai",
  "ours-exact": "vllm",
  "ours-translated": "ollama",
} as const satisfies Partial<Record<CandidateName, string>>;
export type GatewayName = keyof typeof KIND_OF;

/** Which form of the gateway is in front of the engine on this port, and how many keys will be used up. */
export type GatewayPlan = {
  readonly enginePort: number;
  readonly name: GatewayName;
  readonly keysMax: number;
};

const WORKER = "eco-base";
const PEPPER = "the pepper of a bench, worth nothing";

/**
 * Serves the gateway on plain workerd, with D1, KV and its Durable Objects on local storage and keys with limits in D1.
 *
 * The platform is started once as `npm start` starts it, the key is made, and it is stopped. Of the configuration that
 * Miniflare wrote for workerd meanwhile, what a request meets in production is kept, and workerd serves that by itself.
 */
export async function startGateway(
  children: Children,
  folder: string,
  { enginePort, name, keysMax }: GatewayPlan,
): Promise<Candidate> {
  const own = join(folder, name);
  await mkdir(own);
  const { config, secret, unused } = await configure(own, keysMax, {
    KEY_PEPPER: PEPPER,
    ENGINES: JSON.stringify([
      // More than any load here: what a request waits for a slot is the queue's to measure, not the relay's.
      { id: "bench", kind: KIND_OF[name], baseUrl: `http://127.0.0.1:${enginePort}`, concurrencyMax: 1024 },
    ]),
    LOG_REQUESTS: "true",
  });
  const file = join(own, "config.bin");
  await writeFile(file, serializeConfig(plainConfig(config, WORKER)));
  // The simulators of D1 and KV need `--experimental`.
  const { pid, port } = await serveWorkerd(children, ["--binary", "--experimental", file], SOCKET);
  return { name, pid, port, headers: { authorization: bearer(secret) }, unused: unused.map(bearer) };
}

const bearer = (secret: string): string => `Bearer ${secret}`;

/** Limits that nothing here comes up to: they are counted all the same. */
const LIMITS = { requestsPerMinute: 1e9, tokensPerMinute: 1e12, tokensPerDay: 1e14, concurrentRequests: 1e6 };

/** The configuration that Miniflare gives to workerd, and the secrets of keys that are in its D1: of one, and of so many. */
async function configure(
  folder: string,
  keysMax: number,
  variables: Readonly<Record<string, string>>,
): Promise<{ config: WorkerdConfig; secret: string; unused: string[] }> {
  const file = join(folder, "config.json");
  process.env.MINIFLARE_WORKERD_CONFIG_DEBUG = file;
  const platform = await servePlatform({ port: 0, stateDir: join(folder, "state"), variables }).finally(
    () => delete process.env.MINIFLARE_WORKERD_CONFIG_DEBUG,
  );
  try {
    const nowMs = Date.now();
    const workspaceId = await createWorkspace(platform.database, "bench", nowMs);
    const key = { workspaceId, name: "bench", role: "developer" as const, limits: LIMITS, nowMs };
    const secret = await createKey(platform.database, PEPPER, key);
    const unused: string[] = [];
    while (unused.length < keysMax) unused.push(await createKey(platform.database, PEPPER, key));
    return { config: JSON.parse(await readFile(file, "utf8")) as WorkerdConfig, secret, unused };
  } finally {
    await platform.stop();
  }
}
