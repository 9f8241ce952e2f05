import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EnginePort, FleetPort } from "../../../shared/fleet/ports.ts";
import { type EngineStatus, type FleetSnapshot, UNKNOWN_STATUS } from "../../../shared/fleet/snapshot.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import { type ModelIndex, indexModels } from "../../../shared/models/model-index.ts";
import type { FleetEngine, Place } from "../../../shared/models/resolve.ts";
import { CIRCUIT_POLICY, stateAsSeen } from "../../../shared/routing/circuit.ts";
import type { EngineView } from "../../../shared/routing/engine-view.ts";
import { type RouteAsk, plan } from "../../../shared/routing/plan.ts";
import type { Defer } from "../defer.ts";
import { type Address, addressOf } from "./endpoint.ts";
import { type Busy, type Slot, Slots, type Wish } from "./slots.ts";

/** An engine that requests can be sent to, and what was last known of it. */
export type Endpoint = FleetEngine &
  Address & {
    readonly config: EngineConfig;
    status: EngineStatus;
    readonly slots: Slots;
  };

/** What decides between engines, and how long a request may wait for one. */
export type Ask = RouteAsk & Omit<Wish, "priority">;

/** The engines of this deployment, as one isolate knows them. */
export type Fleet = {
  /** What is known, at once; on a cold start it is asked for first. `defer` carries a refresh past the answer. */
  list(defer: Defer): Promise<readonly Endpoint[]>;
  /** Where every model is served, of the latest list. */
  index(): ModelIndex<Endpoint>;
  /** Fetches the list now, as after a change of what is registered. */
  reload(): Promise<readonly Endpoint[]>;
  /** Has every engine asked now. */
  refresh(): Promise<readonly Endpoint[]>;
  /** Milliseconds since the list was fetched. */
  ageMs(): number;
  /** The places in the order in which they are to be asked. */
  plan(places: readonly Place<Endpoint>[], ask: Ask): readonly Place<Endpoint>[];
  /** A slot at an engine that this isolate has already. */
  take(endpoint: Endpoint, ask: Ask): Slot | undefined;
  /** One that is free somewhere, without waiting; undefined where there is none. */
  ask(endpoint: Endpoint, ask: Ask): Promise<Slot | undefined>;
  /** One after a wait, or why not even that. */
  wait(endpoint: Endpoint, ask: Ask): Promise<Result<Slot, Busy>>;
};

/** Age at which the list is fetched again, behind the request that found it old. */
const FRESH_MS = 2_000;
/** Age beyond which it is waited for: an isolate that was idle knows nothing any more. */
const STALE_MS = 15_000;

type Dependencies = {
  readonly secrets: Readonly<Record<string, unknown>>;
  readonly fleet: () => FleetPort;
  readonly engine: (id: string) => EnginePort;
  readonly now: () => number;
  readonly random: () => number;
  /** Names this isolate among the others. Asked for late: the runtime gives no chance before the first request. */
  readonly newHolderId: () => string;
};

