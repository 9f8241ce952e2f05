import type { Failure } from "../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { mayAskFor } from "../../shared/models/allowed.ts";
import type { Place } from "../../shared/models/resolve.ts";
import type { Price } from "../../shared/usage/price.ts";
import type { Endpoint, Fleet } from "./fleet/fleet.ts";
import type { Defer } from "./ports.ts";

/** Age of the list below which a model that no engine serves is not asked for again. */
const RECENT_MS = 500;

const canServe = ({ engine }: Place<Endpoint>): boolean => engine.reachable;

/**
 * Where a model is served. A model that nobody is known to serve, or whose engines were all away, is asked for once
 * more before the caller is told so: it may have come since.
 */
export async function findPlaces(
  fleet: Fleet,
  model: string,
  defer: Defer,
): Promise<Result<readonly Place<Endpoint>[], Failure>> {
  try {
    return await lookUp(fleet, model, defer);
  } catch {
    // The object that knows the fleet is out of reach: a fault of ours.
    return err({ kind: "store_unavailable" });
  }
}

async function lookUp(
  fleet: Fleet,
  model: string,
  defer: Defer,
): Promise<Result<readonly Place<Endpoint>[], Failure>> {
  const listed = await fleet.list(defer);
  const known = fleet.index().find(model);
  if (known?.some(canServe)) return ok(known);
  // Names that nobody serves are free to make up, and each would ask every engine.
  const settled = fleet.ageMs() < RECENT_MS && listed.every(({ reachable }) => reachable);
  const endpoints = settled ? listed : await fleet.refresh();
  const places = fleet.index().find(model);
  if (places?.some(canServe)) return ok(places);
  // An engine that is away may be the one that serves it: then "no such model" could be untrue.
  const away = endpoints.filter(
    (endpoint) =>
      !endpoint.reachable && (!places?.length || places.some(({ engine }) => engine === endpoint)),
  );
  if (places?.length || away.length > 0 || endpoints.length === 0) {
    const attempts = away.map((endpoint) => ({ engine: endpoint.id, reason: whyAway(endpoint) }));
    return err({ kind: "engines_unavailable", model, attempts, retryAfterMs: backMs(away) });
  }
  return err(fleet.index().notFound(model));
}

/** That a model does not exist for whoever is for these models alone: no other one is told of either. */
export function notFoundAmong(fleet: Fleet, allowed: readonly string[], model: string): Failure {
  const index = fleet.index();
  const failure = index.notFound(model);
  if (failure.kind !== "model_not_found") return failure;
  const similar = failure.similar.filter((name) => mayAskFor(allowed, index, name));
  return { ...failure, similar };
}

/** Ids of models by their places: the index has one array for each, until who serves what changes. */
const ids = new WeakMap<readonly Place<Endpoint>[], string>();

/** The id under which a model is listed, whatever the caller called it; undefined where it is not served. */
export function modelIdOf(fleet: Fleet, name: string): string | undefined {
  const index = fleet.index();
  const places = index.find(name);
  const [first] = places ?? [];
  if (!places || !first) return undefined;
  const known = ids.get(places);
  if (known !== undefined) return known;
  const listed =
    index.served.find((each) => each.places === places) ??
    // A model that is not registered has its own places for each of its names.
    index.served.find((each) => each.places.some(({ model }) => model === first.model));
  const id = listed?.id ?? first.model.names[0] ?? "";
  ids.set(places, id);
  return id;
}

/** What the model of this id costs; undefined for one without a price. Its id is what {@link modelIdOf} gives for a name. */
export const priceOf = (fleet: Fleet, modelId: string | undefined): Price | undefined =>
  modelId === undefined ? undefined : fleet.index().priceOf(modelId);

/** Why an engine gets no requests now, in words. */
export function whyAway({ status }: Endpoint): string {
  if (status.draining) return "is being drained";
  if (status.health === "loading") return "loading";
  if (status.health === "down") return "could not be reached";
  return "failed too often of late, and is being tried";
}

const BACK_MS = 5_000;

/** When it is worth coming back: when the first circuit is tried again, if that is known. */
function backMs(away: readonly Endpoint[]): number {
  const waits = away.flatMap(({ status }) =>
    status.retryAtMs === undefined ? [] : [status.retryAtMs - Date.now()],
  );
  return Math.max(1_000, Math.min(BACK_MS, ...waits));
}
