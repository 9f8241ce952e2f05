import { randomBase62 } from "../kernel/ids.ts";

/** What tokens begin with, by what they are good for: people and secret scanners tell them apart by it. */
export const TOKEN_PREFIX = {
  refresh: "ert_",
  invite: "einv_",
  passwordReset: "epw_",
} as const;

export type TokenKind = keyof typeof TOKEN_PREFIX;

/** 256 random bits and some. */
const BODY_LENGTH = 43;
const BODY = /^[0-9A-Za-z]{43}$/;

/** A new token. */
export const createToken = (kind: TokenKind, randomBytes: (count: number) => Uint8Array): string =>
  TOKEN_PREFIX[kind] + randomBase62(BODY_LENGTH, randomBytes);

/** Whether a text can be a token of this kind. It says nothing about whether there is such a token. */
export const isTokenForm = (kind: TokenKind, text: string): boolean =>
  text.startsWith(TOKEN_PREFIX[kind]) && BODY.test(text.slice(TOKEN_PREFIX[kind].length));

/**
 * What is stored of a token: its SHA-256, in hex. A token is random in all its length, so nothing can be guessed from
 * its hash; without a pepper, people stay signed in when the pepper is changed.
 */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
