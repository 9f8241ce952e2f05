import { hash32, rendezvousScore } from "./affinity.ts";
import type { EngineView } from "./engine-view.ts";
import { capacityOf, failedLately, inFlightOf } from "./load.ts";

/** How much fuller than the average an engine may be for requests to still follow their affinity to it. */
const AFFINITY_LOAD_MAX = 1.25;
/** Share of an engine up to which the average is not asked: an idle fleet gains nothing from spreading a session. */
const AFFINITY_FREE_SHARE = 0.25;
/** An engine that may be tried. */
export type Candidate = {
  readonly view: EngineView;
  /** Candidates of a lower group come before all of a higher one. */
  readonly group: number;
  readonly cost: number;
  /** Decides between candidates of the same cost. */
  readonly tie: number;
};

/**
 * The candidate for the first place, one of the best group: the one that the affinity names, else the better of two
 * drawn by weight. `candidates` are sorted by group; without any there is none.
 */
export function firstOf(
  candidates: readonly Candidate[],
  affinity: string | undefined,
  nowMs: number,
  random: () => number,
): Candidate | undefined {
  const [best] = candidates;
  if (!best) return undefined;
  const end = candidates.findIndex(({ group }) => group !== best.group);
  const group = end < 0 ? candidates : candidates.slice(0, end);
  if (group.length === 1) return best;
  const followed = affinity === undefined ? undefined : byAffinity(group, affinity, nowMs);
  return followed ?? betterOfTwo(group, random);
}

/** Spare engines are all alike. */
const weightOf = ({ view }: Candidate): number => (view.weight > 0 ? view.weight : 1);

/** Two different ones, drawn by weight; where they cost the same the first stays, so that weights hold in an idle fleet. */
function betterOfTwo(group: readonly Candidate[], random: () => number): Candidate | undefined {
  const first = drawn(group, undefined, random);
  const second = drawn(group, first, random);
  return first && second && second.cost < first.cost ? second : first;
}

function drawn(
  group: readonly Candidate[],
  without: Candidate | undefined,
  random: () => number,
): Candidate | undefined {
  let total = 0;
  for (const each of group) if (each !== without) total += weightOf(each);
  let left = random() * total;
  let last: Candidate | undefined;
  for (const each of group) {
    if (each === without) continue;
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
function byAffinity(group: readonly Candidate[], key: string, nowMs: number): Candidate | undefined {
  let total = 1;
  let weights = 0;
  for (const each of group) {
    total += inFlightOf(each.view);
    weights += weightOf(each);
  }
  const keyHash = hash32(key);
  let most: Candidate | undefined;
  let mostScore = -1;
  for (const each of group) {
    const { view } = each;
    const weight = weightOf(each);
    const share = Math.ceil((AFFINITY_LOAD_MAX * total * weight) / weights);
    const room = Math.max(share, Math.floor(capacityOf(view) * AFFINITY_FREE_SHARE));
    if (inFlightOf(view) + 1 > room || failedLately(view, nowMs)) continue;
    const score = rendezvousScore(keyHash, { id: view.id, weight });
    if (score > mostScore) [most, mostScore] = [each, score];
  }
  return most;
}
