import { type Address, addressOfHost } from "../engines/ip-range.ts";

/** The addresses whose first `length` bits are those of `bits`. */
type AddressRange = { readonly version: 4 | 6; readonly bits: bigint; readonly length: number };

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^[0-9a-f:.]{2,45}$/i;

/** An address as people write it; undefined for any other text. An IPv6 address that stands for an IPv4 one is that one. */
function addressOf(text: string): Address | undefined {
  if (IPV4.test(text)) return addressOfHost(text);
  if (!IPV6.test(text) || !text.includes(":")) return undefined;
  const url = `http://[${text}]/`;
  // The URL standard brings every form of an IPv6 address into one.
  const address = URL.canParse(url) ? addressOfHost(new URL(url).hostname) : undefined;
  return address && address.bits >> 32n === 0xffffn
    ? { version: 4, bits: address.bits & 0xffff_ffffn, text }
    : address;
}

/** An address, or a range of them (`10.0.0.0/8`, `2001:db8::/32`); undefined for any other text. */
function rangeOf(text: string): AddressRange | undefined {
  const [, host = "", digits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = addressOf(host);
  if (!address) return undefined;
  const width = address.version === 4 ? 32 : 128;
  // A range of addresses that stand for IPv4 ones is counted in the bits that were written.
  const isMapped = address.version === 4 && host.includes(":");
  const length = digits === undefined ? width : Number(digits) - (isMapped ? 96 : 0);
  return length >= 0 && length <= width
    ? { version: address.version, bits: address.bits, length }
    : undefined;
}

/** Whether a text is an address or a range of addresses. */
export const isAddressRange = (text: string): boolean => rangeOf(text) !== undefined;

/** Whether an address lies in one of the ranges. What is no address lies in none. */
export function isWithin(ranges: readonly string[], text: string): boolean {
  const address = addressOf(text);
  return address !== undefined && ranges.some((range) => contains(rangeOf(range), address));
}

/** Whether every address of a range lies in one of the ranges. */
export function isRangeWithin(ranges: readonly string[], text: string): boolean {
  const inner = rangeOf(text);
  return (
    inner !== undefined &&
    ranges.some((each) => {
      const outer = rangeOf(each);
      return outer !== undefined && outer.length <= inner.length && contains(outer, inner);
    })
  );
}

function contains(
  range: AddressRange | undefined,
  { version, bits }: Pick<Address, "version" | "bits">,
): boolean {
  if (!range || range.version !== version) return false;
  const shift = BigInt((version === 4 ? 32 : 128) - range.length);
  return range.bits >> shift === bits >> shift;
}
