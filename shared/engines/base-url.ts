import type { EngineConfig } from "../contracts/engine-config.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { addressOfHost, rangeOf, unwrapped } from "./ip-range.ts";

/** What a deployment allows of the engines that are registered with it. */
export type BaseUrlPolicy = {
  /**
   * Whether the host may be on a private network: true on one's own machine, and for an engine that is reached by a VPC
   * or tunnel binding.
   */
  readonly privateAllowed: boolean;
};

/** Names that never lead out of a network. `.internal` and `.home.arpa` are reserved for that, the others are used so. */
const PRIVATE_NAMES =
  /^(localhost|.+\.(localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|onion|test|invalid))$/;

/** Clouds tell their machines' credentials to whoever asks here: no engine is there, and nobody may make us ask. */
const METADATA_NAMES = /^(metadata|instance-data|metadata\.google\.internal|instance-data\.ec2\.internal)$/;

const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2:0:0:0:0:0:254",
  "fd20:ce:0:0:0:0:0:254",
]);

/**
 * Whether a URL can be an engine's base URL; the value is its normal form, without a slash at the end, and the error
 * says what is wrong in words that go after "`baseUrl`: ".
 *
 * The URL standard's own parser reads the host, as `fetch` will: `0x7f.1`, `2130706433` and `127.0.0.1` are one address
 * to both. Ports are not restricted, for engines listen where they like. A public name may still lead to a private
 * address: on Cloudflare's network a Worker's fetch does not go there, and redirects are never followed.
 */
export function checkBaseUrl(text: string, { privateAllowed }: BaseUrlPolicy): Result<string, string> {
  // The parser would drop or turn them: what is read here must be what was written.
  if (/[\s\\]|[^\x21-\x7e]/.test(text)) return err("must be plain ASCII without spaces or backslashes");
  const url = URL.parse(text);
  if (!url) return err("is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return err("must begin with http:// or https://");
  if (!/^https?:\/\/[^/]/i.test(text)) return err("must begin with http:// or https:// and a host");
  if (/^https?:\/\/[^/?#]*@/i.test(text)) return err("must not hold credentials; use `apiKeySecret`");
  if (/[?#]/.test(text)) return err("must not have a query or a fragment");
  if (/%(2[5ef]|5c)/i.test(text)) return err("must not have encoded slashes, dots or percent signs");
  if (url.port === "0") return err("has no port to connect to");
  const refused = refuseHost(url.hostname, privateAllowed);
  if (refused !== undefined) return err(refused);
  return ok(url.origin + url.pathname.replace(/\/+$/, ""));
}

/** Where an engine is called: its API, and its numbers where they are elsewhere. */
type EngineUrls = Pick<EngineConfig, "baseUrl" | "metricsUrl" | "via">;

/**
 * Whether an engine may be called at its URLs. By a VPC binding it may be private wherever it is. The value is its base URL
 * in normal form; the error names the field at fault and what is wrong with it, in words that go after its name.
 */
export function checkEngineUrls(
  { baseUrl, metricsUrl, via }: EngineUrls,
  policy: BaseUrlPolicy,
): Result<string, { readonly field: "baseUrl" | "metricsUrl"; readonly why: string }> {
  const privateAllowed = policy.privateAllowed || via === "vpc";
  const base = checkBaseUrl(baseUrl, { privateAllowed });
  if (!base.ok) return err({ field: "baseUrl", why: base.error });
  if (metricsUrl === undefined) return base;
  const metrics = checkBaseUrl(metricsUrl, { privateAllowed });
  return metrics.ok ? base : err({ field: "metricsUrl", why: metrics.error });
}

function refuseHost(hostname: string, privateAllowed: boolean): string | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  const address = addressOfHost(name);
  if (METADATA_NAMES.test(name) || (address && METADATA_ADDRESSES.has(unwrapped(address).text)))
    return "is a cloud's metadata service, never an engine";
  if (name === "" || name.includes("..")) return "has no host";
  if (privateAllowed) return undefined;
  const how = 'reach it by a public name of a tunnel, or by the binding EGRESS with `via: "vpc"`';
  const range = address ? rangeOf(address) : undefined;
  if (range !== undefined) return `is ${range}: ${how}`;
  if (address) return undefined;
  if (PRIVATE_NAMES.test(name) || !name.includes(".")) return `is a name of a private network: ${how}`;
  return undefined;
}
