import { PROMPT } from "../bodies.ts";
import type { Check } from "../check.ts";
import { type Outcome, fail, judge, pass, quote } from "../outcome.ts";
import type { Lab } from "../lab.ts";
import { type Trouble, failed, isCallers, wordsOf } from "../trouble.ts";

/** Legacy completions. */
export const completionChecks: readonly Check[] = [
  {
    id: "completion",
    title: "goes on with a text, the same whole and streamed",
    feature: "completion",
    async run(lab) {
      const whole = await lab.completion("completion");
      const streamed = await lab.streamCompletion("completion-stream");
      if (!whole.ok) return failed(whole.error);
      if (!streamed.ok) return failed(streamed.error);
      const [choice] = whole.value.choices;
      const [pieces] = streamed.value.choices;
      const { usage } = whole.value;
      return judge(quote(choice?.text ?? ""), [
        [choice?.text !== "", "its answer is empty"],
        [
          choice?.text === pieces?.content,
          `whole ${quote(choice?.text ?? "")}, streamed ${quote(pieces?.content ?? "")}`,
        ],
        [
          choice?.finish_reason === pieces?.finish,
          `ends with ${pieces?.finish}, not ${choice?.finish_reason}`,
        ],
        [(usage?.prompt_tokens ?? 0) > 0 && (usage?.completion_tokens ?? 0) > 0, "it tells no usage"],
        [
          lab.adapter.abilities.usage_in_streams !== "engine" ||
            streamed.value.usage?.completion_tokens === usage?.completion_tokens,
          `${streamed.value.usage?.completion_tokens} tokens in a stream, ${usage?.completion_tokens} whole`,
        ],
      ]);
    },
  },
  {
    id: "echo",
    title: "says the prompt first where asked, or refuses",
    feature: "completion",
    run: (lab) => doneOrRefused(lab, "echo", { echo: true }, (text) => text.startsWith(PROMPT)),
  },
  {
    id: "completion-logprobs",
    title: "tells log probabilities of a completion, or refuses",
    feature: "completion",
    async run(lab) {
      const said = await lab.completion("completion-logprobs", { logprobs: 1, max_tokens: 6 });
      if (!said.ok) return refusedOrFailed(said.error);
      const logprobs = said.value.choices[0]?.logprobs as Record<string, unknown> | null | undefined;
      const lists = ["tokens", "token_logprobs", "top_logprobs", "text_offset"].map(
        (name) => logprobs?.[name],
      );
      return judge("four lists", [
        [
          lists.every((list) => Array.isArray(list)),
          `not OpenAI's lists: ${quote(JSON.stringify(logprobs))}`,
        ],
        [
          lists.every((list) => Array.isArray(list) && list.length === 6),
          "the lists are not of 6 tokens each",
        ],
      ]);
    },
  },
];

type Asked = Parameters<Lab["completion"]>[1];

async function doneOrRefused(
  lab: Lab,
  name: string,
  asked: Asked,
  done: (text: string) => boolean,
): Promise<Outcome> {
  const said = await lab.completion(name, asked);
  if (!said.ok) return refusedOrFailed(said.error);
  const text = said.value.choices[0]?.text ?? "";
  return done(text) ? pass(quote(text)) : fail(`taken, and not done: ${quote(text)}`);
}

const refusedOrFailed = (trouble: Trouble): Outcome =>
  isCallers(trouble) ? pass(wordsOf(trouble)) : failed(trouble);
