import { canonicalJson } from "./canonical.ts";
import { EMPTY_CHAIN, type Head, type Link, hashOf } from "./chain.ts";

/** What is wrong with a chain, and where it begins to be. */
export type BadLink = {
  /** Which of the records that were given, from 0; one behind the last where records are missing at the end. */
  readonly index: number;
  /** The place in the chain that should have been there. */
  readonly seq: number;
  readonly reason: "unreadable" | "altered" | "missing" | "out_of_order" | "unlinked";
  readonly message: string;
  readonly action?: string;
  readonly timestamp?: string;
};

/** What a look at a chain came to. */
export type Verdict = {
  readonly ok: boolean;
  /** Records that are as they were written, from the first on. */
  readonly records: number;
  /** The last of them. */
  readonly head: Head;
  readonly firstBad?: BadLink;
};

/** How to look at it. */
export type VerifyOptions = {
  /** The records begin somewhere within the chain: what is before the first is taken on trust. */
  readonly excerpt?: boolean;
  /** The end that the chain must have reached: without it nobody can see that the last records are missing. */
  readonly head?: Head | undefined;
};

/** Follows a chain, record by record, and stops at the first that is not what was written. A link that could not be read is undefined. */
export async function verify(
  links: Iterable<Link | undefined> | AsyncIterable<Link | undefined>,
  { excerpt = false, head: wanted }: VerifyOptions = {},
): Promise<Verdict> {
  let head = EMPTY_CHAIN;
  let index = 0;
  let passed: string | undefined;
  for await (const link of links) {
    if (excerpt && index === 0 && link && link.seq >= 1) head = { seq: link.seq - 1, hash: link.prevHash };
    const wrong = await wrongWith(head, link);
    if (wrong) return { ok: false, records: index, head, firstBad: { index, seq: head.seq + 1, ...wrong } };
    // It was checked just now.
    const { seq, hash } = link as Link;
    head = { seq, hash };
    if (wanted?.seq === seq) passed = hash;
    index += 1;
  }
  const end = wanted && wrongEnd(head, wanted, passed);
  if (end) return { ok: false, records: index, head, firstBad: { index, ...end } };
  return { ok: true, records: index, head };
}

type Wrong = Omit<BadLink, "index" | "seq">;

async function wrongWith(head: Head, link: Link | undefined): Promise<Wrong | undefined> {
  const next = head.seq + 1;
  if (!link)
    return { reason: "unreadable", message: `what stands in the place of record ${next} is no record` };
  const told = tellsOf(link.record);
  // First the record by itself: one that was altered may say anything of its place.
  if (!told || told.seq !== link.seq)
    return { reason: "altered", message: `record ${next} is not as it was written`, ...told?.shown };
  if ((await hashOf(link.prevHash, link.record)) !== link.hash)
    return {
      reason: "altered",
      message: `record ${next} does not have the hash that it was given`,
      ...told.shown,
    };
  if (link.seq > next)
    return {
      reason: "missing",
      message: `record ${next} is missing: record ${link.seq} stands in its place`,
      ...told.shown,
    };
  if (link.seq < next)
    return {
      reason: "out_of_order",
      message: `record ${link.seq} stands in the place of record ${next}`,
      ...told.shown,
    };
  if (link.prevHash !== head.hash)
    return {
      reason: "unlinked",
      message: `record ${next} does not follow the record before it`,
      ...told.shown,
    };
  return undefined;
}

function wrongEnd(head: Head, wanted: Head, passed: string | undefined): Omit<BadLink, "index"> | undefined {
  if (wanted.seq > head.seq)
    return {
      seq: head.seq + 1,
      reason: "missing",
      message: `records ${head.seq + 1} to ${wanted.seq} are missing at the end`,
    };
  if (wanted.seq > 0 && passed !== undefined && passed !== wanted.hash)
    return {
      seq: wanted.seq,
      reason: "altered",
      message: `record ${wanted.seq} does not have the hash that was noted`,
    };
  return undefined;
}

/** What a record says of itself; undefined where its text is not the canonical JSON of an object. */
function tellsOf(record: string): { readonly seq: unknown; readonly shown: Partial<BadLink> } | undefined {
  try {
    const value: unknown = JSON.parse(record);
    if (typeof value !== "object" || value === null || canonicalJson(value) !== record) return undefined;
    const { seq, action, timestamp } = value as Record<string, unknown>;
    return {
      seq,
      shown: {
        ...(typeof action === "string" && { action }),
        ...(typeof timestamp === "string" && { timestamp }),
      },
    };
  } catch {
    return undefined;
  }
}
