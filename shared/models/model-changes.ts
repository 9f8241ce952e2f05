import { ModelEntry, type ModelState } from "../contracts/admin-models.ts";
import { mergePatch } from "../contracts/merge-patch.ts";
import { invalidRequest } from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { DEFAULT_MODELS } from "./default-models.ts";
import { type Change, sameJson } from "./engine-changes.ts";
import { refuseRemoval, step } from "./lifecycle.ts";
import { findClash, mergeEntries } from "./registry.ts";
import type { RegistrySnapshot } from "./snapshot.ts";

const conflict = (message: string, param?: string) =>
  err({ kind: "conflict", message, ...(param !== undefined && { param }) } as const);

/** The model of an id, registered or built in. */
export function modelOf(now: RegistrySnapshot, id: string): Result<ModelEntry, Failure> {
  const entry = mergeEntries(now.models).find((each) => each.id === id);
  return entry ? ok(entry) : err({ kind: "not_found", resource: "model", id });
}

/** Registers a model. One of the id of a built-in model takes its place. */
export function addModel(now: RegistrySnapshot, entry: ModelEntry): Change {
  if (now.models.some((each) => each.id === entry.id) || now.unreadable.includes(entry.id))
    return conflict(`There is a model \`${entry.id}\` already: change it with PATCH.`, "id");
  return put(now, entry);
}

/** Changes a model by a merge patch: a built-in one is registered by that. `state` is where it is now. */
export function changeModel(
  now: RegistrySnapshot,
  change: {
    readonly id: string;
    readonly patch: Readonly<Record<string, unknown>>;
    readonly version: number | undefined;
    readonly state: ModelState;
  },
): Change {
  const found = modelOf(now, change.id);
  if (!found.ok) return found;
  const fresh = checkVersion(now, change.id, change.version);
  if (!fresh.ok) return fresh;
  const parsed = ModelEntry.safeParse(mergePatch(found.value, change.patch));
  if (!parsed.success) return err(invalidRequest(parsed.error));
  if (sameJson(parsed.data, found.value)) return ok([]);
  const before = found.value.wish ?? "serve";
  const after = parsed.data.wish ?? "serve";
  if (before !== after) {
    const stepped = step({ state: change.state, wish: before }, after === "retire" ? "retire" : "restore");
    if (!stepped.ok) return conflict(stepped.error, "wish");
  }
  return put(now, parsed.data);
}

/** Removes a model; where one is built in under its id, that is back. */
export function removeModel(
  now: RegistrySnapshot,
  removal: { readonly id: string; readonly version: number | undefined; readonly state: ModelState },
): Change {
  const { id, version, state } = removal;
  if (now.unreadable.includes(id)) return ok([{ type: "delete_model", id }]);
  const found = modelOf(now, id);
  if (!found.ok) return found;
  if (!now.models.some((each) => each.id === id))
    return conflict(
      `The model \`${id}\` is built in: it cannot be removed. With PATCH and \`{"wish":"retire"}\` nobody is served by it.`,
    );
  const fresh = checkVersion(now, id, version);
  if (!fresh.ok) return fresh;
  const refused = refuseRemoval(state);
  return refused === undefined ? ok([{ type: "delete_model", id }]) : conflict(refused);
}

function put(now: RegistrySnapshot, entry: ModelEntry): Change {
  const clash = findClash(entry, mergeEntries(now.models));
  if (clash) {
    const param = entry.id === clash.name ? "id" : entry.aliases?.includes(clash.name) ? "aliases" : "names";
    return conflict(`The name \`${clash.name}\` is the model \`${clash.owner}\`'s already.`, param);
  }
  return ok([{ type: "put_model", entry }]);
}

function checkVersion(
  now: RegistrySnapshot,
  id: string,
  version: number | undefined,
): Result<undefined, Failure> {
  const current = now.modelStamps.get(id)?.version ?? 0;
  return version === undefined || version === current
    ? ok(undefined)
    : err({ kind: "precondition_failed", resource: "model", current });
}

/** Whether a model is as it is built in, and in no table. */
export const isBuiltIn = (now: RegistrySnapshot, id: string): boolean =>
  DEFAULT_MODELS.some((each) => each.id === id) && !now.models.some((each) => each.id === id);
