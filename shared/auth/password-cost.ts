import { z } from "zod";

/**
 * What a password's hash costs: `n` * `r` * 128 bytes of memory, `p` times. No more than 32 MB, for a Worker has 128 for
 * all that it does at once. https://www.rfc-editor.org/rfc/rfc7914
 */
export const ScryptCost = z
  .strictObject({
    n: z
      .int()
      .min(1024)
      .max(2 ** 15)
      .refine((n) => Number.isInteger(Math.log2(n)), "must be a power of 2"),
    r: z.int().min(1).max(8),
    p: z.int().min(1).max(16),
  })
  .readonly();
export type ScryptCost = z.infer<typeof ScryptCost>;

/**
 * One of OWASP's equal settings, and the one that a Worker has the memory for: 16 MB, about a third of a second. The
 * isolate does nothing else in that time, which is one more reason why attempts are counted before anything is hashed.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
export const PASSWORD_COST: ScryptCost = { n: 2 ** 14, r: 8, p: 5 };
