import { asList, asObject } from "../kernel/json.ts";

/** Log probabilities in the form of OpenAI's legacy completions: parallel lists, an entry for each token. */
export type CompletionLogprobs = {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly number[];
  readonly top_logprobs: readonly Readonly<Record<string, number>>[];
  /** Where each token begins in the answer, in UTF-16 code units. */
  readonly text_offset: readonly number[];
};

/**
 * llama-server gives log probabilities of a completion in the form of a chat, `{content: [...]}`. Undefined for any
 * other form. `offset` is where the first token begins in the answer.
 */
export function completionLogprobs(value: unknown, offset: number): CompletionLogprobs | undefined {
  const content = asObject(value)?.content;
  if (!Array.isArray(content)) return undefined;
  const entries = content.map((each) => {
    const entry = asObject(each) ?? {};
    return { token: String(entry.token), logprob: Number(entry.logprob), top: asList(entry.top_logprobs) };
  });
  let at = offset;
  return {
    tokens: entries.map(({ token }) => token),
    token_logprobs: entries.map(({ logprob }) => logprob),
    top_logprobs: entries.map(({ token, logprob, top }) => {
      const likely = top.map((each) => asObject(each) ?? {});
      return {
        ...Object.fromEntries(likely.map((each) => [String(each.token), Number(each.logprob)])),
        [token]: logprob,
      };
    }),
    text_offset: entries.map(({ token }) => (at += token.length) - token.length),
  };
}

/** Puts the log probabilities of a completion's chunks, or of its whole answer, into OpenAI's form, in place. */
export function completionMender(): (chunk: Record<string, unknown>) => void {
  const sent = new Map<number, number>();
  return (chunk) => {
    for (const each of asList(chunk.choices)) {
      const choice = asObject(each);
      if (!choice) continue;
      const index = typeof choice.index === "number" ? choice.index : 0;
      const offset = sent.get(index) ?? 0;
      choice.logprobs = completionLogprobs(choice.logprobs, offset) ?? choice.logprobs;
      sent.set(index, offset + (typeof choice.text === "string" ? choice.text.length : 0));
    }
  };
}
