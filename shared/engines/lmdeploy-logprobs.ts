import type { ChatLogprobs } from "../contracts/chat.ts";

type Entry = NonNullable<ChatLogprobs["content"]>[number];
type Alternative = Entry["top_logprobs"][number];

/**
 * The characters by which byte-level vocabularies write the bytes that are none themselves, from U+0100 on in the order
 * of the bytes: https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
const WRITTEN_ANEW: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => byte <= 0x20 || (byte >= 0x7f && byte <= 0xa0) || byte === 0xad,
);
const FIRST = 0x100;
const BYTE_LEVEL = new RegExp(
  `[${String.fromCharCode(FIRST)}-${String.fromCharCode(FIRST + WRITTEN_ANEW.length - 1)}]`,
);

/** The bytes of a token as the vocabulary writes it; undefined where it is a text as it is. */
function bytesOf(token: string): number[] | undefined {
  if (!BYTE_LEVEL.test(token)) return undefined;
  const bytes: number[] = [];
  for (const character of token) {
    const code = character.charCodeAt(0);
    const byte = code < FIRST ? code : WRITTEN_ANEW[code - FIRST];
    if (byte === undefined || character.length > 1) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** LMDeploy tells tokens as the vocabulary writes them, `Ġhello` or `▁hello`: this tells their text. */
function mendToken<Told extends Alternative>(told: Told): Told {
  const bytes = bytesOf(told.token);
  if (bytes) return { ...told, token: decoder.decode(Uint8Array.from(bytes)), bytes };
  if (!told.token.includes("\u2581")) return told;
  const token = told.token.replaceAll("\u2581", " ");
  return { ...told, token, bytes: [...encoder.encode(token)] };
}

/**
 * Log probabilities in OpenAI's form. LMDeploy leaves the token that was chosen out of its alternatives; `top` is how
 * many of these, the likeliest first, were asked for.
 */
export function mendLogprobs({ content }: ChatLogprobs, top: number): ChatLogprobs {
  const entries = (content ?? []).map((each): Entry => {
    const { top_logprobs: others, ...chosen } = mendToken(each);
    const { token, logprob, bytes } = chosen;
    const all = [{ token, logprob, bytes }, ...others.map(mendToken)];
    return { ...chosen, top_logprobs: all.toSorted((a, b) => b.logprob - a.logprob).slice(0, top) };
  });
  return { content: content ? entries : null, refusal: null };
}
