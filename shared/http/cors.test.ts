import { describe, expect, it } from "vitest";
import {
  type CorsPolicy,
  NO_CORS,
  concernsCors,
  corsHeaders,
  preflightHeaders,
  readCorsOrigins,
} from "./cors.ts";

const policyOf = (text: string): CorsPolicy => {
  const read = readCorsOrigins(text);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};
const ANY = policyOf("*");
const NAMED = policyOf("https://a.example, http://localhost:3000");

describe("the list of origins", () => {
  it.each<[string, CorsPolicy]>([
    ["", NO_CORS],
    [" , ", NO_CORS],
    ["*", { any: true, origins: new Set() }],
    [
      "https://a.example ,http://localhost:3000,",
      { any: false, origins: new Set(["https://a.example", "http://localhost:3000"]) },
    ],
  ])("is read from `%s`", (text, policy) => {
    expect(readCorsOrigins(text)).toEqual({ ok: true, value: policy });
  });

  it.each([
    "https://a.example/",
    "https://a.example/path",
    "https://A.example",
    "a.example",
    "https://a.example:443",
    "https://u@a.example",
    "ftp://a.example",
    "null",
    "*,https://a.example",
  ])("is not `%s`", (text) => {
    expect(readCorsOrigins(text).ok).toBe(false);
  });
});

describe("an answer", () => {
  it.each<[string, CorsPolicy, string | null, string[] | null, string | undefined, string | undefined]>([
    ["may be read by any page", ANY, "https://x.example", null, "*", undefined],
    ["says so to who asks from nowhere", ANY, null, null, "*", undefined],
    ["may be read by a named page", NAMED, "https://a.example", null, "https://a.example", "Origin"],
    ["may not be read by another", NAMED, "https://b.example", null, undefined, "Origin"],
    ["may not be read by one that begins so", NAMED, "https://a.example.evil.com", null, undefined, "Origin"],
    ["may not be read by a page without an origin", NAMED, "null", null, undefined, "Origin"],
    ["differs by origin, also for who has none", NAMED, null, null, undefined, "Origin"],
    [
      "may be read by a page that its key names",
      NO_CORS,
      "https://k.example",
      ["https://k.example"],
      "https://k.example",
      "Origin",
    ],
    [
      "may not be read by a page that its key does not name",
      NO_CORS,
      "https://b.example",
      ["https://k.example"],
      undefined,
      "Origin",
    ],
  ])("%s", (_, policy, origin, keyOrigins, allowed, vary) => {
    const headers = corsHeaders(policy, origin, keyOrigins);
    expect(headers["access-control-allow-origin"]).toBe(allowed);
    expect(headers.vary).toBe(vary);
    expect("access-control-expose-headers" in headers).toBe(allowed !== undefined);
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it("says nothing of it where nobody names an origin", () => {
    expect(concernsCors(NO_CORS, null)).toBe(false);
    expect(concernsCors(NO_CORS, [])).toBe(true);
    expect(concernsCors(NAMED, null)).toBe(true);
    expect(concernsCors(ANY, null)).toBe(true);
  });
});

describe("a preflight", () => {
  const asked = { origin: "https://a.example", method: "POST", headers: "Authorization, content-type" };

  it("is told what it may send", () => {
    expect(preflightHeaders(NAMED, asked, ["GET", "POST"])).toEqual({
      "access-control-allow-origin": "https://a.example",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type",
      "access-control-max-age": "7200",
      vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    });
    expect(preflightHeaders(ANY, asked, ["POST"])?.["access-control-allow-origin"]).toBe("*");
  });

  it("may send what OpenAI's SDKs send, and what is ours, and nothing else", () => {
    const headers =
      "x-stainless-os,x-stainless-retry-count,x-eco-session,openai-organization,cookie,x-forwarded-for,x-evil";
    expect(preflightHeaders(NAMED, { ...asked, headers }, ["POST"])?.["access-control-allow-headers"]).toBe(
      "x-stainless-os, x-stainless-retry-count, x-eco-session, openai-organization",
    );
    expect(preflightHeaders(NAMED, { ...asked, headers: null }, ["POST"])).not.toHaveProperty(
      "access-control-allow-headers",
    );
  });

  it.each<[string, CorsPolicy, object, string[]]>([
    ["of an origin that is not named", NAMED, { origin: "https://b.example" }, ["POST"]],
    ["where none is named", NO_CORS, {}, ["POST"]],
    ["without an origin", ANY, { origin: null }, ["POST"]],
    ["that does not say for what", ANY, { method: null }, ["POST"]],
    ["for what is not there", ANY, {}, []],
  ])("is none %s", (_, policy, more, methods) => {
    expect(preflightHeaders(policy, { ...asked, ...more }, methods)).toBeUndefined();
  });
});
