/** Whether a process that has ended is worth starting again: not where it ends again and again. */
const ENDS_MAX = 5;
const WINDOW_MS = 60_000;

/**
 * The ends that still count after one more at `nowMs`, or undefined where they are too many to start it again. One
 * that ends now and then, over days, is always started again.
 */
export function countEnd(endsMs: readonly number[], nowMs: number): number[] | undefined {
  const recent = [...endsMs.filter((endMs) => nowMs - endMs < WINDOW_MS), nowMs];
  return recent.length > ENDS_MAX ? undefined : recent;
}
