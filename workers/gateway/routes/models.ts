import type { Context } from "hono";
import type { Model, ModelList } from "../../../shared/contracts/models.ts";
import { similarNames } from "../../../shared/models/resolve.ts";
import type { AppEnv } from "../app-env.ts";
import type { Endpoint } from "../fleet.ts";
import { failureResponse } from "../http/failure-response.ts";

/** Every model that is served, each once, in the order of the engines. */
function modelsOf(endpoints: readonly Endpoint[]): Map<string, Model> {
  const models = new Map<string, Model>();
  for (const { kind, models: served } of endpoints) {
    for (const { names, created, ownedBy, contextLength } of served) {
      const id = names[0] ?? "";
      const known = models.get(id);
      if (known) {
        if (!known.engines.includes(kind)) known.engines.push(kind);
        continue;
      }
      models.set(id, {
        id,
        object: "model",
        created: created ?? 0,
        owned_by: ownedBy ?? kind,
        ...(contextLength !== undefined && { context_length: contextLength }),
        engines: [kind],
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
  const own = endpoints.flatMap((endpoint) => endpoint.models).find((model) => model.names.includes(name))
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
