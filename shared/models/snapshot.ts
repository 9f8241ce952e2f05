import type { ModelEntry } from "../contracts/admin-models.ts";
import type { EngineConfig } from "../contracts/engine-config.ts";

/** When and how often an entry was changed; `version` is 1 when it is new. */
export type Stamp = { readonly version: number; readonly createdAtMs: number; readonly updatedAtMs: number };

/** All that operators have registered, as it was at one moment. It is plain data: objects may hand it to each other. */
export type RegistrySnapshot = {
  /** Goes up by one with every change of anything in it; 0 where nothing was ever registered. */
  readonly version: number;
  /** In the order of their ids. */
  readonly engines: readonly EngineConfig[];
  /** Ids of engines that get no new requests, also of such as are declared in the variable ENGINES. */
  readonly drained: readonly string[];
  /** In the order of their ids; without the models that are built in. */
  readonly models: readonly ModelEntry[];
  readonly engineStamps: ReadonlyMap<string, Stamp>;
  readonly modelStamps: ReadonlyMap<string, Stamp>;
  /** Ids of what an older or a newer release wrote and this one cannot read. Nothing is served by it. */
  readonly unreadable: readonly string[];
};

/** One change of the registry. */
export type RegistryWrite =
  | { readonly type: "put_engine"; readonly config: EngineConfig }
  | { readonly type: "delete_engine"; readonly id: string }
  | { readonly type: "drain_engine"; readonly id: string }
  | { readonly type: "resume_engine"; readonly id: string }
  | { readonly type: "put_model"; readonly entry: ModelEntry }
  | { readonly type: "delete_model"; readonly id: string };

/** The registry before anybody registered anything. */
export const EMPTY_REGISTRY: RegistrySnapshot = {
  version: 0,
  engines: [],
  drained: [],
  models: [],
  engineStamps: new Map(),
  modelStamps: new Map(),
  unreadable: [],
};
