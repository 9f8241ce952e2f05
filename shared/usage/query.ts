import {
  TIME_GROUPS,
  USAGE_GROUPS,
  USAGE_LINES,
  USAGE_LINES_MAX,
  type UsageGroup,
  UsageParameters,
} from "../contracts/usage.ts";
import { invalidRequest } from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { type Cursor, decodeCursor } from "./cursor.ts";
import { type Period, firstHourOf, periodOf } from "./period.ts";

/** What is wanted of the usage that a caller may see. */
export type UsageQuery = Period & {
  /** In the order of {@link USAGE_GROUPS}; at most one is a time, which is the first then. */
  readonly groups: readonly UsageGroup[];
  readonly only: Readonly<Partial<Record<"workspace" | "key" | "model" | "engine", string>>>;
  readonly limit: number;
  /** The values of the groups of the line behind which it goes on. */
  readonly after?: readonly string[];
};

/** How the answer is written. */
export type UsageFormat = "json" | "csv";

const refuse = (param: string, message: string) =>
  err({ kind: "invalid_request", param, message: `\`${param}\`: ${message}.` } as const);

/** Reads a query's parameters. What it does not know it refuses: a misspelt filter would be no filter. */
export function readUsageQuery(
  parameters: URLSearchParams,
  accept: string | null,
  nowMs: number,
): Result<{ readonly query: UsageQuery; readonly format: UsageFormat }, Failure> {
  const names = Object.keys(UsageParameters.shape);
  for (const name of parameters.keys()) {
    if (!names.includes(name)) return refuse(name, `is not known here; there are ${names.join(", ")}`);
    if (parameters.getAll(name).length > 1) return refuse(name, "is given more than once");
  }
  const parsed = UsageParameters.safeParse(Object.fromEntries(parameters));
  if (!parsed.success) return err(invalidRequest(parsed.error));
  const { from, to, groupBy, format: asked, limit, cursor: text, ...only } = parsed.data;
  const groups = groupsOf(groupBy);
  if (!groups.ok) return groups;
  const cursor = text === undefined ? undefined : decodeCursor(text);
  if (text !== undefined && !fits(cursor, groups.value))
    return refuse(
      "cursor",
      "is not of this list: it is `next` of the answer before, with the same `groupBy`",
    );
  const period = cursor && from === undefined && to === undefined ? ok(cursor) : periodOf(from, to, nowMs);
  if (!period.ok) return refuse(period.error.param, period.error.message);
  const { fromHour, toHour } = period.value;
  if (cursor && (cursor.fromHour !== fromHour || cursor.toHour !== toHour))
    return refuse(
      "cursor",
      "is of another period: leave out `from` and `to`, or send both as they are in the answer before",
    );
  const format = asked ?? (accept?.toLowerCase().includes("text/csv") ? "csv" : "json");
  return ok({
    format,
    query: {
      fromHour,
      toHour,
      groups: groups.value,
      only,
      limit: limit ?? (format === "csv" ? USAGE_LINES_MAX : USAGE_LINES),
      ...(cursor && { after: cursor.after }),
    },
  });
}

function groupsOf(text = "day"): Result<readonly UsageGroup[], Failure> {
  const asked = text.split(",").map((each) => each.trim());
  const unknown = asked.find((each) => !USAGE_GROUPS.some((group) => group === each));
  if (unknown !== undefined)
    return refuse("groupBy", `has \`${unknown}\`, which is none of ${USAGE_GROUPS.join(", ")}`);
  if (TIME_GROUPS.filter((group) => asked.includes(group)).length > 1)
    return refuse("groupBy", `has more than one of ${TIME_GROUPS.join(", ")}`);
  return ok(USAGE_GROUPS.filter((group) => asked.includes(group)));
}

/** Whether a cursor belongs to lines of these groups, and could have been made by us. */
function fits(cursor: Cursor | undefined, groups: readonly UsageGroup[]): boolean {
  if (!cursor || cursor.groups.join() !== groups.join()) return false;
  const [time] = timeOf(groups, cursor.after);
  return time === undefined || firstHourOf(time) !== undefined;
}

/** The value of the group that is a time, if one is. */
const timeOf = (groups: readonly UsageGroup[], values: readonly string[]): readonly string[] =>
  values.filter((_, at) => TIME_GROUPS.some((time) => time === groups[at]));

/** The first hour whose usage can be of a line that is still to come: what lies before it need not be read again. */
export function resumeHour({ fromHour, groups, after = [] }: UsageQuery): number {
  const [time] = timeOf(groups, after);
  return Math.max(fromHour, (time === undefined ? undefined : firstHourOf(time)) ?? fromHour);
}
