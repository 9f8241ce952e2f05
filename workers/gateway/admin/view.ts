import type { AdminEngine, EngineState } from "../../../shared/contracts/admin-engines.ts";
import type { AdminModel, ModelEntry, ModelState } from "../../../shared/contracts/admin-models.ts";
import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import { type ModelReport, type RunningAction, stateOf } from "../../../shared/models/lifecycle.ts";
import { isBuiltIn } from "../../../shared/models/model-changes.ts";
import { type ModelIndex, indexModels } from "../../../shared/models/model-index.ts";
import type { FleetEngine } from "../../../shared/models/resolve.ts";
import type { RegistrySnapshot } from "../../../shared/models/snapshot.ts";
import type { Run } from "../run.ts";
import { fromStore } from "./request.ts";

/** All that operators can be told, read at one moment. */
export type AdminView = {
  readonly snapshot: RegistrySnapshot;
  readonly declared: readonly EngineConfig[];
  /** The engines as far as somebody has asked them. */
  readonly fleet: readonly FleetEngine[];
  readonly index: ModelIndex<FleetEngine>;
  readonly states: Readonly<Record<string, EngineState>>;
  readonly actions: ReadonlyMap<string, readonly RunningAction[]>;
};

/** Reads it all. */
export async function readView(run: Run): Promise<Result<AdminView, Failure>> {
  const { ports } = run;
  const read = await fromStore(run, () =>
    Promise.all([ports.registry.load(), ports.modelActions.running(ports.now()), ports.engines.look()]),
  );
  if (!read.ok) return read;
  const [snapshot, actions, { engines: fleet, states }] = read.value;
  const index = indexModels<FleetEngine>(snapshot.models, fleet);
  return ok({ snapshot, declared: ports.config.ENGINES, fleet, index, states, actions });
}

/** Likewise after a change that gave a new snapshot. */
export const withSnapshot = (view: AdminView, snapshot: RegistrySnapshot): AdminView => ({
  ...view,
  snapshot,
  index: indexModels<FleetEngine>(snapshot.models, view.fleet),
});

/** Every engine, those of the variable first. */
export const allEngines = ({ snapshot, declared }: AdminView): readonly EngineConfig[] => [
  ...declared,
  // Declared since it was registered: the variable counts.
  ...snapshot.engines.filter(({ id }) => !declared.some((each) => each.id === id)),
];

/** An engine for operators. */
export function viewEngine(view: AdminView, config: EngineConfig): AdminEngine {
  const { snapshot, declared, fleet, states } = view;
  const { apiKey, ...shown } = config;
  const fixed = declared.some(({ id }) => id === config.id);
  const stamp = fixed ? undefined : snapshot.engineStamps.get(config.id);
  const served = fleet.find(({ id }) => id === config.id)?.models ?? [];
  const state = Object.hasOwn(states, config.id) ? states[config.id] : undefined;
  return {
    object: "engine",
    id: config.id,
    source: fixed ? "variable" : "registry",
    version: stamp?.version ?? 0,
    config: shown,
    hasApiKey: apiKey !== undefined,
    draining: snapshot.drained.includes(config.id),
    state: state ?? null,
    models: served.map(({ names }) => names[0] ?? ""),
    createdAtMs: stamp?.createdAtMs ?? null,
    updatedAtMs: stamp?.updatedAtMs ?? null,
  };
}

/** Where a model is in its life. */
export function stateOfModel(view: AdminView, entry: ModelEntry): ModelState {
  const listing = view.index.listing(entry.id);
  const reports = listing.map(({ engine }): ModelReport => ({
    engine: engine.id,
    health: view.states[engine.id]?.health ?? (engine.reachable ? "ready" : "down"),
    lists: true,
  }));
  return stateOf(entry.wish, view.actions.get(entry.id) ?? [], reports);
}

/** A registered model for operators. */
export function viewModel(view: AdminView, entry: ModelEntry): AdminModel {
  const stamp = view.snapshot.modelStamps.get(entry.id);
  return {
    object: "model",
    id: entry.id,
    source: isBuiltIn(view.snapshot, entry.id) ? "built_in" : "registry",
    version: stamp?.version ?? 0,
    state: stateOfModel(view, entry),
    engines: view.index
      .listing(entry.id)
      .map(({ engine, model }) => ({ engine: engine.id, name: model.names[0] ?? "" })),
    entry,
    createdAtMs: stamp?.createdAtMs ?? null,
    updatedAtMs: stamp?.updatedAtMs ?? null,
  };
}
