import { z } from "zod";

/** What a member of a workspace, or a key of it, can be. */
export const ROLES = ["admin", "developer", "viewer"] as const;
export const Role = z.enum(ROLES).meta({ id: "Role" });
export type Role = z.infer<typeof Role>;

/** Who may do something: the roles; `operator`: only in the workspace of those who run this platform; `only`: not by a key. */
type Rule = { readonly roles: readonly Role[]; readonly operator?: true; readonly only?: "user" };

const EVERYBODY: readonly Role[] = ROLES;
const BUILDERS: readonly Role[] = ["admin", "developer"];
const ADMINS: readonly Role[] = ["admin"];

/** The one table of who may do what. A route names its permission; nothing else looks at roles. */
const RULES = {
  "models:read": { roles: EVERYBODY },
  "platforms:read": { roles: EVERYBODY },
  "workspace:read": { roles: EVERYBODY },
  "usage:read": { roles: EVERYBODY },
  inference: { roles: BUILDERS },
  "keys:own": { roles: BUILDERS },
  "keys:any": { roles: ADMINS },
  "workspace:manage": { roles: ADMINS },
  "audit:read": { roles: ADMINS },
  "account:own": { roles: EVERYBODY, only: "user" },
  "platforms:write": { roles: ADMINS, operator: true },
  "engines:manage": { roles: ADMINS, operator: true },
  "metrics:read": { roles: ADMINS, operator: true },
  "usage:any": { roles: ADMINS, operator: true },
  "accounts:any": { roles: ADMINS, operator: true },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof RULES;

/** All permissions there are. */
export const PERMISSIONS = Object.keys(RULES) as [Permission, ...Permission[]];

/** Names a permission in the scopes of a key. */
export const Scope = z.enum(PERMISSIONS);

/** What the decision is made of. */
export type Subject = {
  readonly kind: "key" | "user";
  readonly role: Role;
  /** Whether it belongs to the workspace of those who run this platform. */
  readonly operator: boolean;
  /** The permissions that a key was cut down to; null for all of its role. */
  readonly scopes: readonly Permission[] | null;
};

/** Why not, in the words of an answer; undefined where it may. */
export function whyForbidden(subject: Subject, permission: Permission): string | undefined {
  const rule: Rule = RULES[permission];
  if (rule.only === "user" && subject.kind !== "user")
    return "This is for people: sign in, and send the access token instead of an API key.";
  if (rule.operator && !subject.operator)
    return "This is for operators: use a key or an account of the operators' workspace with the role admin.";
  if (!rule.roles.includes(subject.role))
    return `This needs the role ${rule.roles.join(" or ")}${rule.operator ? ": it is for operators" : ""}; yours is ${subject.role}.`;
  if (subject.scopes && !subject.scopes.includes(permission))
    return `This key is not meant for it: its scopes lack \`${permission}\`.`;
  return undefined;
}

/** Whether it is for operators alone. */
export const isForOperators = (permission: Permission): boolean => {
  const rule: Rule = RULES[permission];
  return rule.operator === true;
};

/** Whether it may. */
export const may = (subject: Subject, permission: Permission): boolean =>
  whyForbidden(subject, permission) === undefined;
