import { KeySettings } from "../contracts/keys.ts";
import { mergePatch } from "../contracts/merge-patch.ts";
import { invalidRequest } from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { type Power, POWERS, isRoleWithin, powerBeyond } from "./key-powers.ts";
import { may, whyForbidden } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** Who deals with a key, in whose workspace, and when. */
export type Dealing = {
  readonly by: Principal;
  /** Whether the key's workspace is that of those who run the platform. */
  readonly operator: boolean;
  readonly nowMs: number;
};

/** Whether such a key can be made. */
export const checkNewKey = (dealing: Dealing, settings: KeySettings): Result<KeySettings, Failure> =>
  checkMembers(dealing, settings, new Set(Object.keys(KeySettings.shape)));

/** What a key is after a merge patch, and the members that it changes; or why it cannot be. */
export function patchKey(
  dealing: Dealing,
  before: KeySettings,
  patch: unknown,
): Result<{ settings: KeySettings; changed: string[] }, Failure> {
  const parsed = KeySettings.safeParse(mergePatch(before, patch));
  if (!parsed.success) return err(invalidRequest(parsed.error));
  const { data } = parsed;
  const changed = Object.keys(KeySettings.shape).filter((name) => differs(name, before, data));
  if (changed.length > 0 && !isRoleWithin(before.role, dealing.by.role)) return err(tooMuch("role"));
  const checked = checkMembers(dealing, data, new Set(changed));
  return checked.ok ? ok({ settings: data, changed }) : checked;
}

function differs(name: string, before: Record<string, unknown>, after: Record<string, unknown>): boolean {
  return JSON.stringify(before[name]) !== JSON.stringify(after[name]);
}

/** Whether somebody may learn a new secret of a key: who has it can do what the key can. */
export function checkRotation({ by }: Dealing, settings: KeySettings): Result<void, Failure> {
  const beyond = powerBeyond(by, settings);
  return beyond === undefined ? ok(undefined) : err(tooMuch(beyond));
}

/** Checks what is new about a key. What has been granted to it before stays as it is. */
function checkMembers(
  { by, operator, nowMs }: Dealing,
  settings: KeySettings,
  names: ReadonlySet<string>,
): Result<KeySettings, Failure> {
  const isNew = (name: keyof KeySettings) => names.has(name);
  if (isNew("expiresAtMs") && settings.expiresAtMs !== undefined && settings.expiresAtMs <= nowMs)
    return refuse("expiresAtMs", "is in the past");
  // What the scopes are worth depends on the role, and the other way round.
  const powers = isNew("role") || isNew("scopes") ? new Set([...names, "role", "scopes"]) : names;
  const beyond = powerBeyond(
    by,
    settings,
    POWERS.filter((name) => powers.has(name)),
  );
  if (beyond !== undefined) return err(tooMuch(beyond));
  if (isNew("priority") && settings.priority === "high" && !may(by, "engines:manage"))
    return err({ kind: "forbidden", message: "`priority`: `high` is given by operators alone." });
  if (isNew("priority") && by.priority === "low" && settings.priority !== "low")
    return err({
      kind: "forbidden",
      message: "`priority`: this key has `low` itself, and can give no more.",
    });
  const scopes = powers.has("scopes") ? (settings.scopes ?? []) : [];
  for (const [at, scope] of scopes.entries()) {
    const why = whyForbidden({ kind: "key", role: settings.role, operator, scopes: null }, scope);
    if (why !== undefined)
      return refuse(
        `scopes[${at}]`,
        `\`${scope}\` is not among what a key of this role and workspace may do`,
      );
  }
  return ok(settings);
}

const WORDS: { readonly [Member in Power]: string } = {
  role: "your own role is below it",
  scopes: "your key has fewer itself",
  models: "your key is for fewer itself",
  origins: "your key is for fewer itself",
  ips: "your key is for fewer itself",
  limits: "your key is limited further itself",
  expiresAtMs: "the secret that you sent ends before",
};

/** Nobody hands on more than they have. */
const tooMuch = (power: Power): Failure => ({
  kind: "forbidden",
  message: `\`${power}\`: a key that could do more than you is not yours to give: ${WORDS[power]}.`,
});

const refuse = (param: string, what: string): Result<never, Failure> =>
  err({ kind: "invalid_request", param, message: `\`${param}\`: ${what}.` });
