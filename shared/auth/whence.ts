import { isWithin } from "./address-list.ts";
import type { Principal } from "./principal.ts";

/** Where a request comes from, as far as it can be known; null for what it does not say. */
export type Whence = {
  /** The header `Origin`, which browsers send with what a page of another site asks. */
  readonly origin: string | null;
  /** The client's address, as the edge tells it. */
  readonly address: string | null;
};

/** Whether a text is an origin and nothing more: `https://app.example`, `http://localhost:5173`. */
export function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/**
 * Why a key cannot be used from there, in the words of an answer; undefined where it can. A request without an origin is
 * let in whatever origins a key has: only browsers send one, and a server that could lie about it is not kept out by it.
 */
export function whyNotFromThere(
  { origins, ips }: Pick<Principal, "origins" | "ips">,
  { origin, address }: Whence,
): string | undefined {
  if (origins && origin !== null && !origins.includes(origin))
    return "This key is not for pages of this origin: its `origins` name others.";
  if (ips && (address === null || !isWithin(ips, address)))
    return "This key is not for use from this address: its `ips` name others.";
  return undefined;
}
