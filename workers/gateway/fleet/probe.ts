import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineHealth, EngineLoad, EngineModel } from "../../../shared/engines/engine.ts";
import { isCalled } from "../../../shared/models/resolve.ts";
import type { Address } from "./endpoint.ts";

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
};

type Get = (path: string) => Promise<{ readonly status: number; readonly text: string }>;

/** Asks one engine how it is, what it serves and how busy it is. It never throws: whatever fails is part of the answer. */
export async function probe(
  { adapter, baseUrl, headers }: Address,
  config: EngineConfig,
  fetch: typeof globalThis.fetch,
): Promise<Probed> {
  const get: Get = async (path) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const answer = await fetch(baseUrl + path, { headers, redirect: "manual", signal });
    return { status: answer.status, text: await answer.text() };
  };
  try {
    const said = await get(adapter.health.path);
    const health = adapter.health.read(said.status, said.text);
    if (health !== "ready")
      return { health, load: {}, reason: `answered ${said.status} for ${adapter.health.path}` };
    const list = adapter.models.path === adapter.health.path ? said : await get(adapter.models.path);
    // An error is no list of models.
    if (list.status !== 200)
      return { health: "down", load: {}, reason: `answered ${list.status} for ${adapter.models.path}` };
    const served = adapter.models.read(JSON.parse(list.text));
    const models = config.models
      ? config.models.map((name) => served.find((model) => isCalled(model, name)) ?? { names: [name] })
      : served;
    return { health, models, load: await loadOf(get, adapter.load) };
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    return {
      health: "down",
      load: {},
      reason: late ? `said nothing within ${PROBE_TIMEOUT_MS / 1000} s` : "could not be reached",
    };
  }
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
