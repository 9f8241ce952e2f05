import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import type { EngineAdapter, EngineHealth, EngineModel } from "../../shared/engines/engine.ts";
import { engines as adapters } from "../../shared/engines/engines.ts";
import type { FleetEngine } from "../../shared/models/resolve.ts";

/** An engine that requests can be sent to, and what was last known of it. */
export type Endpoint = FleetEngine & {
  readonly config: EngineConfig;
  readonly adapter: EngineAdapter;
  readonly baseUrl: string;
  /** Sent with every request to it: its own credentials, never the caller's. */
  readonly headers: Readonly<Record<string, string>>;
  reachable: boolean;
  health: EngineHealth;
  models: readonly EngineModel[];
};

/** The engines of this deployment. */
export type Fleet = {
  /** What is known, at once; on a cold start it asks first. `defer` carries a refresh past the answer. */
  list(defer: (work: Promise<unknown>) => void): Promise<readonly Endpoint[]>;
  /** Asks every engine now. */
  refresh(): Promise<readonly Endpoint[]>;
  /** Milliseconds since the engines were asked. */
  ageMs(): number;
};

/** Age at which the list is asked for again, behind the request that found it old. */
const FRESH_MS = 5_000;
/** An engine that does not tell its state within this time counts as down until asked again. */
const PROBE_TIMEOUT_MS = 3_000;

type Dependencies = {
  readonly secrets: Readonly<Record<string, unknown>>;
  readonly fetch: typeof fetch;
  readonly now: () => number;
};

function createEndpoint(config: EngineConfig, secrets: Dependencies["secrets"]): Endpoint {
  const adapter = adapters[config.kind];
  const secret = (name: string): string => String(secrets[name] ?? "");
  const key = config.apiKey ?? (config.apiKeySecret ? secret(config.apiKeySecret) : undefined);
  return {
    id: config.id,
    kind: config.kind,
    config,
    adapter,
    baseUrl: adapter.trimBaseUrl(config.baseUrl),
    headers: {
      "content-type": "application/json",
      ...(key && { authorization: `Bearer ${key}` }),
      ...(config.access && {
        "cf-access-client-id": secret(config.access.clientIdSecret),
        "cf-access-client-secret": secret(config.access.clientSecretSecret),
      }),
    },
    reachable: false,
    health: "down",
    models: (config.models ?? []).map((name) => ({ names: [name] })),
  };
}

/** An error is no list of models: what an engine once served stays known. */
async function listOf(get: (path: string) => Promise<Response>, path: string): Promise<string> {
  const answer = await get(path);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} for ${path}`);
  return text;
}

/** Asks one engine how it is and what it serves. What it once served stays known while it is away. */
async function probe(endpoint: Endpoint, { fetch }: Dependencies): Promise<void> {
  const { adapter, baseUrl, headers, config } = endpoint;
  const get = (path: string) =>
    fetch(baseUrl + path, { headers, redirect: "manual", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  try {
    const answer = await get(adapter.health.path);
    const text = await answer.text();
    endpoint.health = adapter.health.read(answer.status, text);
    endpoint.reachable = endpoint.health === "ready";
    if (!endpoint.reachable) return;
    const list = adapter.models.path === adapter.health.path ? text : await listOf(get, adapter.models.path);
    const models = adapter.models.read(JSON.parse(list));
    const allowed = config.models;
    endpoint.models = allowed
      ? allowed.map((name) => models.find((model) => model.names.includes(name)) ?? { names: [name] })
      : models;
  } catch {
    endpoint.health = "down";
    endpoint.reachable = false;
  }
}

/** A fleet from its configuration; each engine's models are asked of it, and asked again in the background. */
export function createFleet(configs: readonly EngineConfig[], dependencies: Dependencies): Fleet {
  const endpoints = configs.map((config) => createEndpoint(config, dependencies.secrets));
  let askedAtMs = -Infinity;
  let known = configs.length === 0;
  const refresh = async () => {
    askedAtMs = dependencies.now();
    await Promise.all(endpoints.map((endpoint) => probe(endpoint, dependencies)));
    known = true;
    return endpoints;
  };
  return {
    refresh,
    ageMs: () => dependencies.now() - askedAtMs,
    async list(defer) {
      if (!known) return refresh();
      // No promise is shared between requests (the runtime forbids it); a mark in time keeps the askers apart.
      if (dependencies.now() - askedAtMs > FRESH_MS) defer(refresh());
      return endpoints;
    },
  };
}
