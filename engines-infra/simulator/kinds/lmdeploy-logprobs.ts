import { chatLogprob } from "./logprobs.ts";

/** Bytes that are written as characters from U+0100 on, in their order: https://github.com/openai/gpt-2/blob/master/src/encoder.py */
const ANEW = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => byte <= 0x20 || (byte >= 0x7f && byte <= 0xa0) || byte === 0xad,
);

/** A token as a byte-level vocabulary writes it: `Ġhello` for one that begins with a space. */
export function asVocabulary(token: string): string {
  return [...Buffer.from(token)]
    .map((byte) => String.fromCharCode(ANEW.includes(byte) ? 0x100 + ANEW.indexOf(byte) : byte))
    .join("");
}

function written<Told extends { token: string; bytes: number[] }>(told: Told): Told {
  const token = asVocabulary(told.token);
  return { ...told, token, bytes: [...Buffer.from(token)] };
}

/** An entry of `logprobs.content`: as the vocabulary writes it, and without the token itself among the alternatives. */
export function lmdeployLogprob(token: string, top: number) {
  const { top_logprobs: all, ...chosen } = chatLogprob(token, Math.max(1, top));
  return { ...written(chosen), top_logprobs: all.slice(1).map(written) };
}
