import type { EngineAdapter } from "./engine.ts";
import * as registry from "./registry.ts";

/** A kind of engine that the platform can speak to. */
export type EngineKind = keyof typeof registry;

/** Every adapter by its kind. */
export const engines: Readonly<Record<EngineKind, EngineAdapter>> = registry;

/** All kinds, for schemas and tests. */
export const engineKinds = Object.keys(registry).toSorted() as [EngineKind, ...EngineKind[]];
