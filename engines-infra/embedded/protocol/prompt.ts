/** Text into tokens, unless it is plain without counting that there would be too many. */
import type { LanguageModel, Token } from "../model/port.ts";
import type { Result } from "./failure.ts";
import { fail, ok } from "./failure.ts";

/**
 * More characters than a text has to a token on the average: prose has 4, indented code 10, a page of spaces 30.
 * Tokenizing 8 MB takes 4 seconds in which nobody else is answered, so such a text is refused by its length.
 */
const CHARS_PER_TOKEN_MAX = 64;

/** The least number of tokens that a text can have. */
export const tokensAtLeast = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN_MAX);

/** The prompt's tokens; where its length alone exceeds the context, the failure counts the tokens at least. */
export function promptTokens(model: LanguageModel, text: string): Result<readonly Token[]> {
  const { contextTokens } = model.card;
  const least = tokensAtLeast(text);
  return least > contextTokens
    ? fail({ kind: "context_exceeded", promptTokens: least, contextTokens })
    : ok(model.tokenizePrompt(text));
}
