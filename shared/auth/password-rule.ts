import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";

export const PASSWORD_CHARS_MIN = 10;
export const PASSWORD_CHARS_MAX = 200;

/** An e-mail address as it is stored and compared: trimmed and in small letters. */
export const normalEmail = (email: string): string => email.trim().toLowerCase();

/**
 * The same text for the same password, however a keyboard composes it.
 * https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
 */
export const normalPassword = (password: string): string => password.normalize("NFKC");

/**
 * Whether a new password will do: long enough, and not the address that it belongs to. What characters it is made of is
 * nobody's business: such rules make passwords worse. `param` is the field that it came in.
 */
export function checkPassword(password: string, email: string, param = "password"): Result<string, Failure> {
  const refuse = (why: string) =>
    err({ kind: "invalid_request", param, message: `\`${param}\`: ${why}.` } as const);
  const length = [...password].length;
  if (length < PASSWORD_CHARS_MIN) return refuse(`has at least ${PASSWORD_CHARS_MIN} characters`);
  if (length > PASSWORD_CHARS_MAX) return refuse(`has at most ${PASSWORD_CHARS_MAX} characters`);
  const plain = normalEmail(normalPassword(password));
  const address = normalEmail(email);
  if (plain === address || plain === address.split("@")[0]) return refuse("is not the e-mail address");
  return ok(normalPassword(password));
}
