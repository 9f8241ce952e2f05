import { canonicalJson } from "../audit/canonical.ts";
import { EngineConfig } from "../contracts/engine-config.ts";
import { mergePatch } from "../contracts/merge-patch.ts";
import { invalidRequest } from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { RegistrySnapshot, RegistryWrite } from "./snapshot.ts";

/** The writes that a change comes to, or why there are none. */
export type Change = Result<readonly RegistryWrite[], Failure>;

/** The engines of the variable ENGINES: they are changed where they are declared. */
type Declared = readonly EngineConfig[];

const conflict = (message: string, param?: string) =>
  err({ kind: "conflict", message, ...(param !== undefined && { param }) } as const);

const notFound = (id: string) => err({ kind: "not_found", resource: "engine", id } as const);

const declaredElsewhere = (id: string) =>
  conflict(
    `The engine \`${id}\` is declared in the variable ENGINES: change it there (in wrangler.toml, or where this deployment's variables are set) and deploy. It can be drained and resumed here.`,
  );

/** Registers an engine. An id is one engine's, wherever that is declared. */
export function addEngine(now: RegistrySnapshot, declared: Declared, config: EngineConfig): Change {
  const { id } = config;
  if (declared.some((each) => each.id === id))
    return conflict(`There is an engine \`${id}\` in the variable ENGINES already.`, "id");
  if (now.engines.some((each) => each.id === id) || now.unreadable.includes(id))
    return conflict(
      `There is an engine \`${id}\` already: change it with PATCH, or choose another id.`,
      "id",
    );
  return ok([{ type: "put_engine", config }]);
}

/**
 * Changes an engine by a merge patch; `check` says whether the outcome can be registered. `version` is the one that the
 * operator read, where they say.
 */
export function changeEngine(
  now: RegistrySnapshot,
  declared: Declared,
  change: {
    readonly id: string;
    readonly patch: Readonly<Record<string, unknown>>;
    readonly version: number | undefined;
  },
  check: (config: EngineConfig) => Result<EngineConfig, Failure>,
): Change {
  // Declared since it was registered: the variable counts, and a change of the other would change nothing.
  if (declared.some(({ id }) => id === change.id)) return declaredElsewhere(change.id);
  const found = findEngine(now, declared, change.id, change.version);
  if (!found.ok) return found;
  const parsed = EngineConfig.safeParse(mergePatch(found.value, change.patch));
  if (!parsed.success) return err(invalidRequest(parsed.error));
  const checked = check(parsed.data);
  if (!checked.ok) return checked;
  if (sameJson(checked.value, found.value)) return ok([]);
  return ok([{ type: "put_engine", config: checked.value }]);
}

/** Removes an engine. One that still answers requests is drained first, unless `force`. */
export function removeEngine(
  now: RegistrySnapshot,
  declared: Declared,
  removal: {
    readonly id: string;
    readonly version: number | undefined;
    readonly inFlight: number;
    readonly force: boolean;
  },
): Change {
  const { id, version, inFlight, force } = removal;
  if (now.unreadable.includes(id)) return ok([{ type: "delete_engine", id }]);
  const found = findEngine(now, declared, id, version);
  if (!found.ok) return found;
  if (inFlight > 0 && !force)
    return conflict(
      `The engine \`${id}\` is answering ${inFlight} requests: drain it and wait, or remove it with \`?force=true\`.`,
    );
  return ok([{ type: "delete_engine", id }]);
}

/** Takes an engine out of service, or back in; also one of the variable. What it has begun it ends. */
export function drainEngine(now: RegistrySnapshot, declared: Declared, id: string, drain: boolean): Change {
  const known = [...declared, ...now.engines].some((each) => each.id === id);
  if (!known) return notFound(id);
  if (now.drained.includes(id) === drain) return ok([]);
  return ok([{ type: drain ? "drain_engine" : "resume_engine", id }]);
}

function findEngine(
  now: RegistrySnapshot,
  declared: Declared,
  id: string,
  version: number | undefined,
): Result<EngineConfig, Failure> {
  const config = now.engines.find((each) => each.id === id);
  if (!config) return declared.some((each) => each.id === id) ? declaredElsewhere(id) : notFound(id);
  const current = now.engineStamps.get(id)?.version ?? 0;
  if (version !== undefined && version !== current)
    return err({ kind: "precondition_failed", resource: "engine", current });
  return ok(config);
}

/** Whether two values are the same JSON, whatever the order of their members. */
export const sameJson = (one: unknown, two: unknown): boolean => canonicalJson(one) === canonicalJson(two);
