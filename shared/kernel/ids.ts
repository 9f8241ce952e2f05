import { z } from "zod";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base 62 from a source of random bytes, without bias. */
export function randomBase62(length: number, randomBytes: (count: number) => Uint8Array): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length + 8)) {
      // 248 = 4 * 62: the bytes above would make the first eight letters likelier.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

/** A non-negative integer in base 62, padded with zeros to `length`. */
export function toBase62(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62))
    text = ALPHABET.charAt(rest % 62) + text;
  return text;
}

/** The integer that a text in base 62 stands for; NaN where it is none. */
export const fromBase62 = (text: string): number =>
  Array.from(text).reduce((value, char) => {
    const digit = ALPHABET.indexOf(char);
    return digit < 0 ? Number.NaN : value * 62 + digit;
  }, 0);

/** Names one HTTP request, in the answer's `x-request-id` and in every log line about it. */
export const RequestId = z
  .string()
  .regex(/^req_[0-9a-f]{32}$/)
  .brand<"RequestId">();
export type RequestId = z.infer<typeof RequestId>;

/** Whether a text has the form of a request id. */
export const isRequestId = (text: string): text is RequestId => RequestId.safeParse(text).success;

/** Makes a request id from a UUID. */
export const requestIdFrom = (uuid: string): RequestId => `req_${uuid.replaceAll("-", "")}` as RequestId;

/** Names a key in logs, metrics and usage; the secret itself is never stored. */
export const KeyId = z
  .string()
  .regex(/^key_[0-9A-Za-z]{20}$/)
  .brand<"KeyId">();
export type KeyId = z.infer<typeof KeyId>;

/** Names a workspace: the owner of keys, usage and, later, members. */
export const WorkspaceId = z
  .string()
  .regex(/^ws_[0-9A-Za-z]{20}$/)
  .brand<"WorkspaceId">();
export type WorkspaceId = z.infer<typeof WorkspaceId>;

/** Names a person who can sign in. */
export const UserId = z
  .string()
  .regex(/^usr_[0-9A-Za-z]{20}$/)
  .brand<"UserId">();
export type UserId = z.infer<typeof UserId>;

/** Names a sign-in: it lasts until it is ended, or has not been used for long. */
export const SessionId = z
  .string()
  .regex(/^ses_[0-9A-Za-z]{20}$/)
  .brand<"SessionId">();
export type SessionId = z.infer<typeof SessionId>;

/** Names an invitation into a workspace; its token is another thing, and stored nowhere. */
export const InviteId = z
  .string()
  .regex(/^inv_[0-9A-Za-z]{20}$/)
  .brand<"InviteId">();
export type InviteId = z.infer<typeof InviteId>;
