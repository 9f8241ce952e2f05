import type { Context } from "hono";
import type { AdminEngine, AdminEngineList } from "../../../shared/contracts/admin-engines.ts";
import { EnginePatch } from "../../../shared/contracts/admin-engines.ts";
import type { Deleted } from "../../../shared/contracts/admin-models.ts";
import { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import { etagOf } from "../../../shared/contracts/if-match.ts";
import { checkRegistration } from "../../../shared/engines/registration.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import {
  type Change,
  addEngine,
  changeEngine,
  drainEngine,
  removeEngine,
} from "../../../shared/models/engine-changes.ts";
import type { RegistrySnapshot } from "../../../shared/models/snapshot.ts";
import type { Deed } from "../admin/audit-entry.ts";
import { changeRegistry } from "../admin/change.ts";
import { answer, readChecked, switchOf, versionOf } from "../admin/request.ts";
import { type AdminView, allEngines, readView, viewEngine } from "../admin/view.ts";
import type { AppEnv } from "../app-env.ts";
import { checkEngine } from "../engine-check.ts";

type C = Context<AppEnv>;

const idOf = (c: C): string => c.req.param("id") ?? "";
/** What is written down of a change. Values stay out of it: a configuration may have a key in it. */
const deedOf = (verb: string, id: string, details?: Deed["details"]): Deed => ({
  action: `engine.${verb}`,
  resource: { type: "engine", id },
  details,
});
const tagged = (engine: AdminEngine, status = 200) => ({ status, headers: { etag: etagOf(engine.version) } });

/** `GET /admin/engines` */
export async function listEngines(c: C): Promise<Response> {
  const { run } = c.env;
  const view = await readView(run);
  if (!view.ok) return answer(run, view);
  const { version, unreadable } = view.value.snapshot;
  const data = allEngines(view.value).map((config) => viewEngine(view.value, config));
  return answer(
    run,
    ok({ object: "list", version, data, unreadable: [...unreadable] } satisfies AdminEngineList),
  );
}

/** `GET /admin/engines/{id}` */
export async function getEngine(c: C): Promise<Response> {
  return show(c, await readView(c.env.run), idOf(c));
}

/** `POST /admin/engines`: it is asked once how it is, unless `?check=false`; that it is down is told, and no reason to refuse it. */
export async function createEngine(c: C): Promise<Response> {
  const { run } = c.env;
  const wanted = switchOf(c, "check", true);
  if (!wanted.ok) return answer(run, wanted);
  const body = await readChecked(c, EngineConfig);
  if (!body.ok) return answer(run, body);
  const { engineAccess, config } = run.ports;
  const checked = checkRegistration(body.value, engineAccess.policy);
  if (!checked.ok) return answer(run, checked);
  const changed = await changeRegistry(
    run,
    deedOf("create", checked.value.id, { kind: checked.value.kind }),
    (now) => addEngine(now, config.ENGINES, checked.value),
  );
  if (!changed.ok) return answer(run, changed);
  const check = wanted.value ? await checkEngine(checked.value, engineAccess) : undefined;
  return show(c, await readView(run), checked.value.id, { status: 201, check });
}

/** `PATCH /admin/engines/{id}` */
export async function patchEngine(c: C): Promise<Response> {
  const { run } = c.env;
  const { config, engineAccess } = run.ports;
  const wanted = switchOf(c, "check", true);
  if (!wanted.ok) return answer(run, wanted);
  const version = versionOf(c);
  if (!version.ok) return answer(run, version);
  const patch = await readChecked(c, EnginePatch);
  if (!patch.ok) return answer(run, patch);
  const change = { id: idOf(c), patch: patch.value, version: version.value };
  const changed = await changeRegistry(
    run,
    deedOf("update", change.id, { changed: Object.keys(patch.value).toSorted() }),
    (now) =>
      changeEngine(now, config.ENGINES, change, (next) => checkRegistration(next, engineAccess.policy)),
  );
  if (!changed.ok) return answer(run, changed);
  const next = changed.value.engines.find(({ id }) => id === change.id);
  const check = wanted.value && next ? await checkEngine(next, engineAccess) : undefined;
  return show(c, await readView(run), change.id, { check });
}

/** `DELETE /admin/engines/{id}`; `?force=true` cuts off what it is answering. */
export async function deleteEngine(c: C): Promise<Response> {
  const { run } = c.env;
  const id = idOf(c);
  const force = switchOf(c, "force", false);
  if (!force.ok) return answer(run, force);
  const version = versionOf(c);
  if (!version.ok) return answer(run, version);
  const view = await readView(run);
  if (!view.ok) return answer(run, view);
  const known = allEngines(view.value).find((config) => config.id === id);
  const inFlight = known ? (viewEngine(view.value, known).state?.inFlight ?? 0) : 0;
  const removal = { id, version: version.value, inFlight, force: force.value };
  const changed = await changeRegistry(run, deedOf("delete", id, { force: force.value }), (now) =>
    removeEngine(now, run.ports.config.ENGINES, removal),
  );
  if (!changed.ok) return answer(run, changed);
  return answer(run, ok({ object: "engine", id, deleted: true } satisfies Deleted));
}

/** `POST /admin/engines/{id}/drain`: it gets no new requests, and ends what it has begun. */
export const drain = (c: C): Promise<Response> => setDraining(c, true);

/** `POST /admin/engines/{id}/resume` */
export const resume = (c: C): Promise<Response> => setDraining(c, false);

async function setDraining(c: C, draining: boolean): Promise<Response> {
  const { run } = c.env;
  const decide = (now: RegistrySnapshot): Change =>
    drainEngine(now, run.ports.config.ENGINES, idOf(c), draining);
  const changed = await changeRegistry(run, deedOf(draining ? "drain" : "resume", idOf(c)), decide);
  return changed.ok ? show(c, await readView(run), idOf(c)) : answer(run, changed);
}

function show(
  c: C,
  view: Result<AdminView, Failure>,
  id: string,
  more: { readonly status?: number; readonly check?: AdminEngine["check"] } = {},
): Response {
  const { run } = c.env;
  if (!view.ok) return answer(run, view);
  const config = allEngines(view.value).find((each) => each.id === id);
  if (!config) return answer(run, err({ kind: "not_found", resource: "engine", id }));
  const engine = { ...viewEngine(view.value, config), ...(more.check && { check: more.check }) };
  return answer(run, ok(engine), tagged(engine, more.status));
}
