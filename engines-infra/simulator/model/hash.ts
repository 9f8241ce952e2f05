// FNV-1a over UTF-16 units, finished with the murmur3 mixer. Not for secrets: it only has to be the same everywhere.
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** The running FNV-1a state after `text`, so that every prefix of a long text can be keyed in one pass. */
export function absorb(text: string, state: number = OFFSET): number {
  let next = state;
  for (let at = 0; at < text.length; at++) next = Math.imul(next ^ text.charCodeAt(at), PRIME);
  return next >>> 0;
}

/** Spreads a 32-bit state over all 32 bits. */
export function avalanche(state: number): number {
  let x = state >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit hash of a text. */
export function hash32(text: string): number {
  return avalanche(absorb(text));
}

/** A 32-bit hash of two 32-bit numbers. */
export function mix(a: number, b: number): number {
  return avalanche(Math.imul(a ^ 0x9e3779b9, 0x85ebca77) + Math.imul(b + 1, 0xc2b2ae3d));
}

const HEX = 16;

/** `length` lower-case hex digits that depend on nothing but the seed: ids that a test can predict. */
export function hexDigits(seed: number, length: number): string {
  let out = "";
  for (let part = 0; out.length < length; part++) out += mix(seed, part).toString(HEX).padStart(8, "0");
  return out.slice(0, length);
}

/** A UUID-shaped id that depends on nothing but the seed. */
export function uuid(seed: number): string {
  const hex = hexDigits(seed, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` letters and digits that depend on nothing but the seed. */
export function alphanumeric(seed: number, length: number): string {
  let out = "";
  for (let at = 0; at < length; at++) out += ALPHANUMERIC.charAt(mix(seed, at) % ALPHANUMERIC.length);
  return out;
}
