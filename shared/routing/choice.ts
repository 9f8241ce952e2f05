import { hash32, rendezvousScore } from "./affinity.ts";
import type { EngineView } from "./engine-view.ts";
import { capacityOf, costOf, failedLately, inFlightOf } from "./load.ts";

/** How much fuller than the average an engine may be for requests to still follow their affinity to it. */
const AFFINITY_LOAD_MAX = 1.25;
/** Share of an engine up to which the average is not asked: an idle fleet gains nothing from spreading a session. */
const AFFINITY_FREE_SHARE = 0.25;
/**
 * The engine for the first place, one of a group whose engines are all as fit: the one that the affinity names, else the
 * better of two drawn by weight. None where the group is empty.
 */
export function firstOf(
  group: readonly EngineView[],
  affinity: string | undefined,
  nowMs: number,
  random: () => number,
): EngineView | undefined {
  if (group.length < 2) return group[0];
  const followed = affinity === undefined ? undefined : byAffinity(group, affinity, nowMs);
  return followed ?? betterOfTwo(group, nowMs, random);
}

/** Spare engines are all alike. */
const weightOf = ({ weight }: EngineView): number => (weight > 0 ? weight : 1);

/** Two different ones, drawn by weight; where they cost the same the first stays, so that weights hold in an idle fleet. */
function betterOfTwo(
  group: readonly EngineView[],
  nowMs: number,
  random: () => number,
): EngineView | undefined {
  const first = drawn(group, undefined, random);
  const second = drawn(group, first, random);
  return first && second && costOf(second, nowMs) < costOf(first, nowMs) ? second : first;
}

function drawn(
  group: readonly EngineView[],
  except: EngineView | undefined,
  random: () => number,
): EngineView | undefined {
  let total = 0;
  for (const each of group) if (each !== except) total += weightOf(each);
  let left = random() * total;
  let last: EngineView | undefined;
  for (const each of group) {
    if (each === except) continue;
    last = each;
    left -= weightOf(each);
    if (left < 0) break;
  }
  return last;
}

/**
 * The engine that the key wants most among those with room: rendezvous hashing with bounded load
 * (https://research.google/blog/consistent-hashing-with-bounded-loads). Undefined where requests have just failed on
 * all of them.
 */
function byAffinity(group: readonly EngineView[], key: string, nowMs: number): EngineView | undefined {
  let total = 1;
  let weights = 0;
  for (const view of group) {
    total += inFlightOf(view);
    weights += weightOf(view);
  }
  const keyHash = hash32(key);
  let most: EngineView | undefined;
  let mostScore = -1;
  for (const view of group) {
    const weight = weightOf(view);
    const share = Math.ceil((AFFINITY_LOAD_MAX * total * weight) / weights);
    const room = Math.max(share, Math.floor(capacityOf(view) * AFFINITY_FREE_SHARE));
    if (inFlightOf(view) + 1 > room || failedLately(view, nowMs)) continue;
    const score = rendezvousScore(keyHash, { id: view.id, weight });
    if (score > mostScore) [most, mostScore] = [view, score];
  }
  return most;
}
