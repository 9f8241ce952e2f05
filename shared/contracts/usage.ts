import { z } from "zod";

/** By what usage can be added up, in the order in which its lines are sorted. */
export const USAGE_GROUPS = ["hour", "day", "month", "workspace", "key", "model", "engine"] as const;
export const UsageGroup = z.enum(USAGE_GROUPS);
export type UsageGroup = z.infer<typeof UsageGroup>;

/** Those that are times; a line has one of them at most. */
export const TIME_GROUPS = ["hour", "day", "month"] as const satisfies readonly UsageGroup[];

/** Lines of one answer, unless the caller says how many; and the most that it may say. */
export const USAGE_LINES = 1_000;
export const USAGE_LINES_MAX = 10_000;

const time = (description: string, example: string) => z.string().optional().meta({ description, example });
const only = (what: string, example: string) =>
  z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: `Only what ${what}.`, example });

/** What `GET /api/v1/usage` and `GET /admin/usage` can be asked. */
export const UsageParameters = z.object({
  from: time(
    "Where the period begins: a date, or a time with its zone. Times within an hour mean the whole hour. 30 days before `to` when absent.",
    "2026-11-01",
  ),
  to: time(
    "Where the period ends: the first date, or the first moment, that is not in it. Now when absent. At most 400 days after `from`.",
    "2026-12-01",
  ),
  groupBy: z
    .string()
    .optional()
    .meta({
      description: `What a line is about: a list of ${USAGE_GROUPS.join(", ")}, of which one is a time at most. \`day\` when absent. Times are UTC.`,
      example: "day,model",
    }),
  workspace: only("this workspace used, by its id", "ws_0000000000000000000a"),
  key: only("this key used, by its id", "key_0000000000000000000a"),
  model: only("was asked of this model, by its id", "llama-3.1-8b-instruct"),
  engine: only("this engine answered, by its id", "gpu-1"),
  format: z.enum(["json", "csv"]).optional().meta({
    description: "`csv` is also what `Accept: text/csv` asks for.",
  }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(USAGE_LINES_MAX)
    .optional()
    .meta({
      description: `Lines of one answer: ${USAGE_LINES}, and ${USAGE_LINES_MAX} of CSV, when absent.`,
    }),
  cursor: z.string().max(4_000).optional().meta({
    description: "`next` of the answer before. All else is asked as it was; the period may be left out.",
  }),
});
export type UsageParameters = z.infer<typeof UsageParameters>;

const Count = z.int().min(0);

/** What was used. */
const AMOUNTS = {
  requests: Count,
  estimatedRequests: Count.meta({
    description: "Of them, those whose tokens the engine did not tell and the platform counted or estimated.",
  }),
  promptTokens: Count,
  cachedTokens: Count.meta({ description: "Of the prompts' tokens, those that the engine still had." }),
  completionTokens: Count,
  reasoningTokens: Count.meta({ description: "Of the answers' tokens, those of reasoning." }),
  totalTokens: Count.meta({ description: "Of prompts and answers." }),
  cost: z.string().meta({
    description:
      "In the operator's currency, as a decimal with up to nine places: a text, for a number of JSON is read as binary floating point by most, and would be rounded.",
    example: "1.2345",
  }),
  queueMs: Count.meta({ description: "Milliseconds that requests waited." }),
  engineMs: Count.meta({ description: "Milliseconds that they were at engines." }),
  overheadMs: Count.meta({ description: "All their other milliseconds, which are the platform's own." }),
};

/** The amounts' names, in the order of a table's columns. */
export const USAGE_AMOUNTS = Object.keys(AMOUNTS) as (keyof typeof AMOUNTS)[];

/** Everything that was used within the period. */
export const UsageTotals = z.object(AMOUNTS).meta({ id: "UsageTotals" });
export type UsageTotals = z.infer<typeof UsageTotals>;

/** What was used of one group: with the members that were asked for in `groupBy`. */
export const UsageLine = z
  .object({
    hour: z.string().optional().meta({ example: "2026-11-23T10:00:00Z" }),
    day: z.string().optional().meta({ example: "2026-11-23" }),
    month: z.string().optional().meta({ example: "2026-11" }),
    workspace: z.string().optional(),
    key: z.string().optional(),
    model: z.string().optional(),
    engine: z.string().optional(),
    ...AMOUNTS,
  })
  .meta({ id: "UsageLine" });
export type UsageLine = z.infer<typeof UsageLine>;

/** What was used in a period. */
export const UsageReport = z
  .object({
    object: z.literal("usage"),
    from: z.string().meta({ description: "The first hour of the period.", example: "2026-11-01T00:00:00Z" }),
    to: z.string().meta({ description: "The first hour after it.", example: "2026-12-01T00:00:00Z" }),
    groupBy: z.array(UsageGroup).meta({ description: "By what the lines are sorted, too." }),
    asOf: z.string().meta({
      description:
        "Requests that had ended by then are counted. The numbers of the calling key, and of the key that is asked for in `key`, are those of this moment; those of other keys are up to 30 seconds old.",
      example: "2026-11-23T10:07:12.345Z",
    }),
    data: z.array(UsageLine).meta({ description: "A group in which nothing was used has no line." }),
    totals: UsageTotals.meta({ description: "Of the whole period, whatever part of its lines is here." }),
    hasMore: z.boolean(),
    next: z.string().nullable().meta({ description: "For `cursor`; null where there are no more lines." }),
  })
  .meta({ id: "UsageReport" });
export type UsageReport = z.infer<typeof UsageReport>;
