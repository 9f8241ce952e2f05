/**
 * The name under which attempts of a client are counted, by its address as Cloudflare's edge tells it. Of IPv6 the first
 * 64 bits: everybody has 2^64 addresses of those to try from. Undefined where no address is told.
 */
export function addressSubject(connectingIp: string | null | undefined): string | undefined {
  const text = connectingIp?.trim().toLowerCase() ?? "";
  if (text === "" || text.length > 64) return undefined;
  if (!text.includes(":")) return text;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = text.split("::");
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const network = [...left, ...zeros, ...right].slice(0, 4);
  return `${network.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}

const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));
