/** Width of a bucket, in milliseconds. */
export const BUCKET_MS = 250;
/** What slides: a minute, in milliseconds. */
export const WINDOW_MS = 60_000;
/**
 * Buckets for which an amount counts: the window, the bucket that it came into, and one more, for what is let in here
 * arrives elsewhere a little later. It counts for 60.25 to 60.5 s: in no window of 60 s is there more than the limit (an
 * error of 0 over), and capacity comes back half a second late at most.
 */
const BUCKETS = WINDOW_MS / BUCKET_MS + 2;

/** A sum over the last minute. */
export type Slide = {
  /** The newest bucket, counted from 1970. */
  head: number;
  sum: number;
  /** By bucket, modulo their number. */
  readonly amounts: Float64Array;
};

/** The sum of nothing. */
export const newSlide = (): Slide => ({ head: 0, sum: 0, amounts: new Float64Array(BUCKETS) });

/** The bucket of a moment. */
export const bucketOf = (nowMs: number): number => Math.floor(nowMs / BUCKET_MS);

/** Forgets what is older than the window. A clock that went back changes nothing. */
export function advance(slide: Slide, nowMs: number): void {
  const now = bucketOf(nowMs);
  const steps = Math.min(now - slide.head, BUCKETS);
  for (let step = 1; step <= steps; step++) {
    const at = (slide.head + step) % BUCKETS;
    slide.sum -= slide.amounts[at] ?? 0;
    slide.amounts[at] = 0;
  }
  if (steps === BUCKETS) slide.sum = 0;
  if (now > slide.head) slide.head = now;
}

/** Adds to a bucket (a negative amount takes away); one that has left the window takes nothing more. */
export function addAt(slide: Slide, bucket: number, amount: number): void {
  const into = Math.min(bucket, slide.head);
  if (into <= slide.head - BUCKETS) return;
  const at = into % BUCKETS;
  slide.amounts[at] = (slide.amounts[at] ?? 0) + amount;
  slide.sum += amount;
}

/** Milliseconds until at least `amount` has left the window; until all has, where there is less. */
export function leavesInMs(slide: Slide, amount: number, nowMs: number): number {
  let left = 0;
  let last = slide.head;
  for (let age = BUCKETS - 1; age >= 0; age--) {
    const bucket = slide.head - age;
    const here = bucket < 0 ? 0 : (slide.amounts[bucket % BUCKETS] ?? 0);
    if (here <= 0) continue;
    left += here;
    last = bucket;
    if (left >= amount) break;
  }
  return left <= 0 ? 0 : Math.max(0, (last + BUCKETS) * BUCKET_MS - nowMs);
}

/** What of it has to be stored: the buckets that hold something. */
export const storedSlide = ({ head, amounts }: Slide): readonly (readonly [number, number])[] => {
  const stored: [number, number][] = [];
  for (let age = BUCKETS - 1; age >= 0; age--) {
    const bucket = head - age;
    const amount = bucket < 0 ? 0 : (amounts[bucket % BUCKETS] ?? 0);
    if (amount !== 0) stored.push([bucket, amount]);
  }
  return stored;
};

/** The same again. */
export function slideFrom(stored: readonly (readonly [number, number])[]): Slide {
  const slide = newSlide();
  const newest = stored.at(-1);
  if (newest) slide.head = newest[0];
  for (const [bucket, amount] of stored) addAt(slide, bucket, amount);
  return slide;
}
