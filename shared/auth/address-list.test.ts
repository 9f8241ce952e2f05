import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAddressRange, isRangeWithin, isWithin } from "./address-list.ts";

describe("an address or a range", () => {
  it.each([
    "127.0.0.1",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.2.3/8",
    "255.255.255.255/32",
    "::1",
    "::/0",
    "2001:db8::/32",
    "2001:DB8:0:0:0:0:0:1/128",
    "::ffff:10.0.0.1",
    "::ffff:10.0.0.0/104",
  ])("is %s", (text) => {
    expect(isAddressRange(text)).toBe(true);
  });

  it.each([
    "",
    "localhost",
    "256.0.0.1",
    "10.0.0",
    "10.0.0.0.0",
    "10.0.0.01",
    "0x7f.0.0.1",
    "2130706433",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    " 10.0.0.1",
    "10.0.0.1 ",
    "::/129",
    ":::",
    "[::1]",
    "fe80::1%eth0",
    "::1]@evil",
    "::ffff:10.0.0.0/95",
  ])("is not %j", (text) => {
    expect(isAddressRange(text)).toBe(false);
    expect(isWithin([text], "10.0.0.1")).toBe(false);
  });
});

describe("isWithin", () => {
  it.each<[string[], string, boolean]>([
    [["10.0.0.0/8"], "10.255.0.1", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["10.0.0.1"], "10.0.0.1", true],
    [["10.0.0.1"], "10.0.0.2", false],
    [["192.168.0.0/16", "10.0.0.0/8"], "10.0.0.1", true],
    [["2001:db8::/32"], "2001:db8:ffff::1", true],
    [["2001:db8::/32"], "2001:db9::1", false],
    [["2001:DB8::1"], "2001:0db8:0:0:0:0:0:1", true],
    [["0.0.0.0/0"], "::1", false],
    [["::/0"], "10.0.0.1", false],
    [["10.0.0.0/8"], "::ffff:10.0.0.1", true],
    [["::ffff:10.0.0.0/104"], "10.9.9.9", true],
    [["10.0.0.0/8"], "unknown", false],
    [["10.0.0.0/8"], "10.0.0.1, 11.0.0.1", false],
    [[], "10.0.0.1", false],
  ])("of %j and %s is %s", (ranges, address, within) => {
    expect(isWithin(ranges, address)).toBe(within);
  });

  it("agrees with counting for every IPv4 range", () => {
    const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const written = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    fc.assert(
      fc.property(number, number, fc.integer({ min: 0, max: 32 }), (from, address, length) => {
        const size = 2 ** (32 - length);
        const same = Math.floor(from / size) === Math.floor(address / size);
        expect(isWithin([`${written(from)}/${length}`], written(address))).toBe(same);
      }),
    );
  });
});

describe("isRangeWithin", () => {
  it.each<[string[], string, boolean]>([
    [["10.0.0.0/8"], "10.1.0.0/16", true],
    [["10.0.0.0/8"], "10.0.0.0/8", true],
    [["10.0.0.0/8"], "10.1.2.3", true],
    [["10.1.0.0/16"], "10.0.0.0/8", false],
    [["10.1.0.0/16"], "10.2.0.0/24", false],
    [["::/0"], "10.0.0.1", false],
    [["10.0.0.0/8"], "nonsense", false],
  ])("of %j and %s is %s", (ranges, range, within) => {
    expect(isRangeWithin(ranges, range)).toBe(within);
  });
});
