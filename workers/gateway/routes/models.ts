import type { Context } from "hono";
import type { Model, ModelList } from "../../../shared/contracts/models.ts";
import { FEATURES, type Feature, featuresOf } from "../../../shared/engines/abilities.ts";
import { isAllowed, mayAskFor } from "../../../shared/models/allowed.ts";
import type { ListedModel } from "../../../shared/models/model-index.ts";
import type { AppEnv } from "../app-env.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { idHeaders } from "../http/answer-headers.ts";
import { failureResponse } from "../http/failure-response.ts";
import { notFoundAmong } from "../places.ts";

/** What may be asked of each kind of engine: made once, for it never changes. */
const abilities = new Map<string, Feature[]>();

function abilitiesOf({ kind, adapter }: Endpoint): Feature[] {
  let known = abilities.get(kind);
  if (!known) abilities.set(kind, (known = featuresOf(adapter.abilities)));
  return known;
}

/** A model as callers see it: what all engines that serve it tell together. */
function describe({ id, entry, places }: ListedModel<Endpoint>): Model {
  const kinds = [...new Set(places.map(({ engine }) => engine.kind))];
  const able = new Set(
    places.flatMap(({ engine, model }) =>
      abilitiesOf(engine).filter((feature) => !model.lacks?.includes(feature)),
    ),
  );
  // What an engine was started with counts, not what the model could do elsewhere.
  const lengths = places.flatMap(({ model }) => model.contextLength ?? []);
  const contextLength = lengths.length > 0 ? Math.max(...lengths) : entry?.contextLength;
  return {
    id,
    object: "model",
    created: places.map(({ model }) => model.created).find((created) => created !== undefined) ?? 0,
    owned_by: places.map(({ model }) => model.ownedBy).find((owner) => owner !== undefined) ?? kinds[0] ?? "",
    ...(contextLength !== undefined && { context_length: contextLength }),
    engines: kinds,
    abilities: FEATURES.filter((feature) => able.has(feature)),
  };
}

/** `GET /v1/models`: those that the key is for. */
export async function listModels(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "models";
  const { fleet } = run.ports;
  await fleet.list(run.defer);
  const { served } = fleet.index();
  const allowed = run.principal?.models ?? null;
  const seen = allowed ? served.filter((model) => isAllowed(allowed, model)) : served;
  const body: ModelList = { object: "list", data: seen.map(describe) };
  return Response.json(body, { headers: idHeaders(run) });
}

/** `GET /v1/models/{id}`, under any of its names; ids may have slashes in them. */
export async function getModel(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "models";
  const name = c.req.param("id") ?? "";
  const { fleet } = run.ports;
  await fleet.list(run.defer);
  const index = fleet.index();
  const allowed = run.principal?.models ?? null;
  if (allowed && !mayAskFor(allowed, index, name))
    return failureResponse(run, notFoundAmong(fleet, allowed, name));
  const found = index.find(name)?.[0];
  const listed =
    found && index.served.find(({ places }) => places.some(({ model }) => model === found.model));
  if (!listed) return failureResponse(run, index.notFound(name));
  return Response.json(describe(listed), { headers: idHeaders(run) });
}
