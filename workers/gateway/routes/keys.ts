import type { Context } from "hono";
import { checkNewKey, checkRotation, patchKey } from "../../../shared/auth/key-rules.ts";
import { may } from "../../../shared/auth/permissions.ts";
import { etagOf } from "../../../shared/contracts/if-match.ts";
import {
  type ApiKey,
  type ApiKeyList,
  KeyCreate,
  KeyPatch,
  KeyRotate,
  type KeySecret,
} from "../../../shared/contracts/keys.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { KeyId, randomBase62 } from "../../../shared/kernel/ids.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { callerOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { answer, fromStore, integerOf, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import { type Changed, HELD_S, changeKey, readReached } from "../keys/change.ts";
import { workspaceOf } from "../keys/reach.ts";
import { randomBytes } from "../new-secret.ts";
import { settingsOf } from "../store/key-rows.ts";
import type { NewSecret } from "../store/key-admin.ts";

type C = Context<AppEnv>;

const OPERATION = "keys";
const PAGE = { min: 1, max: 100, fallback: 20 };

/** What belongs to no cache: answers that show a secret, or what is true at this moment alone. */
const headersOf = ({ version }: Pick<ApiKey, "version">) => ({
  etag: etagOf(version),
  "cache-control": "no-store",
});

/** `GET /api/v1/keys`: admins see all of the workspace, others those that they have made. */
export async function listKeys(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const caller = callerOf(run);
  const workspaceId = workspaceOf(caller, c.req.query("workspace"));
  if (!workspaceId.ok) return answer(run, workspaceId);
  const limit = integerOf(c, "limit", PAGE);
  if (!limit.ok) return answer(run, limit);
  const after = c.req.query("after");
  const ownOf = may(caller, "keys:any") ? undefined : caller.id;
  const { keyAdmin, now } = run.ports;
  const listing = { workspaceId: workspaceId.value, ownOf, after, limit: limit.value };
  const page = await fromStore(run, () => keyAdmin.list(listing, now()));
  if (!page.ok) return answer(run, page);
  if (!page.value)
    return answer(
      run,
      invalid("after", "`after`: is the id of a key of this workspace, the last of a page."),
    );
  const { keys, hasMore } = page.value;
  const next = hasMore ? (keys.at(-1)?.id ?? null) : null;
  return answer(run, ok({ object: "list", data: [...keys], hasMore, next } satisfies ApiKeyList), {
    headers: { "cache-control": "no-store" },
  });
}

/** `POST /api/v1/keys` */
export async function createKey(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const { keyAdmin, audit, newSecret, now } = run.ports;
  const caller = callerOf(run);
  const workspaceId = workspaceOf(caller, c.req.query("workspace"));
  if (!workspaceId.ok) return answer(run, workspaceId);
  const body = await readChecked(c, KeyCreate);
  if (!body.ok) return answer(run, body);
  const workspace = await fromStore(run, () => keyAdmin.workspace(workspaceId.value));
  if (!workspace.ok) return answer(run, workspace);
  if (!workspace.value)
    return answer(run, err({ kind: "not_found", resource: "workspace", id: workspaceId.value }));
  const nowMs = now();
  const checked = checkNewKey({ by: caller, operator: workspace.value.operator, nowMs }, body.value);
  if (!checked.ok) return answer(run, checked);
  const id = KeyId.parse(`key_${randomBase62(20, randomBytes)}`);
  const made = await fromStore(run, async () => {
    const secret = await newSecret(nowMs);
    const key = { id, workspaceId: workspaceId.value, createdBy: caller.id, createdAtMs: nowMs };
    const { name, role } = checked.value;
    const entry = entryOf(run, {
      workspaceId: workspaceId.value,
      action: "key.create",
      resource: { type: "key", id },
      details: { name, role },
    });
    await audit.commit(entry, keyAdmin.creating({ ...key, settings: checked.value }, secret));
    return { key: await keyAdmin.get(workspaceId.value, id, nowMs), secret };
  });
  if (!made.ok) return answer(run, made);
  const { key, secret } = made.value;
  // Nobody else knows of it yet.
  if (!key) throw new Error("A key that was just made is not there");
  return show(c, key, { secret, status: 201 });
}

/** `GET /api/v1/keys/{id}` */
export async function getKey(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const key = await readReached(c);
  return key.ok ? show(c, key.value) : answer(run, key);
}

/** `PATCH /api/v1/keys/{id}` */
export async function updateKey(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const { keyAdmin, now } = run.ports;
  const patch = await readChecked(c, KeyPatch);
  if (!patch.ok) return answer(run, patch);
  const changed = await changeKey(c, async (key, by) => {
    if (key.revokedAtMs !== null) return REVOKED;
    const workspace = await fromStore(run, () => keyAdmin.workspace(key.workspaceId));
    if (!workspace.ok) return workspace;
    const dealing = { by, operator: workspace.value?.operator ?? false, nowMs: now() };
    const patched = patchKey(dealing, settingsOf(key), patch.value);
    if (!patched.ok) return patched;
    const { settings, changed } = patched.value;
    if (changed.length === 0) return ok(undefined);
    return ok({
      action: "key.update",
      details: { changed, ...(changed.includes("role") && { role: settings.role }) },
      statements: (step) => keyAdmin.updating(step, settings),
    });
  });
  return showChanged(c, changed);
}

/** `POST /api/v1/keys/{id}/rotate`: a key may do it to itself. */
export async function rotateKey(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const { keyAdmin, newSecret, now } = run.ports;
  const body = await readChecked(c, KeyRotate, "{}");
  if (!body.ok) return answer(run, body);
  const { graceSeconds } = body.value;
  let made: NewSecret | undefined;
  const changed = await changeKey(c, async (key, by) => {
    const nowMs = now();
    if (key.revokedAtMs !== null) return REVOKED;
    if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs)
      return conflict("This key has ended, and so would a new secret: give it a later `expiresAtMs` first.");
    const allowed = checkRotation({ by, operator: by.operator, nowMs }, settingsOf(key));
    if (!allowed.ok) return allowed;
    const hashed = await fromStore(run, () => newSecret(nowMs));
    if (!hashed.ok) return hashed;
    made = hashed.value;
    const secret = hashed.value;
    return ok({
      action: "key.rotate",
      details: { graceSeconds },
      statements: (step) => keyAdmin.rotating(step, secret, graceSeconds * 1000),
    });
  });
  if (!changed.ok || !made) return showChanged(c, changed);
  const { key, holds } = changed.value;
  // A secret that is not told now is lost: where the old one could not be ended at once, the answer says so instead.
  return show(c, key, { secret: made, holds });
}

/** `POST /api/v1/keys/{id}/revoke` and `DELETE /api/v1/keys/{id}`: for ever. A key may do it to itself. */
export async function revokeKey(c: C): Promise<Response> {
  const { run } = c.env;
  run.operation = OPERATION;
  const changed = await changeKey(c, async (key) =>
    ok(
      key.revokedAtMs === null
        ? { action: "key.revoke", statements: (step) => run.ports.keyAdmin.revoking(step) }
        : undefined,
    ),
  );
  return showChanged(c, changed);
}

function showChanged(c: C, changed: Result<Changed, Failure>): Response {
  if (!changed.ok) return answer(c.env.run, changed);
  const { key, holds } = changed.value;
  return holds
    ? show(c, key)
    : answer(c.env.run, err({ kind: "change_pending", resource: "key", withinS: HELD_S }));
}

function show(
  c: C,
  key: ApiKey,
  more: { readonly status?: number; readonly secret?: NewSecret; readonly holds?: boolean } = {},
): Response {
  const { status = 200, secret, holds = true } = more;
  const shown: ApiKey | KeySecret = secret
    ? { ...key, secret: secret.secret, ...(!holds && { effectiveInSeconds: HELD_S }) }
    : key;
  return answer(c.env.run, ok(shown), { status, headers: headersOf(key) });
}

const conflict = (message: string): Result<never, Failure> => err({ kind: "conflict", message });
const REVOKED = conflict("This key has been revoked, which is for ever: make another one.");
const invalid = (param: string, message: string): Result<never, Failure> =>
  err({ kind: "invalid_request", param, message });
