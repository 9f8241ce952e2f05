import { z } from "@hono/zod-openapi";
import { ChainedRecord } from "../../shared/audit/record.ts";
import { AuditList, AuditVerification } from "../../shared/contracts/admin-audit.ts";
import { good, of, READ, route } from "./openapi-admin-route.ts";

const text = (description: string, example?: string) =>
  z
    .string()
    .optional()
    .openapi({ description, ...(example !== undefined && { example }) });

const workspace = text("For operators: whose audit log. That of the caller's workspace unless told.");
const range = {
  from: text("From this date or time on.", "2026-11-01"),
  to: text("Before this date or time.", "2026-12-01T00:00:00Z"),
};
const filters = {
  action: text("Actions that begin so.", "engine."),
  actor: text("The id of a user or a key; `fleet` for the platform."),
  resource: text("A resource as its type and id, or all of a type.", "engine:gpu-1"),
  before: z.int().min(1).optional().openapi({ description: "`next` of the page before." }),
  limit: z.int().min(1).max(200).default(50).openapi({ description: "Records of a page." }),
};

/** The audit log's part of the description of the API. */
export const AUDIT_OPERATIONS = [
  route(
    "get",
    "/admin/audit",
    "Read the audit log",
    { query: z.object({ workspace, ...range, ...filters }) },
    { ...good("What was done, the newest first.", AuditList), ...of(...READ, 400) },
    "For admins, of their own workspace. Who changed what, what was refused to whom, and how engines' circuits opened and closed. Nothing of any prompt or secret is in it.",
  ),
  route(
    "get",
    "/admin/audit/export",
    "Export the audit log",
    { query: z.object({ workspace, ...range }) },
    {
      200: {
        description:
          "A record in each line, the oldest first. `x-eco-audit-head` is the end of the chain: its last place and hash.",
        content: { "application/x-ndjson": { schema: ChainedRecord } },
      },
      ...of(...READ, 400),
    },
    "Each line is canonical JSON. `npm run eco -- audit verify --file export.jsonl` verifies it without the platform.",
  ),
  route(
    "get",
    "/admin/audit/verify",
    "Verify the audit log",
    { query: z.object({ workspace }) },
    {
      ...good("Whether every record is as it was written, and the first that is not.", AuditVerification),
      ...of(...READ, 400),
    },
    "The records of a workspace are a chain: each has the hash of the one before it. Note `head` elsewhere: who has it can see that no record was cut off at the end.",
  ),
];
