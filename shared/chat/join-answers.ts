import type { ChatCompletion } from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion } from "../contracts/completions.ts";
import { sumUsage } from "./sum-usage.ts";

/** Several, and never none. */
export type AtLeastOne<T> = readonly [T, ...T[]];

/** Where choice `index` of the `at`th answer of `n` stands among all: choices are numbered prompt by prompt. */
export const placeOf = (index: number, at: number, n: number): number => index * n + at;

/** All answers' choices, numbered anew, in their order. */
function joinChoices<Choice extends { readonly index: number }>(
  answers: readonly { readonly choices: readonly Choice[] }[],
): Choice[] {
  return answers
    .flatMap(({ choices }, at) =>
      choices.map((choice) => ({ ...choice, index: placeOf(choice.index, at, answers.length) })),
    )
    .toSorted((a, b) => a.index - b.index);
}

/** One chat answer of several to the same request, each of one choice: with the first one's id, time and model. */
export function joinChatAnswers(answers: AtLeastOne<ChatCompletion>): ChatCompletion {
  const [first, ...rest] = answers;
  const usage = sumUsage([first.usage, ...rest.map((each) => each.usage)]);
  return { ...first, choices: joinChoices(answers), usage };
}

/** Likewise for legacy completions; each answer has a choice for every prompt. Usage is told where all of them tell it. */
export function joinCompletionAnswers(answers: AtLeastOne<Completion>): Completion {
  const { usage: _, ...first } = answers[0];
  const told = answers.flatMap(({ usage }): Usage[] => (usage ? [usage] : []));
  const [one, ...others] = told;
  return {
    ...first,
    choices: joinChoices(answers),
    ...(one && told.length === answers.length && { usage: sumUsage([one, ...others]) }),
  };
}
