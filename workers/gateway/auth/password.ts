import { scrypt, timingSafeEqual } from "node:crypto";

/** What a hash costs: `n` * `r` * 128 bytes of memory, `p` times. https://www.rfc-editor.org/rfc/rfc7914 */
export type ScryptCost = { readonly n: number; readonly r: number; readonly p: number };

/**
 * One of OWASP's equal settings, and the one that a Worker has the memory for: 16 MB, about a third of a second. The
 * isolate does nothing else in that time, which is one more reason why attempts are counted before anything is hashed.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
export const PASSWORD_COST: ScryptCost = { n: 2 ** 14, r: 8, p: 5 };

const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Most that a stored hash may ask for: more would end the isolate. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([0-9A-Za-z+/=]+)\$([0-9A-Za-z+/=]+)$/;

/** What came of comparing a password with a stored hash; `stale`: it should be hashed anew, for it costs too little. */
export type Verdict = { readonly right: boolean; readonly stale: boolean };

/** A hash to be stored: `scrypt$N$r$p$salt$hash`, the last two in base 64. */
export async function hashPassword(
  password: string,
  randomBytes: (count: number) => Uint8Array,
  cost: ScryptCost = PASSWORD_COST,
): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return written(cost, salt, await derive(password, salt, cost, HASH_BYTES));
}

/** Whether a password is the one of this hash. Takes as long for one that is wrong. Throws on what is no hash. */
export async function verifyPassword(password: string, stored: string): Promise<Verdict> {
  const [, n, r, p, salt, hash] = FORM.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) throw new Error("a stored password hash cannot be read");
  const cost = { n: Number(n), r: Number(r), p: Number(p) };
  const expected = fromBase64(hash);
  const derived = await derive(password, fromBase64(salt), cost, expected.length);
  return {
    right: timingSafeEqual(derived, expected),
    stale: cost.n !== PASSWORD_COST.n || cost.r !== PASSWORD_COST.r || cost.p !== PASSWORD_COST.p,
  };
}

/** The hash of no password: comparing with it takes as long as with that of an account, so that nobody learns which exist. */
export const NO_PASSWORD = written(PASSWORD_COST, new Uint8Array(SALT_BYTES), new Uint8Array(HASH_BYTES));

function derive(
  password: string,
  salt: Uint8Array,
  { n, r, p }: ScryptCost,
  lengthBytes: number,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  scrypt(password, salt, lengthBytes, { N: n, r, p, maxmem: MEMORY_BYTES_MAX }, (error, derived) =>
    error ? reject(error) : resolve(derived),
  );
  return promise;
}

function written({ n, r, p }: ScryptCost, salt: Uint8Array, hash: Uint8Array): string {
  return `scrypt$${n}$${r}$${p}$${toBase64(salt)}$${toBase64(hash)}`;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCodePoint(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.codePointAt(0) ?? 0);
}
