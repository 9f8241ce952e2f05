import { expect, it } from "vitest";
import { pagePolicy, securityHeaders } from "./security-headers.ts";

it("keeps browsers to HTTPS where they came by it, and only there", () => {
  expect(securityHeaders("https://ai.example.com/v1")).toHaveProperty("strict-transport-security");
  expect(securityHeaders("http://127.0.0.1:8787/v1")).not.toHaveProperty("strict-transport-security");
});

it.each(["https://a.example", "http://a.example"])("lets %s be framed, sniffed and kept by nobody", (url) => {
  expect(securityHeaders(url)).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  });
});

it("allows a page its own style sheet by its hash", async () => {
  // printf 'body{}' | openssl dgst -sha256 -binary | base64
  expect(await pagePolicy("body{}")).toContain(
    "style-src 'sha256-fJgEClQWV1hGkK4qHMO0KotTsVnMYMXTq7/suurGyUo='",
  );
});
