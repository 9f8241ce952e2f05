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

const WORKER = "eco-base";
const PEPPER = "the pepper of a bench, worth nothing";

/**
 * Serves the gateway on plain workerd, with D1, KV and its Durable Object on local storage and one key in D1.
 *
 * The platform is started once as `npm start` starts it, the key is made, and it is stopped. Of the configuration that
 * Miniflare wrote for workerd meanwhile, what a request meets in production is kept, and workerd serves that by itself.
 */
export async function startGateway(
  children: Children,
  folder: string,
  enginePort: number,
  name: GatewayName,
): Promise<Candidate> {
  const own = join(folder, name);
  await mkdir(own);
  const { config, secret } = await configure(own, {
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
  return { name, pid, port, headers: { authorization: `Bearer ${secret}` } };
}

/** The configuration that Miniflare gives to workerd, and the secret of a key that is in its D1. */
async function configure(
  folder: string,
  variables: Readonly<Record<string, string>>,
): Promise<{ config: WorkerdConfig; secret: string }> {
  const file = join(folder, "config.json");
  process.env.MINIFLARE_WORKERD_CONFIG_DEBUG = file;
  const platform = await servePlatform({ port: 0, stateDir: join(folder, "state"), variables }).finally(
    () => delete process.env.MINIFLARE_WORKERD_CONFIG_DEBUG,
  );
  try {
    const nowMs = Date.now();
    const workspaceId = await createWorkspace(platform.database, "bench", nowMs);
    const secret = await createKey(platform.database, PEPPER, {
      workspaceId,
      name: "bench",
      role: "developer",
      nowMs,
    });
    return { config: JSON.parse(await readFile(file, "utf8")) as WorkerdConfig, secret };
  } finally {
    await platform.stop();
  }
}
