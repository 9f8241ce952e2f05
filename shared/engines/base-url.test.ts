import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBaseUrl } from "./base-url.ts";

const inProduction = (url: string) => checkBaseUrl(url, { privateAllowed: false });
const atHome = (url: string) => checkBaseUrl(url, { privateAllowed: true });
const errorOf = (result: ReturnType<typeof checkBaseUrl>): string => (result.ok ? "" : result.error);

describe("a base URL that is accepted everywhere", () => {
  it.each([
    ["https://gpu-1.example.com", "https://gpu-1.example.com"],
    ["https://gpu-1.example.com/", "https://gpu-1.example.com"],
    ["https://gpu-1.example.com/v1", "https://gpu-1.example.com/v1"],
    ["https://gpu-1.example.com/a/b//", "https://gpu-1.example.com/a/b"],
    ["https://gpu-1.example.com:443", "https://gpu-1.example.com"],
    ["https://GPU-1.Example.COM:8443", "https://gpu-1.example.com:8443"],
    ["HTTP://gpu-1.example.com:8000", "http://gpu-1.example.com:8000"],
    ["https://gpu-1.example.com./", "https://gpu-1.example.com."],
    ["https://xn--bcher-kva.example.com", "https://xn--bcher-kva.example.com"],
    ["http://8.8.8.8:11434", "http://8.8.8.8:11434"],
    ["http://0x08080808", "http://8.8.8.8"],
    ["http://172.15.255.255", "http://172.15.255.255"],
    ["http://172.32.0.1", "http://172.32.0.1"],
    ["http://100.63.0.1", "http://100.63.0.1"],
    ["http://[2606:4700:4700::1111]:8000", "http://[2606:4700:4700::1111]:8000"],
    ["http://[::ffff:8.8.8.8]", "http://[::ffff:808:808]"],
    ["https://local.example.com", "https://local.example.com"],
    ["https://localhost.example.com", "https://localhost.example.com"],
    ["https://internal-gpu.example.com", "https://internal-gpu.example.com"],
    ["https://example.com/a/../b", "https://example.com/b"],
  ])("%s as %s", (url, normal) => {
    expect(inProduction(url)).toEqual({ ok: true, value: normal });
    expect(atHome(url)).toEqual({ ok: true, value: normal });
  });
});

describe("a base URL that is refused everywhere", () => {
  it.each([
    ["", /not a URL/],
    ["gpu-1.example.com", /not a URL/],
    ["//gpu-1.example.com", /not a URL/],
    ["/v1", /not a URL/],
    ["ftp://gpu-1.example.com", /http/],
    ["file:///etc/passwd", /http/],
    ["javascript:alert(1)", /http/],
    ["data:text/plain,a", /http/],
    ["ws://gpu-1.example.com", /http/],
    ["gopher://gpu-1.example.com", /http/],
    ["http:gpu-1.example.com", /and a host/],
    ["http:/gpu-1.example.com", /and a host/],
    ["http:///gpu-1.example.com", /and a host/],
    ["https://user@gpu-1.example.com", /credentials/],
    ["https://user:secret@gpu-1.example.com", /credentials/],
    ["https://:@gpu-1.example.com", /credentials/],
    ["https://@gpu-1.example.com", /credentials/],
    ["https://gpu-1.example.com@evil.example", /credentials/],
    ["https://gpu-1.example.com%40evil.example", /not a URL/],
    ["https://gpu-1.example.com?x=1", /query/],
    ["https://gpu-1.example.com/?", /query/],
    ["https://gpu-1.example.com#", /fragment/],
    ["https://gpu-1.example.com/#a", /fragment/],
    ["https://gpu-1.example.com#@evil.example", /fragment/],
    ["https://gpu-1.example.com?@evil.example", /query/],
    ["https://gpu-1.example.com\\@evil.example", /backslashes/],
    ["https:\\\\gpu-1.example.com", /backslashes/],
    [" https://gpu-1.example.com", /spaces/],
    ["https://gpu-1.example.com ", /spaces/],
    ["https://gpu-1.exa\tmple.com", /spaces/],
    ["https://gpu-1.example.com\r\nhost: evil", /spaces/],
    ["https://gpu-1.example.com/\u0000", /ASCII/],
    ["https://１２７.０.０.１", /ASCII/],
    ["https://gpu。example.com", /ASCII/],
    ["https://bücher.example.com", /ASCII/],
    ["https://gpu-1.example.com/a%2f..%2fb", /encoded/],
    ["https://gpu-1.example.com/a%5cb", /encoded/],
    ["https://gpu-1.example.com/%252e%2e/%2E%2e", /encoded/],
    ["https://gpu-1.example.com:99999", /not a URL/],
    ["https://gpu-1.example.com:-1", /not a URL/],
    ["https://gpu-1.example.com:port", /not a URL/],
    ["https://gpu-1.example.com:0", /port/],
    ["https://", /not a URL/],
    ["https://.", /host/],
    ["https://a..b", /host/],
    ["http://256.256.256.256", /not a URL/],
    ["http://1.2.3.4.5", /not a URL/],
    ["http://[::1", /not a URL/],
    ["http://[fe80::1%25eth0]", /not a URL/],
    ["http://[fe80::1%eth0]", /not a URL/],
    ["http://169.254.169.254", /metadata/],
    ["http://169.254.169.254/latest/meta-data", /metadata/],
    ["http://0xa9fea9fe", /metadata/],
    ["http://2852039166", /metadata/],
    ["http://0251.0376.0251.0376", /metadata/],
    ["http://[::ffff:169.254.169.254]", /metadata/],
    ["http://[::ffff:a9fe:a9fe]", /metadata/],
    ["http://[64:ff9b::a9fe:a9fe]", /metadata/],
    ["http://[fd00:ec2::254]", /metadata/],
    ["http://169.254.170.2", /metadata/],
    ["http://100.100.100.200", /metadata/],
    ["http://metadata.google.internal", /metadata/],
    ["http://metadata.google.internal./computeMetadata/v1", /metadata/],
    ["http://METADATA", /metadata/],
  ])("%j", (url, says) => {
    expect(errorOf(inProduction(url))).toMatch(says);
    expect(errorOf(atHome(url))).toMatch(says);
  });
});

