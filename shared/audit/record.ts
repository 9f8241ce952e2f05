import { z } from "zod";
import { canonicalJson } from "./canonical.ts";
import type { AuditEntry } from "./entry.ts";

/** Most that the details of a record may have, in characters of JSON: a record tells what changed, not all that there is. */
const DETAILS_CHARS_MAX = 4_096;

/** What happened, as it is hashed. */
export const AuditRecord = z
  .strictObject({
    id: z.string().meta({ description: "Names the record.", example: "aud_4fGh2kLmN8pQrStUvWxY" }),
    seq: z.int().min(1).meta({ description: "Its place in the chain of its workspace; the first is 1." }),
    timestamp: z.iso
      .datetime()
      .meta({ description: "When it was written down; never before its predecessor." }),
    actor: z.object({ kind: z.enum(["user", "key", "system"]), id: z.string() }),
    action: z.string().meta({ description: "What was done, as noun and verb.", example: "engine.drain" }),
    resource: z.object({ type: z.string(), id: z.string() }),
    outcome: z.enum(["pass", "fail", "denied", "error"]),
    request_id: z.string().optional().meta({ description: "The request that it came with." }),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "AuditRecord" });
export type AuditRecord = z.infer<typeof AuditRecord>;

/** A record with its place among the others: what a list and a line of an export have. */
export const ChainedRecord = AuditRecord.extend({
  prev_hash: z.string().meta({ description: "The hash of the record before it; 64 zeros for the first." }),
  hash: z.string().meta({
    description:
      "SHA-256, in hex, of `prev_hash` followed by the canonical JSON (RFC 8785) of all other members.",
  }),
}).meta({ id: "ChainedAuditRecord" });
export type ChainedRecord = z.infer<typeof ChainedRecord>;

/** Makes the record of what was done. Its id and time are the entry's own where it has them. */
export function recordOf(
  entry: AuditEntry,
  place: { readonly id: string; readonly seq: number; readonly atMs: number },
): AuditRecord {
  return {
    id: place.id,
    seq: place.seq,
    timestamp: new Date(place.atMs).toISOString(),
    actor: { kind: entry.actor.kind, id: entry.actor.id },
    action: entry.action,
    resource: { type: entry.resource.type, id: entry.resource.id },
    outcome: entry.outcome,
    ...(entry.requestId !== undefined && { request_id: entry.requestId }),
    ...(entry.details !== undefined && { details: shortened(entry.details) }),
  };
}

function shortened(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { length } = canonicalJson(details);
  return length > DETAILS_CHARS_MAX ? { omitted_chars: length } : { ...details };
}
