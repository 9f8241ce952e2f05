/** Length of a day, in milliseconds. */
export const DAY_MS = 86_400_000;
/** Length of an hour, in milliseconds. */
export const HOUR_MS = 3_600_000;

/** Days since 1970 (UTC). */
export const dayOf = (nowMs: number): number => Math.floor(nowMs / DAY_MS);

/** Hours since 1970 (UTC). */
export const hourOf = (nowMs: number): number => Math.floor(nowMs / HOUR_MS);

/** Months since the year 0 (UTC). */
export function monthOf(nowMs: number): number {
  const date = new Date(nowMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** When a month begins, in milliseconds since 1970. */
export const monthStartMs = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12, 1);

/** What has been used in a calendar day or month: tokens, and cost in billionths. */
export type Period = { index: number; tokens: number; costNano: number };

/** Begins anew where the period has changed. A clock that went back changes nothing. */
export function roll(period: Period, index: number): void {
  if (index <= period.index) return;
  period.index = index;
  period.tokens = 0;
  period.costNano = 0;
}
