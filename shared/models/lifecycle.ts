import type { ModelEntry, ModelState } from "../contracts/admin-models.ts";
import type { EngineHealth, ModelAction } from "../engines/engine.ts";
import { type Result, err, ok } from "../kernel/result.ts";

/** What happens to a model. An operator begins the first four; the others come of what engines say and do. */
export type ModelEvent =
  | "load"
  | "unload"
  | "retire"
  | "restore"
  /** The engine has done what it was told, or has failed to; whether it has the model now, its list says. */
  | "load_ended"
  | "unload_ended"
  /** The first engine lists it; the last one does no more. */
  | "appeared"
  | "disappeared";

/** Where a model is, and whether its operator wants it to be served at all. */
export type Lifecycle = { readonly state: ModelState; readonly wish: "serve" | "retire" };

/** Every legal step of a model that is to be served. Engines come and go as they like: their reports are always legal. */
const SERVED: Readonly<Record<ModelState, Partial<Record<ModelEvent, ModelState>>>> = {
  registered: { load: "loading", appeared: "ready", disappeared: "registered", retire: "retired" },
  loading: { load_ended: "registered", appeared: "ready", disappeared: "loading" },
  ready: {
    // On one engine more, or into the memory of one that has it on its disk.
    load: "ready",
    load_ended: "ready",
    unload: "unloading",
    retire: "unloading",
    appeared: "ready",
    disappeared: "registered",
  },
  // An engine that still lists it has it on its disk, as Ollama does, or did not let go of it.
  unloading: { unload_ended: "ready", appeared: "unloading", disappeared: "registered" },
  retired: {},
};

/** Likewise of one that is not. */
const RETIRED: typeof SERVED = {
  registered: {},
  loading: {},
  ready: {},
  unloading: {
    restore: "ready",
    unload: "unloading",
    unload_ended: "unloading",
    appeared: "unloading",
    disappeared: "retired",
  },
  retired: { restore: "registered", appeared: "unloading", disappeared: "retired" },
};

/** What comes of an event; the error says why it cannot be. */
export function step({ state, wish }: Lifecycle, event: ModelEvent): Result<Lifecycle, string> {
  const next = (wish === "retire" ? RETIRED : SERVED)[state][event];
  if (next === undefined) return err(`A model that is ${state} cannot ${VERBS[event]}.`);
  const wished = event === "retire" ? "retire" : event === "restore" ? "serve" : wish;
  return ok({ state: next, wish: wished });
}

const VERBS: Readonly<Record<ModelEvent, string>> = {
  load: "be loaded",
  unload: "be unloaded",
  retire: "be retired",
  restore: "be restored",
  load_ended: "end to load",
  unload_ended: "end to unload",
  appeared: "appear",
  disappeared: "disappear",
};

/** What an operator has told an engine to do with a model, and when. */
export type RunningAction = {
  readonly engine: string;
  readonly action: ModelAction;
  readonly startedAtMs: number;
};

/** What an engine says of a model. */
export type ModelReport = { readonly engine: string; readonly health: EngineHealth; readonly lists: boolean };

/** Time after which an action that nobody has ended counts as given up: the isolate that ran it is gone. */
export const ACTION_MS_MAX = 3_600_000;

/** The actions that still run. */
export const runningOf = (actions: readonly RunningAction[], nowMs: number): RunningAction[] =>
  actions.filter(({ startedAtMs }) => nowMs - startedAtMs < ACTION_MS_MAX);

/**
 * Where a model is in its life. It is not stored, for nobody could keep it true: it follows from the operator's wish,
 * from what was begun and has not ended, and from what the engines say.
 */
export function stateOf(
  wish: ModelEntry["wish"],
  actions: readonly RunningAction[],
  reports: readonly ModelReport[],
): ModelState {
  const listing = reports.filter(({ lists }) => lists);
  if (wish === "retire") return listing.length > 0 ? "unloading" : "retired";
  const begun = (engine: string) => actions.find((each) => each.engine === engine)?.action;
  const serving = listing.filter(({ engine, health }) => health === "ready" && begun(engine) !== "unload");
  if (serving.length > 0) return "ready";
  const coming =
    actions.some(({ action }) => action === "load" || action === "pull") ||
    listing.some(({ health }) => health === "loading");
  if (coming) return "loading";
  return listing.some(({ engine }) => begun(engine) === "unload") ? "unloading" : "registered";
}

/** Why an entry cannot be removed in this state; undefined where it can. */
export function refuseRemoval(state: ModelState): string | undefined {
  if (state === "registered" || state === "retired") return undefined;
  return state === "ready"
    ? "It is being served: unload it first, or retire it and wait until no engine lists it."
    : `It is ${state}: wait until that has ended.`;
}
