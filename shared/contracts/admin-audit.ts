import { z } from "zod";
import { ChainedRecord } from "../audit/record.ts";
import { WorkspaceId } from "../kernel/ids.ts";
import { Moment } from "./moment.ts";

const workspace = WorkspaceId.optional().meta({
  description: "For operators: whose audit log. That of the caller's workspace unless told.",
});
const from = Moment.optional().meta({ description: "From this date or time on." });
const to = Moment.optional().meta({ description: "Before this date or time." });

/** `GET /admin/audit`: what to look for. */
export const AuditListQuery = z.strictObject({
  workspace,
  from,
  to,
  action: z.string().min(1).max(100).optional().meta({
    description: "Actions that begin so: `engine.` or `engine.drain`.",
  }),
  actor: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "The id of a user or a key; `fleet` for the platform." }),
  resource: z.string().min(1).max(300).optional().meta({
    description: "A resource as its type and id (`engine:gpu-1`), or all of a type (`engine`).",
  }),
  before: z.coerce.number().int().min(1).optional().meta({
    description: "Only records before this place: `next` of the page before.",
  }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type AuditListQuery = z.infer<typeof AuditListQuery>;

/** `GET /admin/audit/export`: which stretch of the chain. */
export const AuditExportQuery = z.strictObject({ workspace, from, to });

/** `GET /admin/audit/verify`: whose chain. */
export const AuditVerifyQuery = z.strictObject({ workspace });

/** A page of the audit log, the newest first. */
export const AuditList = z
  .object({
    object: z.literal("list"),
    data: z.array(ChainedRecord),
    hasMore: z.boolean(),
    next: z.int().nullable().meta({ description: "For `before`, to read on; null where there is no more." }),
  })
  .meta({ id: "AuditList" });
export type AuditList = z.infer<typeof AuditList>;

/** What a look at a workspace's whole chain came to. */
export const AuditVerification = z
  .object({
    object: z.literal("audit.verification"),
    workspace: z.string(),
    ok: z.boolean(),
    records: z.int().meta({ description: "Records that are as they were written, from the first on." }),
    head: z.object({ seq: z.int(), hash: z.string() }).meta({
      description: "The last of them. Who notes it can see later that no record behind it was cut off.",
    }),
    firstBad: z
      .object({
        index: z.int(),
        seq: z.int(),
        reason: z.enum(["unreadable", "altered", "missing", "out_of_order", "unlinked"]),
        message: z.string(),
        action: z.string().optional(),
        timestamp: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: "AuditVerification" });
export type AuditVerification = z.infer<typeof AuditVerification>;
