// CLOCK_MONOTONIC is one clock for all processes of a machine: a stamp that the engine writes can be read by the loader.
// `performance.now()` reads it fast, but starts at zero in each process.
// A process that is put aside between the two readings sees the difference too small, never too large.
const offsetMs = Math.max(
  ...Array.from({ length: 50 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()),
);

/** Now, in milliseconds with microseconds behind the point; comparable between processes of this machine. */
export const monotonicMs = (): number => performance.now() + offsetMs;

/** Width of a stamp, so that a chunk's length is known before its time is. */
const STAMP_DIGITS = 16;

/** A time as it is written into a chunk: whole microseconds, always the same width. */
export const writeStamp = (timeMs: number): string =>
  String(Math.round(timeMs * 1000)).padStart(STAMP_DIGITS, "0");

/** The time of the stamp at `at` in a text; undefined where there is none. */
export function readStamp(text: string, at: number): number | undefined {
  const digits = text.slice(at, at + STAMP_DIGITS);
  return /^\d{16}$/.test(digits) ? Number(digits) / 1000 : undefined;
}
