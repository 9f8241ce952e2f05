import type { Context } from "hono";
import type { Model, ModelList } from "../../../shared/contracts/models.ts";
import { FEATURES, type Feature, featuresOf } from "../../../shared/engines/abilities.ts";
import { isCalled, similarNames } from "../../../shared/models/resolve.ts";
import type { AppEnv } from "../app-env.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { failureResponse } from "../http/failure-response.ts";

/** What may be asked of each kind of engine: made once, for it never changes. */
const abilities = new Map<string, Feature[]>();

function abilitiesOf({ kind, adapter }: Endpoint): Feature[] {
  let known = abilities.get(kind);
  if (!known) abilities.set(kind, (known = featuresOf(adapter.abilities)));
  return known;
}

/** What one engine or the other can do, in one order. */
const either = (some: readonly Feature[], others: readonly Feature[]): Feature[] =>
  FEATURES.filter((feature) => some.includes(feature) || others.includes(feature));

/** Every model that is served, each once, in the order of the engines. */
function modelsOf(endpoints: readonly Endpoint[]): Map<string, Model> {
  const models = new Map<string, Model>();
  for (const endpoint of endpoints) {
    const { kind, models: served } = endpoint;
    for (const { names, created, ownedBy, contextLength } of served) {
      const id = names[0] ?? "";
      const known = models.get(id);
      if (known) {
        if (known.engines.includes(kind)) continue;
        known.engines.push(kind);
        known.abilities = either(known.abilities, abilitiesOf(endpoint));
        continue;
      }
      models.set(id, {
        id,
        object: "model",
        created: created ?? 0,
        owned_by: ownedBy ?? kind,
        ...(contextLength !== undefined && { context_length: contextLength }),
        engines: [kind],
        abilities: abilitiesOf(endpoint),
      });
    }
  }
  return models;
}

/** `GET /v1/models` */
export async function listModels(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "models";
  const body: ModelList = {
    object: "list",
    data: [...modelsOf(await run.ports.fleet.list(run.defer)).values()],
  };
  return Response.json(body, { headers: { "x-request-id": run.id } });
}

/** `GET /v1/models/{id}`; ids may have slashes in them. */
export async function getModel(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "models";
  const name = c.req.param("id") ?? "";
  const endpoints = await run.ports.fleet.list(run.defer);
  const models = modelsOf(endpoints);
  const own = endpoints.flatMap((endpoint) => endpoint.models).find((model) => isCalled(model, name))
    ?.names[0];
  const model = models.get(own ?? name);
  if (!model)
    return failureResponse(run, {
      kind: "model_not_found",
      model: name,
      similar: similarNames([...models.keys()], name),
    });
  return Response.json(model, { headers: { "x-request-id": run.id } });
}
