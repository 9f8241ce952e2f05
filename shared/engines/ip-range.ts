/** An IP address as the URL standard writes hosts; `bits` has 32 or 128 of them. */
export type Address = { readonly version: 4 | 6; readonly bits: bigint; readonly text: string };

type Range = readonly [prefix: bigint, length: number, what: string];

const range4 = (prefix: string, length: number, what: string): Range => [bits4(prefix), length, what];
const range6 = (prefix: string, length: number, what: string): Range => [bits6(prefix), length, what];

/** https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_4: readonly Range[] = [
  range4("0.0.0.0", 8, "an address of this host"),
  range4("10.0.0.0", 8, "a private address"),
  range4("100.64.0.0", 10, "a carrier's private address"),
  range4("127.0.0.0", 8, "a loopback address"),
  range4("169.254.0.0", 16, "a link-local address"),
  range4("172.16.0.0", 12, "a private address"),
  range4("192.0.0.0", 24, "a protocol's own address"),
  range4("192.0.2.0", 24, "an address for documentation"),
  range4("192.88.99.0", 24, "a relay's address"),
  range4("192.168.0.0", 16, "a private address"),
  range4("198.18.0.0", 15, "an address for benchmarks"),
  range4("198.51.100.0", 24, "an address for documentation"),
  range4("203.0.113.0", 24, "an address for documentation"),
  range4("224.0.0.0", 4, "a multicast address"),
  range4("240.0.0.0", 4, "a reserved address"),
];

/** Everything global lies in 2000::/3, so all outside of it is refused without a list. */
const GLOBAL_6 = range6("2000::", 3, "");

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
const SPECIAL_6: readonly Range[] = [
  range6("2001::", 23, "a protocol's own address"),
  range6("2001:db8::", 32, "an address for documentation"),
  range6("3fff::", 20, "an address for documentation"),
];

/** IPv6 addresses that stand for an IPv4 address, and how far right of the low end its 32 bits lie. */
const EMBEDDED: readonly (readonly [Range, shift: bigint])[] = [
  [range6("::", 96, "compatible"), 0n],
  [range6("::ffff:0:0", 96, "mapped"), 0n],
  [range6("::ffff:0:0:0", 96, "translated"), 0n],
  [range6("64:ff9b::", 96, "NAT64"), 0n],
  [range6("2002::", 16, "6to4"), 80n],
];

/** The address that a URL's `hostname` is; undefined for a name. IPv6 stands in brackets there. */
export function addressOfHost(hostname: string): Address | undefined {
  if (hostname.startsWith("[")) {
    const bits = bits6(hostname.slice(1, -1));
    const groups = Array.from({ length: 8 }, (_, at) => (bits >> BigInt(112 - 16 * at)) & 0xffffn);
    return { version: 6, bits, text: groups.map((group) => group.toString(16)).join(":") };
  }
  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname)
    ? { version: 4, bits: bits4(hostname), text: hostname }
    : undefined;
}

/** The IPv4 address that an IPv6 address stands for, else the address itself. */
export function unwrapped(address: Address): Address {
  const inner = address.version === 6 ? embeddedIn(address.bits) : undefined;
  if (inner === undefined || inner.bits <= 1n) return address;
  const bytes = [24n, 16n, 8n, 0n].map((shift) => (inner.bits >> shift) & 0xffn);
  return { version: 4, bits: inner.bits, text: bytes.join(".") };
}

function embeddedIn(bits: bigint): { form: string; bits: bigint } | undefined {
  const found = EMBEDDED.find(([range]) => within(range, bits, 128));
  return found && { form: found[0][2], bits: (bits >> found[1]) & 0xffff_ffffn };
}

/** What makes an address no public one, with its article; undefined for a public one. */
export function rangeOf({ version, bits }: Address): string | undefined {
  if (version === 4) return find(SPECIAL_4, bits, 32);
  if (bits === 0n) return "an address of this host";
  if (bits === 1n) return "a loopback address";
  const embedded = embeddedIn(bits);
  if (embedded) {
    const inner = find(SPECIAL_4, embedded.bits, 32);
    if (inner !== undefined) return inner;
    // A mapped public address is that address; the other forms lead by a gateway that is somebody's own.
    return embedded.form === "mapped" ? undefined : "an address of a gateway between networks";
  }
  const special = find(SPECIAL_6, bits, 128);
  return special ?? (within(GLOBAL_6, bits, 128) ? undefined : "a private or reserved address");
}

const find = (ranges: readonly Range[], bits: bigint, width: number): string | undefined =>
  ranges.find((range) => within(range, bits, width))?.[2];

const within = ([prefix, length]: Range, bits: bigint, width: number): boolean =>
  prefix >> BigInt(width - length) === bits >> BigInt(width - length);

function bits4(text: string): bigint {
  return text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** Hexadecimal groups with at most one `::`, as the URL standard writes every IPv6 host. */
function bits6(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