/** The fleet of one isolate, from the object that knows it all. */
export function createFleet(dependencies: Dependencies): Fleet {
  const { fleet, now, random } = dependencies;
  let endpoints: readonly Endpoint[] = [];
  let index: ModelIndex<Endpoint> = indexModels([], endpoints);
  let version: number | undefined;
  let modelsVersion: number | undefined;
  let fetchedAtMs = -Infinity;
  let askedAtMs = -Infinity;

  const take = (snapshot: FleetSnapshot | undefined): readonly Endpoint[] => {
    fetchedAtMs = now();
    if (!snapshot || (version !== undefined && snapshot.version < version)) return endpoints;
    version = snapshot.version;
    const known = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    endpoints = snapshot.engines.map(({ config, status }) => {
      const old = known.get(config.id);
      const endpoint = old && sameConfig(old.config, config) ? old : createEndpoint(config, dependencies);
      learn(endpoint, status);
      return endpoint;
    });
    if (snapshot.modelsVersion !== modelsVersion) index = indexModels(snapshot.models, endpoints);
    modelsVersion = snapshot.modelsVersion;
    return endpoints;
  };
  const fetchList = async () => {
    askedAtMs = now();
    return take(await fleet().snapshot(version));
  };

  return {
    index: () => index,
    ageMs: () => now() - fetchedAtMs,
    reload: fetchList,
    refresh: async () => take(await fleet().refresh()),
    async list(defer) {
      const nowMs = now();
      if (nowMs - fetchedAtMs > STALE_MS)
        return fetchList().catch((error: unknown) => {
          // What was known will do, while the object that knows better is out of reach.
          if (version === undefined) throw error;
          return endpoints;
        });
      // No promise is shared between requests (the runtime forbids it); a mark in time keeps the askers apart.
      if (nowMs - askedAtMs > FRESH_MS) defer(fetchList().catch(() => undefined));
      return endpoints;
    },
    plan(places, ask) {
      const only = places[0];
      if (places.length === 1 && only && ask.pin === undefined)
        return usable(only.engine) && circuitOf(only.engine) === "closed" ? places : [];
      const { order } = plan(
        places.map(({ engine }) => viewOf(engine)),
        ask,
        now(),
        random,
      );
      return order.flatMap((id) => places.find(({ engine }) => engine.id === id) ?? []);
    },
    take: (endpoint, ask) => endpoint.slots.take(ask, () => endpoint.status.failing),
    ask: (endpoint, ask) => endpoint.slots.ask(ask, () => endpoint.status.failing),
    wait(endpoint, ask) {
      const untilMs = now() + (endpoint.config.queueTimeoutMs ?? QUEUE_TIMEOUT_MS);
      const wish = { ...ask, deadlineMs: Math.min(ask.deadlineMs, untilMs) };
      return endpoint.slots.wait(wish, () => endpoint.status.failing);
    },
  };
}

/** Longest wait for a slot, where the operator says nothing. */
const QUEUE_TIMEOUT_MS = 30_000;

function createEndpoint(config: EngineConfig, { secrets, engine, now, newHolderId }: Dependencies): Endpoint {
  const endpoint: Endpoint = {
    id: config.id,
    kind: config.kind,
    config,
    ...addressOf(config, secrets),
    status: UNKNOWN_STATUS,
    reachable: false,
    models: [],
    slots: new Slots(
      newHolderId(),
      () => engine(config.id),
      now,
      (status) => learn(endpoint, status),
      () => slotsOf(endpoint),
    ),
  };
  return endpoint;
}

type Known = { -readonly [Key in "status" | "reachable" | "models"]: Endpoint[Key] };

function learn(endpoint: Endpoint, status: EngineStatus): void {
  const known = endpoint as Known;
  known.status = status;
  known.models = status.models;
  known.reachable = usable({ status });
}

const usable = ({ status }: Pick<Endpoint, "status">): boolean =>
  status.circuit === "closed" && status.health === "ready" && !status.draining;

/** An engine's circuit, with what this isolate has seen itself and nobody has answered yet. */
export const circuitOf = ({ status, slots, config }: Endpoint): EngineStatus["circuit"] =>
  stateAsSeen(status.circuit, slots.untold, { ...CIRCUIT_POLICY, ...config.circuit });

const sameConfig = (a: EngineConfig, b: EngineConfig): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Requests that an engine may have at once: as the operator says, or the engine, or what its kind can bear. */
export const slotsOf = ({
  config,
  adapter,
  status,
}: Pick<Endpoint, "config" | "adapter" | "status">): number =>
  config.concurrencyMax ?? status.load.slots ?? adapter.defaults.concurrencyMax;

const viewOf = (endpoint: Endpoint, { id, kind, config, adapter, status, slots } = endpoint): EngineView => ({
  id,
  kind,
  ...(config.region !== undefined && { region: config.region }),
  weight: config.weight ?? 100,
  circuit: circuitOf(endpoint),
  health: status.health,
  draining: status.draining,
  concurrencyMax: slotsOf({ config, adapter, status }),
  inFlight: status.inFlight,
  localInFlight: slots.inUse,
  waiting: status.waiting,
  load: status.load,
  ...(slots.lastFailureMs !== undefined && { lastFailureMs: slots.lastFailureMs }),
});
