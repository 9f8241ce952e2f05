import type { Asked } from "./load.ts";

/** What the books hold of a key: of requests whose usage was told, and of those that were booked as estimated. */
export type Books = {
  readonly exact: { readonly requests: number; readonly tokens: number };
  readonly estimated: { readonly requests: number; readonly tokens: number };
};

/** Most answers that were booked, and whose client did not see their end any more, of which all choices are tried. */
const UNSEEN_MAX = 4;

/**
 * What is wrong with the books of a key whose platform was killed; undefined where nothing is. Every finished answer is
 * there once and exactly; every other that its engine has had is there too: exactly, where only its last bytes were lost, or
 * estimated, between its prompt and what was set aside.
 */
export function judge(
  asked: readonly Asked[],
  { exact, estimated }: Books,
  atEngine: number,
): string | undefined {
  const finished = asked.filter((each) => each.finished);
  const others = asked.filter((each) => !each.finished);
  const wrong = finished.find((each) => each.wrong);
  if (wrong)
    return `a client was told ${JSON.stringify(wrong.wrong)}, predicted was ${JSON.stringify(wrong)}`;
  const unseen = exact.requests - finished.length;
  const all = exact.requests + estimated.requests;
  if (unseen < 0) return `${finished.length} answers were finished, ${exact.requests} are in the books`;
  if (all > asked.length) return `${asked.length} requests were made, ${all} are in the books`;
  if (all < atEngine) return `the engine had ${atEngine} requests, ${all} are in the books`;
  const rest = exact.tokens - sum(finished.map(totalOf));
  if (unseen <= UNSEEN_MAX && !isSumOf(rest, unseen, others.map(totalOf)))
    return `${exact.tokens} tokens are in the books, ${rest} more than those of the finished answers`;
  const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
  const least = sum(ascending(others.map(({ promptTokens }) => promptTokens)).slice(0, estimated.requests));
  const most = sum(
    ascending(others.map(({ reservedMax }) => reservedMax)).slice(others.length - estimated.requests),
  );
  if (estimated.tokens < least || estimated.tokens > most)
    return `${estimated.tokens} tokens are estimated, which should be ${least} to ${most}`;
  return undefined;
}

const totalOf = ({ promptTokens, completionTokens }: Asked): number => promptTokens + completionTokens;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Whether `count` of the values make up the sum. */
function isSumOf(target: number, count: number, values: readonly number[]): boolean {
  if (count === 0) return target === 0;
  return values.some((value, at) => isSumOf(target - value, count - 1, values.slice(at + 1)));
}
