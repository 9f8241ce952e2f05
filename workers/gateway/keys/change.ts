import type { Context } from "hono";
import { whyForbidden } from "../../../shared/auth/permissions.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { ApiKey } from "../../../shared/contracts/keys.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { callerOf } from "../accounts/caller.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { fromStore, versionOf } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import { TRUST_MS } from "../middleware/authenticate.ts";
import { within } from "../relay/within.ts";
import type { Run } from "../run.ts";
import type { Statement } from "../store/audit.ts";
import { type KeyStep, unlessKeyOvertaken } from "../store/key-admin.ts";
import { KV_TTL_S } from "../store/keys.ts";
import { isInReach, noSuchKey, workspaceOf } from "./reach.ts";

/** How long what isolates and KV remember of a key can outlive a change that its object was not told of. */
export const HELD_S = TRUST_MS / 1000 + KV_TTL_S;

/** What to do to a key, and what is written down of it; undefined where it is as it should be already. */
export type KeyChange = {
  readonly action: "key.update" | "key.rotate" | "key.revoke";
  readonly details?: Readonly<Record<string, unknown>>;
  readonly statements: (step: KeyStep) => Statement[];
};

/** Decides what to do to a key as it is now. It may be asked again when others were faster. */
export type DecideKey = (key: ApiKey, caller: Principal) => Promise<Result<KeyChange | undefined, Failure>>;

/** A key after a change, and whether the change holds everywhere by now. */
export type Changed = { readonly key: ApiKey; readonly holds: boolean };

/** How often a change is decided anew before the caller is asked to try again. */
const ATTEMPTS_MAX = 5;

/** Reads the key of the address, as far as it is within the caller's reach; its own key always is. */
export async function readReached(c: Context<AppEnv>): Promise<Result<ApiKey, Failure>> {
  const { run } = c.env;
  const caller = callerOf(run);
  const id = c.req.param("id") ?? "";
  const why = id === caller.id ? undefined : whyForbidden(caller, "keys:own");
  if (why !== undefined) return err({ kind: "forbidden", message: why });
  const workspaceId = workspaceOf(caller, c.req.query("workspace"));
  if (!workspaceId.ok) return workspaceId;
  const { keyAdmin, now } = run.ports;
  const read = await fromStore(run, () => keyAdmin.get(workspaceId.value, id, now()));
  if (!read.ok) return read;
  return read.value && isInReach(caller, read.value) ? ok(read.value) : noSuchKey(id);
}

/**
 * Changes the key of the address, and tells its object of it before the caller is answered. What is told twice does no
 * harm: a caller who repeats a change that did not reach the object makes it hold.
 */
export async function changeKey(c: Context<AppEnv>, decide: DecideKey): Promise<Result<Changed, Failure>> {
  const { run } = c.env;
  const wanted = versionOf(c);
  if (!wanted.ok) return wanted;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const read = await readReached(c);
    if (!read.ok) return read;
    const { value: key } = read;
    if (wanted.value !== undefined && wanted.value !== key.version)
      return err({ kind: "precondition_failed", resource: "key", current: key.version });
    const decided = await decide(key, callerOf(run));
    if (!decided.ok) return decided;
    const done = await commit(run, key, decided.value);
    if (!done.ok) return done;
    if (done.value === "overtaken") continue;
    const version = decided.value ? key.version + 1 : key.version;
    const holds = await fenceKey(run, key.id, version);
    const now = await readReached(c);
    // Whoever has ended their own key may not read it any more, but hears what became of it.
    return now.ok ? ok({ key: now.value, holds }) : now;
  }
  return err({
    kind: "conflict",
    message: "Others change this key at the same time. Read it again, and try again.",
  });
}

/** Makes a change; `overtaken` where somebody else was faster. */
async function commit(
  run: Run,
  key: ApiKey,
  change: KeyChange | undefined,
): Promise<Result<"done" | "overtaken", Failure>> {
  if (!change) return ok("done");
  const { audit, now } = run.ports;
  const step: KeyStep = { id: key.id, version: key.version, nowMs: now() };
  const entry = entryOf(run, {
    workspaceId: key.workspaceId,
    resource: { type: "key", id: key.id },
    action: change.action,
    details: { ...change.details, version: key.version + 1 },
  });
  return fromStore(run, () => unlessKeyOvertaken(audit.commit(entry, change.statements(step))));
}

const TELLINGS_MAX = 3;
/** Its object waits for what it has lent out, which takes a second at most. */
const TELLING_MS = 2_500;
const PAUSE_MS = 50;

/** Tells a key's object what the newest version is; false where the object stays out of reach. */
async function fenceKey(run: Run, id: string, version: number): Promise<boolean> {
  for (let telling = 0; telling < TELLINGS_MAX; telling++) {
    if (telling > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** telling));
    const told = run.ports.fence(id, version).then(
      () => true,
      (error: unknown) => {
        run.fail(error);
        return false;
      },
    );
    if (await within(told, TELLING_MS)) return true;
  }
  return false;
}
