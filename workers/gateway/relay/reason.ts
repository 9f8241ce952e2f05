import type { AttemptFault } from "./attempt.ts";

/** Longest reason that is told of an attempt: an engine's own words may be a page. */
const REASON_CHARS_MAX = 200;

/**
 * Why an attempt failed, for the log. Engines repeat what was asked or answered in their errors, in quotes, brackets or
 * braces (`error parsing tool call: raw='…'`, `'input': [{…}]`): from there on their words are left out. What they find
 * wrong with a request is for its caller alone.
 */
export function reasonOf({ class: kind, status, message }: AttemptFault): string {
  if (kind === "client_fault") return `found fault with the request (${status})`;
  const [own = ""] = message.split(/(?<![a-z])'|["`‘“[{\n]/i, 1);
  return own.slice(0, REASON_CHARS_MAX).trim() || `failed (${status})`;
}
