import { type Result, err, ok } from "../kernel/result.ts";
import { PRIORITIES, type Priority } from "./priority.ts";

/** A request that waits for an engine. */
export type QueueEntry = {
  readonly id: string;
  /** Whose request it is: those of one priority take turns by key, so nobody's thousand requests delay another's one. */
  readonly key: string;
  readonly priority: Priority;
  /** When it is of no use any more, in milliseconds. */
  readonly deadlineMs: number;
  /** The isolate that holds the request. */
  readonly holder: string;
};

/** The requests of one key, oldest first. */
type Group = { readonly key: string; readonly entries: readonly QueueEntry[] };

/** Who waits, as plain data: for each priority the keys in the order of their turns. */
export type WaitQueue = Readonly<Record<Priority, readonly Group[]>>;

/** What a queue is measured by. */
export type QueueTerms = {
  /** Most requests that may wait. */
  readonly max: number;
  /** Requests that the engine works on at once. */
  readonly slots: number;
  /** How long the engine works on one, on average. */
  readonly serviceMsAverage: number;
};

/** Why a request may not wait, and after how long it would be worth asking again if nobody else came. */
export type QueueRefusal = { readonly reason: "full" | "deadline"; readonly retryAfterMs: number };

/** Nobody waits. */
export const EMPTY_QUEUE: WaitQueue = { high: [], normal: [], low: [] };

/** Share of the places that requests of low priority may take: a batch must not shut out those who are waited for. */
const LOW_PLACES_SHARE = 0.5;

/** How many wait. */
export function lengthOf(queue: WaitQueue): number {
  let length = 0;
  for (const priority of PRIORITIES) for (const { entries } of queue[priority]) length += entries.length;
  return length;
}

/** All who wait, by priority and key. */
export const entriesOf = (queue: WaitQueue): QueueEntry[] =>
  PRIORITIES.flatMap((priority) => queue[priority].flatMap(({ entries }) => entries));

/**
 * Lets a request wait. It is refused at once where no place is left, or where its turn will come after its deadline:
 * better told now than after a wait in vain. A request that waits already keeps its place.
 */
export function enqueue(
  queue: WaitQueue,
  entry: QueueEntry,
  nowMs: number,
  terms: QueueTerms,
): Result<WaitQueue, QueueRefusal> {
  const entries = entriesOf(queue);
  if (entries.some(({ id }) => id === entry.id)) return ok(queue);
  const waitMs = waitMsOf(queue, entry, terms);
  const places = entry.priority === "low" ? Math.ceil(terms.max * LOW_PLACES_SHARE) : terms.max;
  if (entries.length >= places) return err({ reason: "full", retryAfterMs: atLeastOne(waitMs) });
  const patienceMs = entry.deadlineMs - nowMs;
  // When the queue has become shorter by what is too much of it, the same patience will do.
  if (waitMs > patienceMs) return err({ reason: "deadline", retryAfterMs: atLeastOne(waitMs - patienceMs) });
  return ok({ ...queue, [entry.priority]: joined(queue[entry.priority], entry) });
}

/** Drops some of those who wait; everybody else keeps their place. */
export function without(
  queue: WaitQueue,
  isGone: (entry: QueueEntry) => boolean,
): { readonly queue: WaitQueue; readonly dropped: readonly QueueEntry[] } {
  const dropped = entriesOf(queue).filter((entry) => isGone(entry));
  if (dropped.length === 0) return { queue, dropped };
  const left = (priority: Priority): readonly Group[] =>
    queue[priority]
      .map(({ key, entries }) => ({ key, entries: entries.filter((entry) => !isGone(entry)) }))
      .filter(({ entries }) => entries.length > 0);
  return { queue: { high: left("high"), normal: left("normal"), low: left("low") }, dropped };
}

/**
 * Takes the request whose turn it is, and drops those whose deadline has passed. The key that was served goes behind the
 * others of its priority.
 */
export function next(
  queue: WaitQueue,
  nowMs: number,
): { readonly queue: WaitQueue; readonly entry?: QueueEntry; readonly expired: readonly QueueEntry[] } {
  const { queue: left, dropped: expired } = without(queue, ({ deadlineMs }) => deadlineMs <= nowMs);
  for (const priority of PRIORITIES) {
    const [group, ...others] = left[priority];
    const [entry, ...rest] = group?.entries ?? [];
    if (!group || !entry) continue;
    const groups = rest.length > 0 ? [...others, { key: group.key, entries: rest }] : others;
    return { queue: { ...left, [priority]: groups }, entry, expired };
  }
  return { queue: left, expired };
}

/** Forgets a request, where it waits: its client left, or it found another engine. */
export const leave = (queue: WaitQueue, id: string): WaitQueue =>
  without(queue, (entry) => entry.id === id).queue;

/** How long a request would wait if it came now, in milliseconds: until as many have ended as come before it, and one. */
export function waitMsOf(
  queue: WaitQueue,
  asker: Pick<QueueEntry, "key" | "priority">,
  { slots, serviceMsAverage }: Pick<QueueTerms, "slots" | "serviceMsAverage">,
): number {
  return ((aheadOf(queue, asker) + 1) * serviceMsAverage) / Math.max(1, slots);
}

/** How many that wait now are served before one that comes now. */
function aheadOf(queue: WaitQueue, { key, priority }: Pick<QueueEntry, "key" | "priority">): number {
  const groups = queue[priority];
  const place = groups.findIndex((group) => group.key === key);
  const own = groups[place]?.entries.length ?? 0;
  let ahead = own;
  for (const [at, group] of groups.entries()) {
    if (at === place) continue;
    // Its turn is its key's (own + 1)th; a key before it in the round has had as many by then, one behind it one less.
    const turns = place < 0 || at < place ? own + 1 : own;
    ahead += Math.min(group.entries.length, turns);
  }
  for (const higher of PRIORITIES.slice(0, PRIORITIES.indexOf(priority)))
    for (const { entries } of queue[higher]) ahead += entries.length;
  return ahead;
}

function joined(groups: readonly Group[], entry: QueueEntry): readonly Group[] {
  if (!groups.some(({ key }) => key === entry.key)) return [...groups, { key: entry.key, entries: [entry] }];
  return groups.map((group) =>
    group.key === entry.key ? { key: group.key, entries: [...group.entries, entry] } : group,
  );
}

const atLeastOne = (delayMs: number): number => Math.max(1, Math.ceil(delayMs));
