import { fromBase62, randomBase62, toBase62 } from "../kernel/ids.ts";

/** Every key begins so: people and secret scanners know it by sight. */
export const KEY_PREFIX = "sk-eco-";

const BODY_LENGTH = 32;
/** Letters of the body that say in which second the key was made: they last until the year 3769. */
const STAMP_LENGTH = 6;
const CHECK_LENGTH = 6;
const FORM = /^sk-eco-[0-9A-Za-z]{38}$/;

/**
 * A new key: the prefix, the second in which it was made, 154 random bits, and a checksum by which a mistyped key is
 * refused without asking a store.
 */
export function createApiKey(randomBytes: (count: number) => Uint8Array, nowMs: number): string {
  const stamp = toBase62(Math.floor(nowMs / 1000), STAMP_LENGTH);
  const body = stamp + randomBase62(BODY_LENGTH - STAMP_LENGTH, randomBytes);
  return KEY_PREFIX + body + checksum(body);
}

/**
 * When a key was made, by what it says itself, to the second. Keys of before there were stamps say anything: nothing may
 * hang on it but whether to ask a store again.
 */
export const keyMadeAtMs = (key: string): number =>
  fromBase62(key.slice(KEY_PREFIX.length, KEY_PREFIX.length + STAMP_LENGTH)) * 1000;

/** Whether a text can be a key of ours. It says nothing about whether the key exists. */
export function isApiKeyForm(text: string): boolean {
  if (!FORM.test(text)) return false;
  const body = text.slice(KEY_PREFIX.length, KEY_PREFIX.length + BODY_LENGTH);
  return text.endsWith(checksum(body));
}

/** Its first and last characters, enough to recognise a key in a list and too few to use it. */
export const keyHint = (key: string): string => `${key.slice(0, KEY_PREFIX.length + 4)}…${key.slice(-4)}`;

/** CRC-32 (IEEE 802.3) in base 62. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return toBase62((crc ^ 0xffffffff) >>> 0, CHECK_LENGTH);
}

/** The pepper, ready to sign with. */
export type Pepper = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Imports the pepper, the secret without which a stolen table of key hashes is worth nothing. */
export const importPepper = (pepper: string): Promise<Pepper> =>
  crypto.subtle.importKey("raw", new TextEncoder().encode(pepper), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);

/** What is stored of a key: HMAC-SHA-256 with the pepper, in hex. */
export async function hashApiKey(pepper: Pepper, key: string): Promise<string> {
  const digest = await crypto.subtle.sign("HMAC", pepper, new TextEncoder().encode(key));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The key of an `Authorization` header; undefined where there is none. */
export function bearerOf(header: string | null | undefined): string | undefined {
  const match = /^bearer +(\S+) *$/i.exec(header ?? "");
  return match?.[1];
}
