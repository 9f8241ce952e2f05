import { z } from "zod";
import { type Result, err, ok } from "../kernel/result.ts";

export const HOUR_MS = 3_600_000;
const HOURS_PER_DAY = 24;

/** Days of the period that is meant where nobody says one, and of the longest there may be. */
const DAYS_DEFAULT = 30;
const DAYS_MAX = 400;

/** Whole hours, counted since 1970: `toHour` is the first that is not in it. */
export type Period = { readonly fromHour: number; readonly toHour: number };

/** Whether a period is one that may be asked for, whoever says so. */
export const isPeriod = ({ fromHour, toHour }: Period): boolean =>
  Math.abs(fromHour) < HOURS_MAX && toHour > fromHour && toHour - fromHour <= DAYS_MAX * HOURS_PER_DAY;

/** Beyond the year 9999, which no date can say. */
const HOURS_MAX = 100_000_000;

/** What is wrong with which of the two. */
export type PeriodFault = { readonly param: "from" | "to"; readonly message: string };

const Time = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** The period that is meant, in whole hours: what begins or ends within an hour has all of it. */
export function periodOf(
  from: string | undefined,
  to: string | undefined,
  nowMs: number,
): Result<Period, PeriodFault> {
  const end = to === undefined ? ok(nowMs) : timeOf(to);
  if (!end.ok) return err({ param: "to", message: end.error });
  // `now` is within an hour that has begun: all that was used in it is meant.
  const toHour = to === undefined ? Math.floor(nowMs / HOUR_MS) + 1 : Math.ceil(end.value / HOUR_MS);
  if (from === undefined) return ok({ fromHour: toHour - DAYS_DEFAULT * HOURS_PER_DAY, toHour });
  const begin = timeOf(from);
  if (!begin.ok) return err({ param: "from", message: begin.error });
  const fromHour = Math.floor(begin.value / HOUR_MS);
  if (fromHour >= toHour) return err({ param: "from", message: "must be before `to`" });
  if (toHour - fromHour > DAYS_MAX * HOURS_PER_DAY)
    return err({ param: "from", message: `must be at most ${DAYS_MAX} days before \`to\`` });
  return ok({ fromHour, toHour });
}

function timeOf(text: string): Result<number, string> {
  // In an address `+` is a space: `10:00+02:00` comes as `10:00 02:00` unless its sender knew.
  const parsed = Time.safeParse(text.replace(/ (?=\d\d:\d\d$)/, "+"));
  return parsed.success
    ? ok(Date.parse(parsed.data))
    : err("must be a date like `2026-11-23`, or a time with its zone like `2026-11-23T10:00:00Z`");
}

/** An hour since 1970 as text. */
export const hourText = (hour: number): string =>
  new Date(hour * HOUR_MS).toISOString().replace(".000Z", "Z");

/** The first hour of a time as lines have it: of an hour, a day or a month. Undefined where it is none. */
export function firstHourOf(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / HOUR_MS);
}
