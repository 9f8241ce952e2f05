import { embed } from "./embedding.ts";
import { countTokens } from "./generate.ts";

/** A document's place in the request and how well it fits the query. */
export type Ranked = { index: number; score: number; text: string };

/** How well a text fits a query, 0 to 1, a pure function: texts that share words fit well. */
export function relevance(query: string, text: string): number {
  const [a, b] = [embed(query), embed(text)];
  const cosine = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return Number(((1 + Math.max(-1, Math.min(1, cosine))) / 2).toFixed(9));
}

/** Every document, best first. */
export function rank(query: string, texts: readonly string[]): Ranked[] {
  return texts
    .map((text, index) => ({ index, score: relevance(query, text), text }))
    .toSorted((a, b) => b.score - a.score || a.index - b.index);
}

/** Tokens that a ranking costs: the query is read anew beside each document. */
export function countRanked(query: string, texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countTokens(text) + countTokens(query), 0);
}
