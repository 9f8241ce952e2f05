import { describe, expect, it } from "vitest";
import { isOrigin, whyNotFromThere } from "./whence.ts";

describe("an origin", () => {
  it.each(["https://a.example", "http://localhost:5173", "https://a.example:8443", "http://[::1]:3000"])(
    "is %s",
    (text) => {
      expect(isOrigin(text)).toBe(true);
    },
  );

  it.each([
    "",
    "*",
    "null",
    "a.example",
    "https://a.example/",
    "https://a.example/path",
    "https://a.example?x",
    "https://A.example",
    "https://a.example:443",
    "https://user@a.example",
    "https://*.example",
    "ftp://a.example",
    "file://",
    "javascript:alert(1)",
    " https://a.example",
  ])("is not %j", (text) => {
    expect(isOrigin(text)).toBe(false);
  });
});

describe("where a key is used from", () => {
  const A = "https://a.example";
  it.each<[string[] | null, string[] | null, string | null, string | null, boolean]>([
    [null, null, null, null, true],
    [null, null, "https://evil.example", "1.2.3.4", true],
    [[A], null, A, null, true],
    [[A], null, null, null, true],
    [[A], null, "https://evil.example", null, false],
    [[A], null, "null", null, false],
    [[A], null, "https://a.example.evil.example", null, false],
    [[], null, A, null, false],
    [null, ["10.0.0.0/8"], null, "10.1.1.1", true],
    [null, ["10.0.0.0/8"], null, "11.1.1.1", false],
    [null, ["10.0.0.0/8"], null, null, false],
    [null, ["10.0.0.0/8"], null, "", false],
    [[A], ["10.0.0.0/8"], A, "11.1.1.1", false],
  ])("origins %j and addresses %j let in %j from %j: %s", (origins, ips, origin, address, allowed) => {
    expect(whyNotFromThere({ origins, ips }, { origin, address }) === undefined).toBe(allowed);
  });
});
