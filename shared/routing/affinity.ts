import type { ChatMessage } from "../contracts/chat.ts";

/** The start value of FNV-1a, 32 bits. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * A stable hash of a text, 0 to 2^32 - 1: FNV-1a over its UTF-16 units, then the finaliser of MurmurHash3. FNV alone
 * leaves ids that differ in their last letter ("gpu-1", "gpu-2") close together, and rendezvous hashing then prefers
 * some of them. Another `seed` makes another hash of the same text. It is no protection against somebody who looks for
 * collisions: they would only share an engine.
 *
 * http://www.isthe.com/chongo/tech/comp/fnv, https://github.com/aappleby/smhasher/wiki/MurmurHash3
 */
export function hash32(text: string, seed: number = FNV_OFFSET): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A place that keys are spread over, with the share of them that it should get relative to the others. */
export type RendezvousNode = { readonly id: string; readonly weight: number };

/**
 * How much a key wants a node; the highest wins. A node's score depends on nothing but itself, so when one joins or
 * leaves only the keys that it wins or had won move. With `-weight / ln(u)` a node wins in proportion to its weight:
 * https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
 */
export function rendezvousScore(keyHash: number, { id, weight }: RendezvousNode): number {
  const uniform = (hash32(id, keyHash) + 0.5) / 2 ** 32;
  return -weight / Math.log(uniform);
}

/** The nodes' ids in the order in which a key wants them, the same wherever it is asked. */
export function rendezvous(key: string, nodes: readonly RendezvousNode[]): string[] {
  const keyHash = hash32(key);
  return nodes
    .map((node) => ({ id: node.id, score: rendezvousScore(keyHash, node) }))
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

/** Characters of each message that go into a key: enough to tell prompts apart, little enough to cost microseconds. */
const PREFIX_CHARS_MAX = 2_048;

/**
 * A key that all requests share which begin alike: of the first system (or developer) message and the first user
 * message. An engine that has answered one of them has its prompt in the KV cache, and later turns of a conversation
 * keep the key of the first. Undefined where neither has a text.
 */
export function prefixKeyOf(messages: readonly ChatMessage[]): string | undefined {
  const system = messages.find(({ role }) => role === "system" || role === "developer");
  const user = messages.find(({ role }) => role === "user");
  const [instruction, question] = [beginningOf(system), beginningOf(user)];
  if (instruction === "" && question === "") return undefined;
  const hash = hash32(question, hash32(instruction));
  return `prefix:${hash.toString(16).padStart(8, "0")}`;
}

function beginningOf(message: ChatMessage | undefined): string {
  const content = message?.content ?? "";
  if (typeof content === "string") return content.slice(0, PREFIX_CHARS_MAX);
  let text = "";
  for (const part of content) {
    if (part.type === "text") text += part.text;
    if (text.length >= PREFIX_CHARS_MAX) break;
  }
  return text.slice(0, PREFIX_CHARS_MAX);
}
