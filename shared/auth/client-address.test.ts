import { describe, expect, it } from "vitest";
import { addressSubject } from "./client-address.ts";

describe("the subject of an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    [" 192.0.2.7 ", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
    ["a".repeat(65), undefined],
  ])("%j is %j", (address, subject) => {
    expect(addressSubject(address)).toBe(subject);
  });
});
