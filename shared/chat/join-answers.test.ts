import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatCompletion } from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion } from "../contracts/completions.ts";
import { joinChatAnswers, joinCompletionAnswers } from "./join-answers.ts";
import { sumUsage } from "./sum-usage.ts";

const usage = (prompt: number, completion: number, more: Partial<Usage> = {}): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  ...more,
});

const answer = (text: string, told = usage(7, 2)): ChatCompletion => ({
  id: `chatcmpl-${text}`,
  object: "chat.completion",
  created: text.length,
  model: "m",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: told,
});

const completion = (texts: readonly string[], told: Completion["usage"]): Completion => ({
  id: "cmpl-1",
  object: "text_completion",
  created: 1,
  model: "m",
  choices: texts.map((text, index) => ({ index, text, logprobs: null, finish_reason: "length" })),
  usage: told,
});

describe("the answers to several choices", () => {
  it("are one answer, of the first one's id and time, with the choices in their order", () => {
    const joined = joinChatAnswers([answer("a"), answer("bb", usage(7, 5)), answer("ccc")]);
    expect(joined).toMatchObject({ id: "chatcmpl-a", created: 1, model: "m", usage: usage(7, 9) });
    expect(joined.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, "a"],
      [1, "bb"],
      [2, "ccc"],
    ]);
  });

  it("are the only answer as it is", () => {
    expect(joinChatAnswers([answer("a")])).toEqual(answer("a"));
  });

  it("are numbered prompt by prompt, as OpenAI numbers them", () => {
    const joined = joinCompletionAnswers([
      completion(["p0 n0", "p1 n0"], usage(4, 2)),
      completion(["p0 n1", "p1 n1"], usage(4, 2)),
    ]);
    expect(joined.choices.map(({ index, text }) => `${index}: ${text}`)).toEqual([
      "0: p0 n0",
      "1: p0 n1",
      "2: p1 n0",
      "3: p1 n1",
    ]);
    expect(joined.usage).toEqual(usage(4, 4));
  });

  it("tell no usage where one of them tells none", () => {
    const untold = joinCompletionAnswers([completion(["a"], usage(4, 2)), completion(["b"], null)]);
    expect(untold).not.toHaveProperty("usage");
  });

  it("have every choice once, whatever was asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat({ max: 99 }), { minLength: 8, maxLength: 8 }),
        (n, prompts, counts) => {
          const all = Array.from({ length: n }, (_, at) =>
            completion(
              Array.from({ length: prompts }, (_, prompt) => `${prompt}/${at}`),
              usage(5, counts[at] ?? 0),
            ),
          );
          const [first, ...rest] = all;
          if (!first) return;
          const { choices, usage: told } = joinCompletionAnswers([first, ...rest]);
          expect(choices.map(({ index }) => index)).toEqual(
            Array.from({ length: n * prompts }, (_, at) => at),
          );
          for (const { index, text } of choices) expect(text).toBe(`${Math.floor(index / n)}/${index % n}`);
          expect(told).toEqual(
            usage(
              5,
              counts.slice(0, n).reduce((sum, each) => sum + each, 0),
            ),
          );
        },
      ),
    );
  });
});

describe("the usage of several choices", () => {
  it("has the details added up, and the prompt's once", () => {
    const details = (reasoning_tokens: number) => ({
      completion_tokens_details: { reasoning_tokens },
      prompt_tokens_details: { cached_tokens: 3 },
    });
    expect(sumUsage([usage(7, 2, details(1)), usage(7, 5, details(4)), usage(7, 1)])).toEqual(
      usage(7, 8, details(5)),
    );
  });

  it("is estimated where a part of it is, with the prompt as the engine counted it", () => {
    expect(sumUsage([usage(9, 2, { estimated: true }), usage(7, 5)])).toEqual(
      usage(7, 7, { estimated: true }),
    );
  });
});
