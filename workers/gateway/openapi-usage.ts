import { createRoute, z } from "@hono/zod-openapi";
import { UsageParameters, UsageReport } from "../../shared/contracts/usage.ts";
import { json, of } from "./openapi-admin-route.ts";

const read = (path: string, summary: string, description: string) =>
  createRoute({
    method: "get",
    path,
    summary,
    description,
    tags: ["Usage"],
    security: [{ apiKey: [] }],
    request: { query: UsageParameters },
    responses: {
      200: {
        description:
          "What was used, in lines that are sorted by `groupBy`, and in all. Where there are more lines, the header `Link` says where they are, in CSV too.",
        content: { ...json(UsageReport), "text/csv": { schema: z.string() } },
      },
      ...of(400, 401, 403, 405, 500, 503),
    },
  });

/** The part of the description of the API that is about usage. */
export const USAGE_OPERATIONS = [
  read(
    "/api/v1/usage",
    "What your workspace used",
    "Admins are told of their whole workspace, others of their own part: of the calling key, or of the keys that they made. The calling key's numbers are those of this moment, as are those of the key in `key`; those of other keys are up to 30 seconds old, as `asOf` says. CSV has the lines, and no totals; cells that a spreadsheet would take for a formula begin with an apostrophe.",
  ),
  read(
    "/admin/usage",
    "What all workspaces used",
    "For operators: the same of all workspaces, or of one in `workspace`.",
  ),
];
