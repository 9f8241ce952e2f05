import { z } from "zod";
import { Limits } from "../contracts/limits.ts";
import { KeyId, UserId, WorkspaceId } from "../kernel/ids.ts";
import { PRIORITIES } from "../routing/priority.ts";
import { Role, Scope } from "./permissions.ts";

/** Whom a request is from: a key, or a user who has signed in. It is what the caches hold of a key. */
export const Principal = z.object({
  kind: z.enum(["key", "user"]),
  id: z.union([KeyId, UserId]),
  workspaceId: WorkspaceId,
  /** Whether the workspace is that of those who run this platform. */
  operator: z.boolean(),
  role: Role,
  /** The permissions that it was cut down to; null for all of its role. */
  scopes: z.array(Scope).nullable(),
  /** The models that it may ask for, the origins and the addresses that it may come from; null for all. */
  models: z.array(z.string()).nullable(),
  origins: z.array(z.string()).nullable(),
  ips: z.array(z.string()).nullable(),
  limits: Limits.nullable(),
  workspaceLimits: Limits.nullable(),
  priority: z.enum(PRIORITIES).nullable(),
  /** Goes up with every change of the key: its object knows the newest, and refuses what was cached before. */
  version: z.number(),
  /** When its secret ends; null for one that does not. */
  expiresAtMs: z.number().nullable(),
});
export type Principal = z.infer<typeof Principal>;
