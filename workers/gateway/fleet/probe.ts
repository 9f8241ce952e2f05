import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineHealth, EngineLoad, EngineModel } from "../../../shared/engines/engine.ts";
import { isCalled } from "../../../shared/models/resolve.ts";
import type { Address } from "./endpoint.ts";
import { timed } from "./timed.ts";

/** An engine that does not tell its state within this time counts as down until asked again. */
const PROBE_TIMEOUT_MS = 3_000;

/** What an engine says of itself. */
export type Probed = {
  readonly health: EngineHealth;
  /** Absent where it did not say: what it once served stays known. */
  readonly models?: readonly EngineModel[];
  readonly load: EngineLoad;
  /** Why it is not ready, for operators. */
  readonly reason?: string;
  /** It did not answer in time: it may be gone, or only busy. */
  readonly late?: true;
};

type Get = (path: string) => Promise<{ readonly status: number; readonly text: string }>;

/** Asks one engine how it is, what it serves and how busy it is. It never throws: whatever fails is part of the answer. */
export async function probe(
  address: Address,
  config: EngineConfig,
  fetch: typeof globalThis.fetch,
): Promise<Probed> {
  const { adapter, baseUrl } = address;
  const timeoutMs = config.connectTimeoutMs ?? PROBE_TIMEOUT_MS;
  const getUrl = (url: string, headers: Address["headers"]) =>
    timed(timeoutMs, async (signal) => {
      const answer = await fetch(url, { headers, redirect: "manual", signal });
      return { status: answer.status, text: await answer.text() };
    });
  const get: Get = (path) => getUrl(baseUrl + path, address.headers);
  try {
    const said = await get(adapter.health.path);
    const health = adapter.health.read(said.status, said.text);
    if (health !== "ready")
      return { health, load: {}, reason: `answered ${said.status} for ${adapter.health.path}` };
    const { metricsUrl } = config;
    // It may be of another host, which our key is no business of.
    const getLoad: Get = metricsUrl === undefined ? get : () => getUrl(metricsUrl, {});
    const load = () => loadOf(getLoad, adapter.load);
    const { path, listsNone } = adapter.models;
    if (listsNone) return { health, models: modelsOf([], config), load: await load() };
    const list = path === adapter.health.path ? said : await get(path);
    // An error is no list of models.
    if (list.status !== 200)
      return { health: "down", load: {}, reason: `answered ${list.status} for ${path}` };
    const served = adapter.models.read(JSON.parse(list.text));
    return { health, models: modelsOf(await withDetails(get, adapter, served), config), load: await load() };
  } catch (error) {
    if (error instanceof SyntaxError)
      return { health: "down", load: {}, reason: `answered no list of models for ${adapter.models.path}` };
    const late = error instanceof Error && error.name === "TimeoutError";
    return late
      ? { health: "down", load: {}, reason: `said nothing within ${timeoutMs / 1000} s`, late }
      : { health: "down", load: {}, reason: "could not be reached" };
  }
}

/** The models with what else the engine tells of them. It may not say, or not to us: that is no fault of its. */
async function withDetails(
  get: Get,
  { models: { details } }: Address["adapter"],
  served: readonly EngineModel[],
): Promise<readonly EngineModel[]> {
  const [only] = served;
  if (!details || !only || served.length > 1) return served;
  try {
    const { status, text } = await get(details.path);
    return status === 200 ? [{ ...only, ...details.read(JSON.parse(text)) }] : served;
  } catch {
    return served;
  }
}

/** What it serves: all of it, or what its operator named; with the context that its operator told, where it tells none. */
export function modelsOf(served: readonly EngineModel[], config: EngineConfig): readonly EngineModel[] {
  const models = config.models
    ? config.models.map((name) => served.find((model) => isCalled(model, name)) ?? { names: [name] })
    : served;
  const { contextLength } = config;
  return contextLength === undefined ? models : models.map((model) => ({ contextLength, ...model }));
}

/** How busy an engine is. Metrics may be switched off, or behind another key: that is no fault of the engine. */
async function loadOf(
  get: Get,
  load: { readonly path: string; read(text: string): EngineLoad } | undefined,
): Promise<EngineLoad> {
  if (!load) return {};
  try {
    const { status, text } = await get(load.path);
    return status === 200 ? load.read(text) : {};
  } catch {
    return {};
  }
}
