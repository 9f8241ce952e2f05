import type { ChatLogprobs } from "../../../shared/contracts/chat.ts";
import type { Check } from "../check.ts";
import { type Claim, fail, judge, pass, quote } from "../outcome.ts";
import { failed, isCallers, lacking, wordsOf } from "../trouble.ts";

const TOP = 2;
/** One pixel. */
const IMAGE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** What a chat may ask for besides a text. */
export const extraChecks: readonly Check[] = [
  {
    id: "logprobs",
    title: "tells log probabilities, whole and streamed",
    feature: "logprobs",
    async run(lab) {
      const asked = { logprobs: true, top_logprobs: TOP, max_tokens: 12 };
      const whole = await lab.chat("logprobs", asked);
      const streamed = await lab.streamChat("logprobs-stream", asked);
      if (!whole.ok) return failed(whole.error);
      if (!streamed.ok) return failed(streamed.error);
      const [choice] = whole.value.choices;
      const tokens = choice?.logprobs?.content ?? [];
      const pieces = streamed.value.choices[0]?.logprobs ?? [];
      const text = choice?.message.content ?? "";
      return judge(`${tokens.length} tokens`, [
        ...shaped(tokens, text),
        [
          pieces.map(({ token }) => token).join("") === tokens.map(({ token }) => token).join(""),
          `${pieces.length} tokens in a stream, ${tokens.length} whole`,
        ],
      ]);
    },
  },
  {
    id: "choices",
    title: "gives several choices, whole and streamed",
    feature: "several_choices",
    async run(lab) {
      const asked = { n: 2, temperature: 1, max_tokens: 12 };
      const whole = await lab.chat("choices", asked);
      const streamed = await lab.streamChat("choices-stream", asked);
      if (!whole.ok) return lacking(whole.error);
      if (!streamed.ok) return lacking(streamed.error);
      const { choices, usage } = whole.value;
      const indices = choices.map(({ index }) => index).toSorted((a, b) => a - b);
      const ends = streamed.value.choices.map(({ finish }) => finish);
      return judge(`${choices.length}, ${usage.completion_tokens} tokens`, [
        [indices.join() === "0,1", `choices ${indices.join()}`],
        [choices.every(({ message }) => message.content !== ""), "an empty choice"],
        [ends.length === 2 && ends.every((end) => end !== undefined), `ends of a stream: ${ends.join()}`],
        [streamed.value.choices.every(({ content }) => content !== ""), "an empty choice in a stream"],
        [usage.completion_tokens > 12, `${usage.completion_tokens} tokens for two choices`],
        [
          (streamed.value.usage?.completion_tokens ?? 0) > 12,
          `${streamed.value.usage?.completion_tokens} tokens for two choices in a stream`,
        ],
      ]);
    },
  },
  {
    id: "images",
    title: "sees an image, or says that it cannot",
    feature: "images",
    async run(lab) {
      const content = [
        { type: "text" as const, text: "What is this?" },
        { type: "image_url" as const, image_url: { url: IMAGE } },
      ];
      const said = await lab.chat("images", { messages: [{ role: "user", content }], max_tokens: 8 });
      if (said.ok) return pass(quote(said.value.choices[0]?.message.content ?? ""));
      return isCallers(said.error)
        ? pass(wordsOf(said.error))
        : fail(`the caller's mistake is a ${wordsOf(said.error)}`);
    },
  },
  {
    id: "reasoning",
    title: "takes an effort to reason, or says that it cannot",
    feature: "reasoning",
    async run(lab) {
      const said = await lab.chat("reasoning", { reasoning_effort: "low", max_tokens: 32 });
      if (said.ok) {
        const thought = said.value.choices[0]?.message.reasoning_content ?? "";
        return pass(thought === "" ? "the model does not reason" : quote(thought));
      }
      return lacking(said.error);
    },
  },
];

function shaped(tokens: NonNullable<ChatLogprobs["content"]>, text: string): Claim[] {
  const bytes = tokens.flatMap((each) => each.bytes ?? [...new TextEncoder().encode(each.token)]);
  const joined = new TextDecoder().decode(new Uint8Array(bytes));
  return [
    [tokens.length > 0, "there are none"],
    [
      tokens.every(({ logprob }) => logprob <= 0 && Number.isFinite(logprob)),
      "one is no logarithm of a probability",
    ],
    [
      tokens.every(({ top_logprobs: top }) => top.length > 0 && top.length <= TOP + 1),
      `not ${TOP} alternatives each: ${tokens.map(({ top_logprobs: top }) => top.length).join()}`,
    ],
    // What ends the answer is a token too, and no text.
    [joined.startsWith(text), `tokens ${quote(joined)} of the text ${quote(text)}`],
  ];
}
