import type { KeySettings } from "../contracts/keys.ts";
import type { Limits } from "../contracts/limits.ts";
import { isRangeWithin } from "./address-list.ts";
import { ROLES, type Role } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** What a key is able to do: nobody hands on more of it than they have. */
export type Powers = Pick<
  KeySettings,
  "role" | "scopes" | "models" | "origins" | "ips" | "limits" | "expiresAtMs"
>;

/** A member of what a key is able to do. */
export type Power = keyof Powers;

/** All of them. */
export const POWERS: readonly Power[] = [
  "role",
  "scopes",
  "models",
  "origins",
  "ips",
  "limits",
  "expiresAtMs",
];

/** Whether a role is at most another one. */
export const isRoleWithin = (role: Role, most: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(most);

/**
 * The first of these members in which a key would be able to do more than whoever deals with it; undefined where there is
 * none. A key that was cut down must not make one that is not, nor learn the secret of one.
 */
export const powerBeyond = (
  holder: Principal,
  powers: Powers,
  members: readonly Power[] = POWERS,
): Power | undefined => members.find((member) => !WITHIN[member](holder, powers));

const WITHIN: { readonly [Member in Power]: (holder: Principal, powers: Powers) => boolean } = {
  role: (holder, { role }) => isRoleWithin(role, holder.role),
  scopes: (holder, { scopes }) => isListWithin(scopes, holder.scopes),
  models: (holder, { models }) => isListWithin(models, holder.models),
  origins: (holder, { origins }) => isListWithin(origins, holder.origins),
  ips: ({ ips: most }, { ips }) =>
    most === null || (ips !== undefined && ips.every((range) => isRangeWithin(most, range))),
  limits: (holder, { limits }) => areLimitsWithin(limits, holder.limits),
  expiresAtMs: ({ expiresAtMs: most }, { expiresAtMs }) =>
    most === null || (expiresAtMs !== undefined && expiresAtMs <= most),
};

/** A list that is absent takes everything in. */
const isListWithin = (list: readonly string[] | undefined, most: readonly string[] | null): boolean =>
  most === null || (list !== undefined && list.every((each) => most.includes(each)));

const areLimitsWithin = (limits: Limits | undefined, most: Limits | null): boolean =>
  Object.entries(most ?? {}).every(([name, bound]) => {
    if (bound == null) return true;
    const limit = limits?.[name as keyof Limits];
    return limit != null && limit <= bound;
  });
