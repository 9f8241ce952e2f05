import type { Failure } from "../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { type Place, placesOf, similarNames } from "../../shared/models/resolve.ts";
import type { Endpoint, Fleet } from "./fleet.ts";
import type { Defer } from "./ports.ts";

/** Age of the list below which a model that no engine serves is not asked for again. */
const RECENT_MS = 500;

/**
 * Where a model is served. A model that nobody is known to serve, or whose engines were all away, is asked for once
 * more before the caller is told so: it may have come since.
 */
export async function findPlaces(
  fleet: Fleet,
  model: string,
  defer: Defer,
): Promise<Result<Place<Endpoint>[], Failure>> {
  const listed = await fleet.list(defer);
  const known = placesOf(listed, model);
  if (known.some(({ engine }) => engine.reachable)) return ok(known);
  // Names that nobody serves are free to make up, and each would ask every engine.
  const settled = fleet.ageMs() < RECENT_MS && listed.every(({ reachable }) => reachable);
  const endpoints = settled ? listed : await fleet.refresh();
  const places = placesOf(endpoints, model);
  if (places.some(({ engine }) => engine.reachable)) return ok(places);
  // An engine that is away may be the one that serves it: then "no such model" could be untrue.
  const away = endpoints.filter(
    ({ id, reachable }) =>
      !reachable && (places.length === 0 || places.some(({ engine }) => engine.id === id)),
  );
  if (places.length > 0 || away.length > 0 || endpoints.length === 0) {
    const attempts = away.map(({ id, health }) => ({
      engine: id,
      reason: health === "loading" ? "loading" : "could not be reached",
    }));
    return err({ kind: "engines_unavailable", model, attempts, retryAfterMs: 5_000 });
  }
  const names = endpoints.flatMap((endpoint) => endpoint.models.flatMap((each) => each.names));
  return err({ kind: "model_not_found", model, similar: similarNames([...new Set(names)], model) });
}
