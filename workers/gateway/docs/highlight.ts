import { Html, type Insert, html } from "./html.ts";

/** Strings, and what in JSON and in the languages of our examples is a word or a number of its own. */
const TOKEN =
  /("(?:[^"\\\n]|\\.)*")(?=\s*:)|("(?:[^"\\\n]|\\.)*")|\b(true|false|null|None|True|import|from|const|await|async|for|of|in|new|export)\b|((?<=[[\s,:]|^)-?\d+(?:\.\d+)?(?=[\s,\]}]|$))/g;

/** Where JSON without spaces may wrap. Copying leaves it out. */
const WRAP = new Html("<wbr>");

/**
 * Colours a piece of JSON, of shell, of JavaScript or of Python; the text stays what it is. The tags are the shortest
 * there are, as a page has thousands: `b` is a key, `i` a string, `u` a number or a word of the language.
 */
export function highlight(code: string): Html {
  const parts: Insert[] = [];
  let from = 0;
  for (const match of code.matchAll(TOKEN)) {
    const [token, key, string] = match;
    const between = code.slice(from, match.index);
    parts.push(between, between.endsWith(",") && WRAP);
    parts.push(key ? html`<b>${token}</b>` : string ? html`<i>${token}</i>` : html`<u>${token}</u>`);
    from = match.index + token.length;
  }
  return html`${parts}${code.slice(from)}`;
}