describe("a private host", () => {
  it.each([
    // One's own machine, in all spellings that the URL standard reads.
    ["http://127.0.0.1:8000", /loopback/],
    ["http://127.1", /loopback/],
    ["http://127.0.1", /loopback/],
    ["http://127.0.0.1.", /loopback/],
    ["http://127.255.255.254", /loopback/],
    ["http://2130706433", /loopback/],
    ["http://017700000001", /loopback/],
    ["http://0x7f000001", /loopback/],
    ["http://0x7f.0.0.0x1", /loopback/],
    ["http://0177.0.0.01", /loopback/],
    ["http://0x7F.1", /loopback/],
    ["http://%31%32%37.0.0.1", /loopback/],
    ["http://0.0.0.0", /this host/],
    ["http://0", /this host/],
    ["http://[::]", /this host/],
    ["http://[::1]:8000", /loopback/],
    ["http://[0:0:0:0:0:0:0:1]", /loopback/],
    ["http://[::ffff:127.0.0.1]", /loopback/],
    ["http://[::ffff:7f00:1]", /loopback/],
    ["http://[0:0:0:0:0:ffff:7f00:0001]", /loopback/],
    ["http://[::127.0.0.1]", /loopback/],
    ["http://[::ffff:0:127.0.0.1]", /loopback/],
    ["http://[64:ff9b::127.0.0.1]", /loopback/],
    ["http://[2002:7f00:1::]", /loopback/],
    // Private networks.
    ["http://10.0.0.5:8000", /private/],
    ["http://10.255.255.255", /private/],
    ["http://172.16.0.1", /private/],
    ["http://172.31.255.255", /private/],
    ["http://192.168.1.1", /private/],
    ["http://192.168.257", /private/],
    ["http://0xc0a80101", /private/],
    ["http://100.64.0.1", /carrier/],
    ["http://100.127.255.255", /carrier/],
    ["http://169.254.1.1", /link-local/],
    ["http://198.18.0.1", /benchmarks/],
    ["http://192.0.2.1", /documentation/],
    ["http://224.0.0.1", /multicast/],
    ["http://255.255.255.255", /reserved/],
    ["http://[fc00::1]", /private/],
    ["http://[fd12:3456::1]", /private/],
    ["http://[fe80::1]", /private/],
    ["http://[fec0::1]", /private/],
    ["http://[ff02::1]", /private or reserved/],
    ["http://[::ffff:10.0.0.1]", /private/],
    ["http://[64:ff9b::a00:1]", /private/],
    ["http://[64:ff9b:1::1]", /private/],
    ["http://[64:ff9b::8.8.8.8]", /gateway/],
    ["http://[2002:a00:1::]", /private/],
    ["http://[2001:db8::1]", /documentation/],
    ["http://[2001::1]", /protocol/],
    ["http://[100::1]", /reserved/],
    // Names.
    ["http://localhost:8000", /private network/],
    ["http://LOCALHOST.", /private network/],
    ["http://api.localhost", /private network/],
    ["http://nas.local", /private network/],
    ["http://vllm", /private network/],
    ["http://vllm.default.svc.cluster.local:8000", /private network/],
    ["http://gpu.internal", /private network/],
    ["http://gpu.corp.", /private network/],
    ["http://gpu.lan", /private network/],
    ["http://router.home.arpa", /private network/],
    ["http://gpu.test", /private network/],
  ])("%s is refused in production and taken at home", (url, says) => {
    expect(errorOf(inProduction(url))).toMatch(says);
    expect(errorOf(inProduction(url))).toContain("EGRESS");
    expect(atHome(url).ok).toBe(true);
  });
});

