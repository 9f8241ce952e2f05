import type { Usage } from "../contracts/common.ts";

type Details = Usage["completion_tokens_details"];

/** The details of several answers, their counts added up; undefined where none of them tells any. */
function sumDetails(all: readonly Details[]): Details {
  const told = all.filter((each) => each !== undefined);
  if (told.length === 0) return undefined;
  const sum: Record<string, unknown> = {};
  for (const [name, value] of told.flatMap((each) => Object.entries(each)))
    if (typeof value === "number") sum[name] = Number(sum[name] ?? 0) + value;
  return sum;
}

/**
 * The usage of one answer whose choices were asked for one by one: what they wrote is added up, and the prompt, which
 * all of them share, counts once. A count by the engine goes before an estimate of ours.
 */
export function sumUsage(usages: readonly [Usage, ...Usage[]]): Usage {
  const { prompt_tokens: prompt, prompt_tokens_details: promptDetails } =
    usages.find(({ estimated }) => !estimated) ?? usages[0];
  const completion = usages.reduce((sum, { completion_tokens }) => sum + completion_tokens, 0);
  const completionDetails = sumDetails(usages.map((each) => each.completion_tokens_details));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(promptDetails && { prompt_tokens_details: promptDetails }),
    ...(completionDetails && { completion_tokens_details: completionDetails }),
    ...(usages.some(({ estimated }) => estimated) && { estimated: true as const }),
  };
}
