/** What the Worker uses of Node's cryptography, which workerd has natively: https://nodejs.org/api/crypto.html */
declare module "node:crypto" {
  export function scrypt(
    password: string,
    salt: Uint8Array,
    lengthBytes: number,
    options: { N: number; r: number; p: number; maxmem: number },
    done: (error: Error | null, derived: Uint8Array) => void,
  ): void;
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}