describe("whatever way an address is written", () => {
  const byte = fc.nat(255);
  const address = fc.tuple(byte, byte, byte, byte);
  const spellings = ([a, b, c, d]: readonly number[] & { length: 4 }): string[] => {
    const value = (((a ?? 0) * 256 + (b ?? 0)) * 256 + (c ?? 0)) * 256 + (d ?? 0);
    const low24 = value % 2 ** 24;
    const low16 = value % 2 ** 16;
    const hex = (part: number | undefined) => `0x${(part ?? 0).toString(16)}`;
    const octal = (part: number | undefined) => `0${(part ?? 0).toString(8)}`;
    return [
      [a, b, c, d].join("."),
      `${[a, b, c, d].join(".")}.`,
      [a, b, c, d].map(hex).join("."),
      [a, b, c, d].map(octal).join("."),
      `${a}.${b}.${low16}`,
      `${a}.${low24}`,
      String(value),
      hex(value),
      octal(value),
    ];
  };

  it("every spelling of an IPv4 address is judged as the address", () => {
    fc.assert(
      fc.property(address, (parts) => {
        const [plain = "", ...others] = spellings(parts).map((host) => inProduction(`http://${host}:8000`));
        for (const each of others) expect(each).toEqual(plain);
      }),
    );
  });

  it("no address of a private network passes in any spelling, plain or within IPv6", () => {
    const within = fc.oneof(
      fc.tuple(fc.constant(10), byte, byte, byte),
      fc.tuple(fc.constant(127), byte, byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
      fc.tuple(fc.constant(0), byte, byte, byte),
      fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
    );
    fc.assert(
      fc.property(within, fc.constantFrom("::ffff:", "::", "64:ff9b::", "::ffff:0:"), (parts, prefix) => {
        for (const host of [...spellings(parts), `[${prefix}${parts.join(".")}]`])
          expect(inProduction(`http://${host}`).ok, host).toBe(false);
      }),
    );
  });

  it("no IPv6 address outside of the global range passes", () => {
    const group = fc.nat(0xffff);
    const notGlobal = fc.integer({ min: 0x4000, max: 0xffff });
    fc.assert(
      fc.property(notGlobal, fc.array(group, { minLength: 7, maxLength: 7 }), (first, rest) => {
        const host = [first, ...rest].map((part) => part.toString(16)).join(":");
        expect(inProduction(`http://[${host}]`).ok).toBe(false);
      }),
    );
  });

  it("what is accepted keeps its host when a path is put behind it, and is its own normal form", () => {
    const piece = fc.constantFrom(
      ..."http:// https:// @ / \\ ? # %2e %00 . .. : :8000 [ ] gpu.example.com evil.example 127.0.0.1 ::1 a".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, privateAllowed) => {
        const checked = checkBaseUrl(`https://gpu.example.com${pieces.join("")}`, { privateAllowed });
        if (!checked.ok) return;
        const { value } = checked;
        expect(checkBaseUrl(value, { privateAllowed })).toEqual(checked);
        expect(new URL(`${value}/v1/models`).host).toBe(new URL(value).host);
      }),
      { numRuns: 2000 },
    );
  });
});
