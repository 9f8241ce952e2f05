import type { Context } from "hono";
import {
  type AdminModelList,
  type Deleted,
  type ModelState,
  ModelEntry,
  ModelPatch,
} from "../../../shared/contracts/admin-models.ts";
import { etagOf } from "../../../shared/contracts/if-match.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import { addModel, changeModel, modelOf, removeModel } from "../../../shared/models/model-changes.ts";
import { mergeEntries } from "../../../shared/models/registry.ts";
import type { Deed } from "../admin/audit-entry.ts";
import { changeRegistry } from "../admin/change.ts";
import { answer, readChecked, versionOf } from "../admin/request.ts";
import { type AdminView, readView, stateOfModel, viewModel, withSnapshot } from "../admin/view.ts";
import type { AppEnv } from "../app-env.ts";

type C = Context<AppEnv>;

const idOf = (c: C): string => c.req.param("id") ?? "";
/** What is written down of a change. */
const deedOf = (verb: string, id: string, details?: Deed["details"]): Deed => ({
  action: `model.${verb}`,
  resource: { type: "model", id },
  details,
});

/** `GET /admin/models`: those that are built in, and those that operators have registered. */
export async function listModels(c: C): Promise<Response> {
  const { run } = c.env;
  const view = await readView(run);
  if (!view.ok) return answer(run, view);
  const { snapshot } = view.value;
  const data = mergeEntries(snapshot.models).map((entry) => viewModel(view.value, entry));
  return answer(run, ok({ object: "list", version: snapshot.version, data } satisfies AdminModelList));
}

/** `GET /admin/models/{id}` */
export async function getModel(c: C): Promise<Response> {
  return show(c, await readView(c.env.run), idOf(c));
}

/** `POST /admin/models` */
export async function createModel(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, ModelEntry);
  if (!body.ok) return answer(run, body);
  const changed = await changeRegistry(run, deedOf("create", body.value.id), (now) =>
    addModel(now, body.value),
  );
  return changed.ok ? show(c, await readView(run), body.value.id, 201) : answer(run, changed);
}

/** `PATCH /admin/models/{id}` */
export async function patchModel(c: C): Promise<Response> {
  const { run } = c.env;
  const version = versionOf(c);
  if (!version.ok) return answer(run, version);
  const patch = await readChecked(c, ModelPatch);
  if (!patch.ok) return answer(run, patch);
  const view = await readView(run);
  if (!view.ok) return answer(run, view);
  const id = idOf(c);
  const change = { id, patch: patch.value, version: version.value, state: stateIn(view.value, id) };
  const changed = await changeRegistry(
    run,
    deedOf("update", id, { changed: Object.keys(patch.value).toSorted() }),
    (now) => changeModel(now, change),
  );
  return changed.ok ? show(c, ok(withSnapshot(view.value, changed.value)), id) : answer(run, changed);
}

/** `DELETE /admin/models/{id}` */
export async function deleteModel(c: C): Promise<Response> {
  const { run } = c.env;
  const version = versionOf(c);
  if (!version.ok) return answer(run, version);
  const view = await readView(run);
  if (!view.ok) return answer(run, view);
  const id = idOf(c);
  const removal = { id, version: version.value, state: stateIn(view.value, id) };
  const changed = await changeRegistry(run, deedOf("delete", id), (now) => removeModel(now, removal));
  return answer(run, changed.ok ? ok({ object: "model", id, deleted: true } satisfies Deleted) : changed);
}

/** Where a model is; one that is not there is registered as far as any rule goes. */
function stateIn(view: AdminView, id: string): ModelState {
  const entry = modelOf(view.snapshot, id);
  return entry.ok ? stateOfModel(view, entry.value) : "registered";
}

function show(c: C, view: Result<AdminView, Failure>, id: string, status = 200): Response {
  const { run } = c.env;
  if (!view.ok) return answer(run, view);
  const entry = modelOf(view.value.snapshot, id);
  if (!entry.ok) return answer(run, entry);
  const model = viewModel(view.value, entry.value);
  return answer(run, ok(model), { status, headers: { etag: etagOf(model.version) } });
}
