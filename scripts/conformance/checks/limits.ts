import type { Usage } from "../../../shared/contracts/common.ts";
import type { Check } from "../check.ts";
import { failed } from "../trouble.ts";
import { type Claim, type Outcome, judge, quote, skip } from "../outcome.ts";

const LIMIT = 5;

/** What ends an answer, and what makes it the same again. */
export const limitChecks: readonly Check[] = [
  {
    id: "stop",
    title: "stops at a stop text, and does not say it",
    feature: "stop",
    async run(lab) {
      const free = await lab.text("stop");
      if (!free.ok) return failed(free.error);
      const text = free.value.content;
      const stop = wordInside(text);
      if (stop === undefined) return skip(`no word of ${quote(text)} to stop at`);
      const whole = await lab.text("stop", { stop });
      const streamed = await lab.streamText("stop-stream", { stop: [stop, "never said"] });
      if (!whole.ok) return failed(whole.error);
      if (!streamed.ok) return failed(streamed.error);
      const expected = text.slice(0, text.indexOf(stop));
      const [pieces] = streamed.value.choices;
      return judge(`at ${quote(stop)}`, [
        ...stopped(expected, whole.value.content, whole.value.finish),
        ...stopped(expected, pieces?.content ?? "", pieces?.finish),
      ]);
    },
  },
  {
    id: "limit",
    title: "ends at the limit of tokens, and says so",
    async run(lab) {
      const whole = await lab.text("limit", { max_tokens: LIMIT });
      const streamed = await lab.streamText("limit-stream", { max_tokens: LIMIT });
      if (!whole.ok) return failed(whole.error);
      if (!streamed.ok) return failed(streamed.error);
      return judge(`${LIMIT} tokens`, [
        ...limited(whole.value.finish, whole.value.usage),
        ...limited(streamed.value.choices[0]?.finish, streamed.value.usage),
      ]);
    },
  },
  {
    id: "limit-newer",
    title: "knows the limit by its newer name",
    feature: "chat",
    async run(lab) {
      const said = await lab.chat("limit-newer", { max_tokens: undefined, max_completion_tokens: LIMIT });
      if (!said.ok) return failed(said.error);
      const { choices, usage } = said.value;
      return judge(`${LIMIT} tokens`, limited(choices[0]?.finish_reason, usage));
    },
  },
  {
    id: "seed",
    title: "says the same again for a seed",
    feature: "seed",
    async run(lab) {
      const texts: string[] = [];
      for (const seed of [11, 11, 12, 13]) {
        const said = await lab.text("seed", { seed, temperature: 1.2, max_tokens: 24 });
        if (!said.ok) return failed(said.error);
        texts.push(said.value.content);
      }
      const [first = "", again = "", ...others] = texts;
      return judge(quote(first), [
        [first === again, `${quote(first)}, then ${quote(again)}`],
        [others.some((text) => text !== first), "other seeds say the same"],
      ]);
    },
  },
  {
    id: "sampling",
    title: "takes penalties and a bias of tokens",
    async run(lab): Promise<Outcome> {
      const { penalties, logit_bias: bias } = lab.adapter.abilities;
      const asked = [
        ...(penalties === "engine" ? [{ presence_penalty: 0.5 }, { frequency_penalty: 0.5 }] : []),
        ...(bias === "engine" ? [{ logit_bias: { "1": -100 } }] : []),
      ];
      const taken: string[] = [];
      for (const fields of asked) {
        const said = await lab.text("sampling", { ...fields, max_tokens: LIMIT });
        // Of the two penalties an engine may have one.
        if (!said.ok && said.error.by === "adapter") continue;
        if (!said.ok) return failed(said.error);
        taken.push(...Object.keys(fields));
      }
      if (asked.length === 0) return skip("the adapter refuses them");
      return judge(taken.join(", "), [[taken.length > 0, "the adapter refuses them all"]]);
    },
  },
];

/** A word from about the middle of a text, its space before it. */
function wordInside(text: string): string | undefined {
  const words = text.match(/ [\p{L}\p{N}]{3,}/gu) ?? [];
  return words.slice(Math.floor(words.length / 2)).find((word) => text.indexOf(word) > 0);
}

const stopped = (expected: string, content: string, finish: string | null | undefined): Claim[] => [
  [content === expected, `${quote(content)} where ${quote(expected)} was to come`],
  [finish === "stop", `ends with ${finish}, not stop`],
];

/** Tokens that nobody told are an estimate of the platform's, or missing: nothing to hold against the engine. */
const limited = (finish: string | null | undefined, usage: Usage | null | undefined): Claim[] => [
  [finish === "length", `ends with ${finish}, not length`],
  [
    usage == null || usage.estimated === true || usage.completion_tokens === LIMIT,
    `${usage?.completion_tokens} tokens, not ${LIMIT}`,
  ],
];
