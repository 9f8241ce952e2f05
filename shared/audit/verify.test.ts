import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { EMPTY_CHAIN, GENESIS_HASH, type Link, hashOf, lineOf, linkAfter, linkOf } from "./chain.ts";
import type { AuditEntry } from "./entry.ts";
import { recordOf } from "./record.ts";
import { verify } from "./verify.ts";

const LENGTH = 6;
const entry = (at: number): AuditEntry => ({
  workspaceId: "ws_a",
  actor: { kind: "key", id: "key_a" },
  action: `thing.step-${at}`,
  resource: { type: "thing", id: `t-${at}` },
  outcome: "pass",
  ...(at % 2 === 0 && { details: { at, näme: "wört" } }),
});

async function chainOf(length: number, from: { seq: number; hash: string } = EMPTY_CHAIN): Promise<Link[]> {
  const links: Link[] = [];
  let head = from;
  for (let at = 0; at < length; at++) {
    const seq = head.seq + 1;
    const link = await linkAfter(head, recordOf(entry(seq), { id: `aud_${seq}`, seq, atMs: seq * 1000 }));
    links.push(link);
    head = link;
  }
  return links;
}

let links: Link[] = [];
let lines: string[] = [];
beforeAll(async () => {
  links = await chainOf(LENGTH);
  lines = links.map(lineOf);
});
const verifyLines = (all: readonly string[]) => verify(all.map(linkOf));
const place = fc.nat(LENGTH - 1);

describe("a chain of records", () => {
  it("begins with zeros, and each has the hash of the one before", async () => {
    expect(links[0]).toMatchObject({ seq: 1, prevHash: GENESIS_HASH });
    expect(links[0]?.hash).toBe(await hashOf(GENESIS_HASH, links[0]?.record ?? ""));
    expect(links[1]?.prevHash).toBe(links[0]?.hash);
  });

  it("hashes the zeros and the canonical JSON of the record, as anybody can", async () => {
    const record = '{"a":1}';
    // printf '%064d{"a":1}' 0 | sha256sum
    expect(await hashOf(GENESIS_HASH, record)).toBe(
      "fc6cee09194dd2578bd7664604fcb72a539066fd34544cea0009c43eb6cdc289",
    );
  });

  it("is whole as it was written, as links and as lines, and when there is nothing in it", async () => {
    const whole = { ok: true, records: LENGTH, head: { seq: LENGTH, hash: links.at(-1)?.hash } };
    expect(await verify(links)).toEqual(whole);
    expect(await verifyLines(lines)).toEqual(whole);
    expect(await verify([])).toEqual({ ok: true, records: 0, head: EMPTY_CHAIN });
  });

  it("shows any byte that was changed, in the record that it is of", async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.nat(), fc.integer({ min: 32, max: 126 }), async (at, where, unit) => {
        const line = lines[at] ?? "";
        const index = where % line.length;
        const changed = line.slice(0, index) + String.fromCharCode(unit) + line.slice(index + 1);
        fc.pre(changed !== line);
        const verdict = await verifyLines(lines.with(at, changed));
        expect(verdict).toMatchObject({ ok: false, records: at, firstBad: { index: at, seq: at + 1 } });
      }),
    );
  });

  it("shows any change of a row, in its text, its hashes and its place", async () => {
    const change = fc.constantFrom<(link: Link) => Partial<Link>>(
      ({ record }) => ({ record: record.replace("pass", "fail") }),
      ({ record }) => ({ record: `${record} ` }),
      () => ({ record: "no JSON" }),
      () => ({ hash: "1".repeat(64) }),
      () => ({ prevHash: "1".repeat(64) }),
      ({ seq }) => ({ seq: seq + 1 }),
      ({ seq }) => ({ seq: seq - 1 }),
    );
    await fc.assert(
      fc.asyncProperty(place, change, async (at, edit) => {
        const link = links[at] as Link;
        const verdict = await verify(links.with(at, { ...link, ...edit(link) }));
        expect(verdict).toMatchObject({ ok: false, firstBad: { index: at, seq: at + 1 } });
      }),
    );
  });

  it("shows a record that was written anew with a hash of its own, at the one behind it", async () => {
    const forged = await linkAfter(links[1] as Link, recordOf(entry(99), { id: "aud_x", seq: 3, atMs: 0 }));
    expect((await verify(links.with(2, forged))).firstBad).toMatchObject({ seq: 4, reason: "unlinked" });
  });

  it("shows where a record is missing, and what stands in its place", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(LENGTH - 2), async (at) => {
        const verdict = await verifyLines(lines.toSpliced(at, 1));
        expect(verdict.firstBad).toMatchObject({
          index: at,
          seq: at + 1,
          reason: "missing",
          action: `thing.step-${at + 2}`,
        });
      }),
    );
  });

  it("shows two that changed places at the first of them", async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (one, two) => {
        fc.pre(one < two);
        const swapped = lines.with(one, lines[two] ?? "").with(two, lines[one] ?? "");
        const { firstBad } = await verifyLines(swapped);
        expect(firstBad).toMatchObject({ index: one, seq: one + 1, reason: "missing" });
      }),
    );
  });

  it("shows a record of it that was put in a second time", async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.nat(LENGTH), async (which, at) => {
        const { firstBad } = await verifyLines(lines.toSpliced(at, 0, lines[which] ?? ""));
        // Before itself it is as good as what follows: then that is the one too many.
        expect(firstBad?.index).toBe(which === at ? at + 1 : at);
      }),
    );
  });

  it("shows a record of another chain that was put in", async () => {
    const [, stranger] = await chainOf(2, { seq: 1, hash: "f".repeat(64) });
    const forged = await linkAfter({ seq: 0, hash: "f".repeat(64) }, { seq: 3 });
    expect((await verify(links.toSpliced(2, 0, stranger as Link))).firstBad?.index).toBe(2);
    expect((await verify(links.toSpliced(2, 0, forged))).firstBad).toMatchObject({
      index: 2,
      reason: "unlinked",
    });
  });
});

