import { hourOf } from "../limits/periods.ts";
import type { Booking } from "./messages.ts";

/** What was used of a model at an engine within an hour. */
export type Totals = {
  readonly hour: number;
  readonly model: string;
  readonly engine: string;
  requests: number;
  estimated: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  costNano: number;
  queueMs: number;
  engineMs: number;
  overheadMs: number;
  /** Changes that are not in the database yet. */
  unwritten: number;
};

/** Hours for which totals are kept behind their end: what is booked into them is written as a whole, so all must be known. */
const HOURS_KEPT = 1;

/** The hours' totals, by hour, model and engine. */
export type Book = Map<string, Totals>;

const keyOf = (hour: number, model: string, engine: string): string => `${hour} ${engine} ${model}`;

/**
 * Adds what a request has used to the hour in which it is booked; with `sign` -1 takes it away again. The hour that a
 * correction is for may have been given up: then it goes to the present one.
 */
export function addTo(
  book: Book,
  booking: Booking,
  nowMs: number,
  sign: 1 | -1 = 1,
  hour = hourOf(nowMs),
): void {
  const { model, engine } = booking;
  const key = [hour, hourOf(nowMs)].map((each) => keyOf(each, model, engine)).find((each) => book.has(each));
  const totals = (key === undefined ? undefined : book.get(key)) ?? {
    hour: hourOf(nowMs),
    model,
    engine,
    requests: 0,
    estimated: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    costNano: 0,
    queueMs: 0,
    engineMs: 0,
    overheadMs: 0,
    unwritten: 0,
  };
  if (key === undefined) book.set(keyOf(totals.hour, model, engine), totals);
  totals.requests += sign;
  totals.estimated += booking.estimated ? sign : 0;
  totals.promptTokens += sign * booking.promptTokens;
  totals.cachedTokens += sign * booking.cachedTokens;
  totals.completionTokens += sign * booking.completionTokens;
  totals.reasoningTokens += sign * booking.reasoningTokens;
  totals.costNano += sign * booking.costNano;
  totals.queueMs += sign * booking.queueMs;
  totals.engineMs += sign * booking.engineMs;
  totals.overheadMs += sign * booking.overheadMs;
  totals.unwritten += 1;
}

/** What has to be written, with how much of it each holds. */
export const unwritten = (book: Book): Totals[] =>
  [...book.values()].filter((totals) => totals.unwritten > 0).map((totals) => ({ ...totals }));

/** These have been written as they were then; hours that are over and written are forgotten. */
export function written(book: Book, rows: readonly Totals[], nowMs: number): void {
  for (const row of rows) {
    const totals = book.get(keyOf(row.hour, row.model, row.engine));
    if (totals) totals.unwritten -= row.unwritten;
  }
  for (const [key, totals] of book)
    if (totals.unwritten === 0 && totals.hour < hourOf(nowMs) - HOURS_KEPT) book.delete(key);
}
