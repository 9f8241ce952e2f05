/** What a slot remembers of earlier prompts, and how much of it a new prompt may use. Pure; tokens are numbers. */
import type { Token } from "./port.ts";

/**
 * Prompts are computed in pieces that start at multiples of this. llama.cpp's results depend, in the last bits, on how
 * a prompt is cut into batches, so fixed cuts make an answer repeatable even when the beginning comes from memory.
 * Short pieces also let a request be aborted within a fraction of a second, at no measurable cost in speed.
 */
export const PIECE_TOKENS = 32;

/** Length of the beginning that two lists of tokens share. */
export function sharedTokens(a: readonly Token[], b: readonly Token[]): number {
  const most = Math.min(a.length, b.length);
  for (let index = 0; index < most; index += 1) if (a[index] !== b[index]) return index;
  return most;
}

export type Memory = {
  tokens: readonly Token[];
  /** How many of them, from the first on, were computed in the fixed pieces. */
  exactTokens: number;
};

/** How many tokens of `prompt` need not be computed. At least one always is: it gives the next token. */
export function reusableTokens(memory: Memory, prompt: readonly Token[], reuse: "exact" | "most"): number {
  const shared = Math.min(sharedTokens(memory.tokens, prompt), prompt.length - 1);
  if (reuse === "most") return shared;
  const exact = Math.min(shared, memory.exactTokens);
  return exact - (exact % PIECE_TOKENS);
}

/** The pieces in which the rest of a prompt is computed, after `from` tokens that are remembered. */
export function piecesOf(prompt: readonly Token[], from: number): Token[][] {
  const pieces: Token[][] = [];
  for (let start = from; start < prompt.length;) {
    const end = Math.min(prompt.length, (Math.floor(start / PIECE_TOKENS) + 1) * PIECE_TOKENS);
    pieces.push(prompt.slice(start, end));
    start = end;
  }
  return pieces;
}

/** How much of a prompt is exact once the rest of it, after `kept` remembered tokens, has been computed in pieces. */
export function exactAfter(memory: Memory, kept: number, promptTokens: number): number {
  const startsAtPiece = kept % PIECE_TOKENS === 0 && kept <= memory.exactTokens;
  return startsAtPiece ? promptTokens : Math.min(memory.exactTokens, kept);
}
