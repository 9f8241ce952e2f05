import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import type { EngineRequest, Written } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { type Outcome, fail, judge, quote, skip } from "../outcome.ts";
import { failed, wordsOf } from "../trouble.ts";
import type { StreamedChoice } from "../streamed.ts";

/** Where an answer is cut: after so many of its pieces, by share. */
const SHARES = [0.1, 0.25, 0.4, 0.5, 0.65, 0.8, 0.9];

type Body = ChatRequest | CompletionRequest;
type Continue = (written: Written) => Result<EngineRequest, Failure>;

/** A text that broke off goes on. */
export const continuationChecks: readonly Check[] = [
  {
    id: "continue",
    title: "goes on with a chat that broke off",
    feature: "continuation",
    async run(lab) {
      if (lab.adapter.abilities.chat === "refused") return skip("it has no chats");
      const resume = lab.adapter.chat.continue;
      if (!resume) return skip("the adapter has no continuation of a chat");
      const whole = await lab.streamChat("continue-whole");
      if (!whole.ok) return failed(whole.error);
      const asked = lab.call(lab.bodies.chat({ stream: true }));
      return cutAndJoined(lab, "continue", asked.body, whole.value.choices[0], (written) =>
        resume(asked, written),
      );
    },
  },
  {
    id: "continue-completion",
    title: "goes on with a completion that broke off",
    feature: "continuation",
    async run(lab) {
      const resume = lab.adapter.completion.continue;
      if (!resume) return skip("the adapter has no continuation of a completion");
      const whole = await lab.streamCompletion("continue-completion-whole");
      if (!whole.ok) return failed(whole.error);
      const asked = lab.call(lab.bodies.completion({ stream: true }));
      return cutAndJoined(lab, "continue-completion", asked.body, whole.value.choices[0], (written) =>
        resume(asked, written),
      );
    },
  },
];

async function cutAndJoined(
  lab: Lab,
  name: string,
  body: Body,
  whole: StreamedChoice | undefined,
  resume: Continue,
): Promise<Outcome> {
  if (!whole || whole.pieces.length < 4) return skip("the answer is too short to be cut");
  const cuts = [...new Set(SHARES.map((share) => Math.max(1, Math.floor(whole.pieces.length * share))))];
  let equal = 0;
  for (const tokens of cuts) {
    const text = whole.pieces.slice(0, tokens).join("");
    const said = await lab.speaker.askStream(name, body, resume({ text, tokens }));
    if (!said.ok) return fail(`cut after ${tokens} pieces: ${wordsOf(said.error)}`);
    const rest = said.value.choices[0]?.content ?? "";
    const expected = whole.content.slice(text.length);
    if (rest === expected) equal += 1;
    const wrong = faultOfRest(text, rest, expected);
    if (wrong !== undefined) return fail(`cut after ${tokens} pieces: ${wrong}`);
  }
  return judge(`${equal} of ${cuts.length} joined texts are the unbroken one`, [
    [equal > 0, "no joined text is the unbroken one"],
  ]);
}

/** What is lost or doubled at the seam. A model may go on in other words: its own affair. */
export function faultOfRest(written: string, rest: string, expected: string): string | undefined {
  const head = written.trimStart().slice(0, 24);
  if (head.length >= 8 && rest.trimStart().startsWith(head)) return `it begins anew: ${quote(rest)}`;
  const space = (text: string): string => /^\s*/.exec(text)?.[0] ?? "";
  if (rest.trimStart() === expected.trimStart() && space(rest) !== space(expected))
    return `${quote(space(rest))} for ${quote(space(expected))} at the seam`;
  return undefined;
}
