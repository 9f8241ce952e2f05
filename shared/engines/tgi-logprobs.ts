import type { ChatLogprobs } from "../contracts/chat.ts";
import { asList, asObject } from "../kernel/json.ts";
import type { CompletionLogprobs } from "./llama-cpp-logprobs.ts";

const utf8 = new TextEncoder();

const tokenOf = (value: unknown) => {
  const { token, text, logprob } = asObject(value) ?? {};
  const said = String(token ?? text ?? "");
  return { token: said, logprob: Number(logprob ?? 0), bytes: [...utf8.encode(said)] };
};

/** TGI's entries with the bytes that OpenAI's types require. */
export const readEntries = (logprobs: unknown): NonNullable<ChatLogprobs["content"]> =>
  asList(asObject(logprobs)?.content).map((each) => ({
    ...tokenOf(each),
    top_logprobs: asList(asObject(each)?.top_logprobs).map(tokenOf),
  }));

/** As many entries as it takes for their texts to be `chars` characters. Those behind a stop text are of no text. */
export function entriesOf<Entry extends { readonly token: string }>(
  entries: readonly Entry[],
  chars: number,
): Entry[] {
  let at = 0;
  return entries.filter(({ token }) => {
    const begins = at;
    at += token.length;
    return begins < chars;
  });
}

/** The tokens of a native answer as OpenAI's legacy completions tell them, for the first `chars` characters of its text. */
export function legacyLogprobs(
  details: Readonly<Record<string, unknown>>,
  chars: number,
): CompletionLogprobs {
  const likely = asList(details.top_tokens);
  const told = asList(details.tokens).flatMap((each, at) =>
    asObject(each)?.special === true ? [] : [{ ...tokenOf(each), likely: asList(likely[at]).map(tokenOf) }],
  );
  const tokens = entriesOf(told, chars);
  let at = 0;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ token, logprob, likely: others }) => ({
      ...Object.fromEntries(others.map((other) => [other.token, other.logprob])),
      [token]: logprob,
    })),
    text_offset: tokens.map(({ token }) => (at += token.length) - token.length),
  };
}
