import { canonicalJson } from "./canonical.ts";

/** What the first record of a chain follows. */
export const GENESIS_HASH = "0".repeat(64);

/** The end of a chain: the place and the hash of its last record. */
export type Head = { readonly seq: number; readonly hash: string };

/** The end of a chain that has no record yet. */
export const EMPTY_CHAIN: Head = { seq: 0, hash: GENESIS_HASH };

/** A record within its chain: the canonical text that was hashed, and its hashes. */
export type Link = Head & { readonly record: string; readonly prevHash: string };

/** The hash of a record behind another: SHA-256 of both texts, in hex. */
export async function hashOf(prevHash: string, record: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(prevHash + record));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts a record behind the last one. Its `seq` must be the next. */
export async function linkAfter(head: Head, record: { readonly seq: number }): Promise<Link> {
  const text = canonicalJson(record);
  return { seq: record.seq, record: text, prevHash: head.hash, hash: await hashOf(head.hash, text) };
}

/** A link as it is shown: the record's members with its two hashes. What somebody made of a record need not be JSON any more. */
export function shownOf({ record, prevHash, hash }: Omit<Link, "seq">): Record<string, unknown> {
  let members: object;
  try {
    members = JSON.parse(record) as object;
  } catch {
    members = { record };
  }
  return { ...members, prev_hash: prevHash, hash };
}

/** A link as one line of an export: the canonical JSON of what is shown of it. */
export const lineOf = (link: Omit<Link, "seq">): string => canonicalJson(shownOf(link));

/** The link that a line of an export is; undefined where the line is not what an export writes, to the byte. */
export function linkOf(line: string): Link | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || canonicalJson(value) !== line) return undefined;
    const { prev_hash: prevHash, hash, ...record } = value as Record<string, unknown>;
    if (typeof prevHash !== "string" || typeof hash !== "string") return undefined;
    return { seq: Number(record.seq), record: canonicalJson(record), prevHash, hash };
  } catch {
    return undefined;
  }
}