describe("a record that is no JSON any more", () => {
  it("is shown as it is, and found in its place", async () => {
    const spoilt = links.with(2, { ...(links[2] as Link), record: "{" });
    expect((await verifyLines(spoilt.map(lineOf))).firstBad).toMatchObject({ seq: 3, reason: "altered" });
  });
});

describe("the end of a chain", () => {
  it("shows that the last records are missing, to who knows where it ended", async () => {
    const head = links.at(-1) as Link;
    expect(await verify(links.slice(0, 4))).toMatchObject({ ok: true, records: 4 });
    expect(await verify(links.slice(0, 4), { head })).toMatchObject({
      ok: false,
      firstBad: { index: 4, seq: 5, reason: "missing" },
    });
    expect(await verify([], { head })).toMatchObject({ ok: false, firstBad: { index: 0, seq: 1 } });
  });

  it("may have gone on since it was noted, and must have been there", async () => {
    const { seq, hash } = links[2] as Link;
    expect(await verify(links, { head: { seq, hash } })).toMatchObject({ ok: true, records: LENGTH });
    expect(await verify(links, { head: { seq, hash: "0".repeat(64) } })).toMatchObject({
      ok: false,
      firstBad: { seq: 3, reason: "altered" },
    });
  });
});

describe("an excerpt", () => {
  it("is whole by itself, and by no means a whole chain", async () => {
    const excerpt = links.slice(2);
    expect(await verify(excerpt, { excerpt: true })).toMatchObject({
      ok: true,
      records: 4,
      head: { seq: LENGTH },
    });
    expect((await verify(excerpt)).firstBad).toMatchObject({ index: 0, seq: 1, reason: "missing" });
    const cut = excerpt.toSpliced(1, 1);
    expect((await verify(cut, { excerpt: true })).firstBad).toMatchObject({ index: 1, seq: 4 });
  });
});
