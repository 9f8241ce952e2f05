import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../contracts/chat.ts";
import { type RendezvousNode, hash32, prefixKeyOf, rendezvous } from "./affinity.ts";

const nodesOf = (weights: readonly number[]): RendezvousNode[] =>
  weights.map((weight, at) => ({ id: `gpu-${at}`, weight }));
const keys = Array.from({ length: 2_000 }, (_, at) => `session-${at}`);

/** How many of the keys each node wins. */
function wins(nodes: readonly RendezvousNode[]): Map<string, number> {
  const counts = new Map(nodes.map(({ id }) => [id, 0]));
  for (const key of keys) {
    const [first = ""] = rendezvous(key, nodes);
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

describe("hash32", () => {
  it.each([
    ["", 2_872_998_923],
    ["a", 444_641_715],
    ["gpu-1", 57_914_973],
    ["gpu-2", 2_241_183_433],
    ["née 字 🙂", 1_601_156_967],
  ])("of %j never changes", (text, hash) => {
    expect(hash32(text)).toBe(hash);
  });

  it("spreads texts that differ little over all numbers", () => {
    const buckets = Array.from({ length: 64 }, () => 0);
    for (let at = 0; at < 6_400; at++) {
      const bucket = hash32(`gpu-${at}`) >>> 26;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    // Chi-square with 63 degrees of freedom: 103.4 is passed once in a thousand by true chance.
    expect(buckets.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)).toBeLessThan(103.4);
  });

  it("is another hash with another seed", () => {
    expect(hash32("a", 1)).not.toBe(hash32("a", 2));
  });
});

describe("rendezvous", () => {
  it.each([
    ["equal", [1, 1, 1, 1]],
    ["unequal", [1, 2, 5]],
    ["very unequal", [0.1, 1]],
  ])("gives nodes of %s weights their share of the keys", (_, weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const counts = wins(nodesOf(weights));
    for (const { id, weight } of nodesOf(weights)) {
      const share = (keys.length * weight) / total;
      // Four standard deviations.
      expect(Math.abs((counts.get(id) ?? 0) - share)).toBeLessThan(4 * Math.sqrt(share));
    }
  });

  it("does not depend on the order of the nodes", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.shuffledSubarray(nodesOf([1, 2, 3, 1, 1]), { minLength: 5 }),
        (key, nodes) => {
          expect(rendezvous(key, nodes)).toEqual(rendezvous(key, nodesOf([1, 2, 3, 1, 1])));
        },
      ),
    );
  });

  it("moves only the keys of a node that leaves, and only keys to one that joins", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.string(), (all, key) => {
        const nodes = nodesOf(all);
        const left = nodes.slice(0, -1);
        const gone = nodes.at(-1)?.id;
        expect(rendezvous(key, nodes).filter((id) => id !== gone)).toEqual(rendezvous(key, left));
      }),
    );
  });

  it("moves about one key in n when the nth node joins", () => {
    const before = new Map(keys.map((key) => [key, rendezvous(key, nodesOf([1, 1, 1, 1]))[0]]));
    const moved = keys.filter((key) => rendezvous(key, nodesOf([1, 1, 1, 1, 1]))[0] !== before.get(key));
    expect(moved.length).toBeLessThan((keys.length / 5) * 1.2);
    expect(moved.length).toBeGreaterThan((keys.length / 5) * 0.8);
  });
});

describe("prefixKeyOf", () => {
  const system = (content: string): ChatMessage => ({ role: "system", content });
  const user = (content: string): ChatMessage => ({ role: "user", content });
  const answer: ChatMessage = { role: "assistant", content: "Yes." };
  const begun = [system("Be brief."), user("Who?")];

  it.each<[string, ChatMessage[]]>([
    ["the later turns of a conversation", [...begun, answer, user("Why?")]],
    [
      "a developer message in the system's place",
      [{ role: "developer", content: "Be brief." }, user("Who?")],
    ],
    [
      "text in parts",
      [
        system("Be brief."),
        {
          role: "user",
          content: [
            { type: "text", text: "Wh" },
            { type: "text", text: "o?" },
          ],
        },
      ],
    ],
  ])("is the same for %s", (_, messages) => {
    expect(prefixKeyOf(messages)).toBe(prefixKeyOf(begun));
  });

  it.each<[string, ChatMessage[]]>([
    ["another question", [system("Be brief."), user("What?")]],
    ["another system message", [system("Be long."), user("Who?")]],
    ["no system message", [user("Who?")]],
    ["the texts cut elsewhere", [system(" brief."), user("Who?Be")]],
    ["the texts in each other's place", [system("Who?"), user("Be brief.")]],
  ])("is another for %s", (_, messages) => {
    expect(prefixKeyOf(messages)).not.toBe(prefixKeyOf(begun));
  });

  it.each<[string, ChatMessage[]]>([
    ["no messages", []],
    ["neither a system nor a user message", [answer]],
    [
      "messages without a text",
      [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:x" } }] }],
    ],
  ])("is none for %s", (_, messages) => {
    expect(prefixKeyOf(messages)).toBeUndefined();
  });

  it("looks at the beginning of a long prompt only", () => {
    const long = "x".repeat(1_000_000);
    expect(prefixKeyOf([user(`${long}a`)])).toBe(prefixKeyOf([user(`${long}b`)]));
    const parts = Array.from({ length: 3 }, () => ({ type: "text" as const, text: "x".repeat(1_000) }));
    expect(prefixKeyOf([{ role: "user", content: parts }])).toBe(prefixKeyOf([user(long)]));
  });
});
