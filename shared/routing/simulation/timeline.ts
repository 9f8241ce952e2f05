type Happening = { readonly atMs: number; readonly order: number; readonly happen: () => void };

/** Time that passes only from one event to the next. */
export type Timeline = {
  nowMs(): number;
  /** Lets something happen after a while; what was asked for first happens first. */
  after(delayMs: number, happen: () => void): void;
  /** Lets everything happen that is due until then. */
  runUntil(untilMs: number): void;
};

/** A timeline that begins at 0, as a heap of what is to happen. */
export function newTimeline(): Timeline {
  const heap: Happening[] = [];
  let nowMs = 0;
  let order = 0;
  return {
    nowMs: () => nowMs,
    after: (delayMs, happen) => push(heap, { atMs: nowMs + delayMs, order: order++, happen }),
    runUntil: (untilMs) => {
      for (let first = heap[0]; first && first.atMs <= untilMs; first = heap[0]) {
        pop(heap);
        nowMs = first.atMs;
        first.happen();
      }
      nowMs = untilMs;
    },
  };
}

const isSooner = (a: Happening, b: Happening): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Happening[], item: Happening): void {
  let at = heap.length;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (!parent || !isSooner(item, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = item;
}

function pop(heap: Happening[]): void {
  const item = heap.pop();
  if (!item || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const child = left && right && isSooner(right, left) ? right : left;
    if (!child || !isSooner(child, item)) break;
    heap[at] = child;
    at = 2 * at + (child === left ? 1 : 2);
  }
  heap[at] = item;
}
