/**
 * How large a grammar may be. llama.cpp reads GBNF recursively, on a stack of 8 MB: 200,000 nested parentheses, or
 * as many rules that refer to each other, end the process. `x{0,2000}` becomes 2000 rules.
 */

/** The most that a grammar may have of each. `repetitions` is the sum of all upper ends of `{from,to}`. */
export type GrammarBounds = {
  sizeBytes: number;
  nesting: number;
  rules: number;
  alternatives: number;
  repetitions: number;
};

/** What a client may write itself. */
export const OWN_GRAMMAR: GrammarBounds = {
  sizeBytes: 64 * 1024,
  nesting: 64,
  rules: 1000,
  alternatives: 4000,
  repetitions: 20_000,
};

/** What a client's schema may become: about a thousand properties. */
export const SCHEMA_GRAMMAR: GrammarBounds = {
  sizeBytes: 256 * 1024,
  nesting: 128,
  rules: 4000,
  // Reading them costs their square: 10,000 take 0.7 seconds, in which nobody else is answered.
  alternatives: 8000,
  repetitions: 200_000,
};

/** What says how large a grammar is; texts, classes and comments are matched only to be passed over. */
const MARK = /"(?:[^"\\]|\\.)*"?|\[(?:[^\]\\]|\\.)*\]?|#[^\r\n]*|::=|[()|]|\{\s*(\d+)(?:\s*,\s*(\d*))?/gs;

/** What is too large about the grammar, in words that follow its name; undefined where nothing is. */
export function exceeds(gbnf: string, bounds: GrammarBounds): string | undefined {
  if (Buffer.byteLength(gbnf) > bounds.sizeBytes) return `is larger than ${bounds.sizeBytes} bytes`;
  let [depth, rules, alternatives, repetitions] = [0, 0, 0, 0];
  for (const [mark, least, most] of gbnf.matchAll(MARK)) {
    if (mark === "(") depth += 1;
    else if (mark === ")") depth -= 1;
    else if (mark === "::=") rules += 1;
    else if (mark === "|") alternatives += 1;
    else if (mark.startsWith("{")) repetitions += Number(most || least);
    if (depth > bounds.nesting) return `is nested more than ${bounds.nesting} parentheses deep`;
    if (rules > bounds.rules) return `has more than ${bounds.rules} rules`;
    if (alternatives > bounds.alternatives) return `has more than ${bounds.alternatives} alternatives`;
    if (repetitions > bounds.repetitions) return `repeats more than ${bounds.repetitions} times`;
  }
  return undefined;
}
