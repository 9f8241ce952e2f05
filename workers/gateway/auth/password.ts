import { scrypt, timingSafeEqual } from "node:crypto";
import { PASSWORD_COST, type ScryptCost } from "../../../shared/auth/password-cost.ts";

const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Most that a stored hash may ask for: more would end the isolate. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([0-9A-Za-z+/=]+)\$([0-9A-Za-z+/=]+)$/;

/** What came of comparing a password with a stored hash; `stale`: it should be hashed anew, for it costs too little. */
export type Verdict = { readonly right: boolean; readonly stale: boolean };

/** Makes the hashes of passwords and compares with them. */
export type Passwords = {
  /** A hash to be stored: `scrypt$N$r$p$salt$hash`, the last two in base 64. */
  hash(password: string): Promise<string>;
  /**
   * Whether a password is the one of this hash; of `undefined`, which is nobody's, none is. Takes as long for one that is
   * wrong, and for nobody's, so that nobody learns whose there is. Throws on what is no hash.
   */
  verify(password: string, stored: string | undefined): Promise<Verdict>;
};

/** Passwords at a cost; `randomBytes` gives bytes that nobody can guess. */
export function createPasswords(
  randomBytes: (count: number) => Uint8Array,
  cost: ScryptCost = PASSWORD_COST,
): Passwords {
  const nobodys = written(cost, new Uint8Array(SALT_BYTES), new Uint8Array(HASH_BYTES));
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      return written(cost, salt, await derive(password, salt, cost, HASH_BYTES));
    },
    async verify(password, stored = nobodys) {
      const [, n, r, p, salt, hash] = FORM.exec(stored) ?? [];
      if (salt === undefined || hash === undefined) throw new Error("a stored password hash cannot be read");
      const asked = { n: Number(n), r: Number(r), p: Number(p) };
      const expected = fromBase64(hash);
      const derived = await derive(password, fromBase64(salt), asked, expected.length);
      return {
        right: timingSafeEqual(derived, expected) && stored !== nobodys,
        stale: asked.n !== cost.n || asked.r !== cost.r || asked.p !== cost.p,
      };
    },
  };
}

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
