import { z } from "zod";
import { KeyId, WorkspaceId } from "../kernel/ids.ts";

/** Whom a key stands for. It is what the caches hold of a key. */
export const Principal = z.object({
  keyId: KeyId,
  workspaceId: WorkspaceId,
  role: z.enum(["admin", "developer"]),
  /** Null for a key that does not expire. */
  expiresAtMs: z.number().nullable(),
});
export type Principal = z.infer<typeof Principal>;
