import { splitTokens } from "./generate.ts";
import { hash32 } from "./hash.ts";

const VOCABULARY_SIZE = 131_072;
const KNOWN_MAX = 50_000;

// Ids are hashes, so encoding needs no table; decoding needs to have seen the piece. Bounded, oldest out first.
const known = new Map<number, string>();

/** Token ids of a text: as many as `countTokens` says. */
export function encode(text: string): number[] {
  return splitTokens(text).map((piece) => {
    const id = hash32(piece) % VOCABULARY_SIZE;
    const oldest = known.keys().next().value;
    if (known.size >= KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    known.set(id, piece);
    return id;
  });
}

/** The text of token ids. An id that was never handed out reads as ` <id>`: as good a word as any for a prompt. */
export function decode(ids: number[]): string {
  return ids.map((id) => known.get(id) ?? ` <${id}>`).join("");
}
