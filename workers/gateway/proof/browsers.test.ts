import { describe, expect, it } from "vitest";
import { createKey } from "../../../scripts/platform/accounts.ts";
import { chat } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "vllm" }], {
  CORS_ORIGINS: "https://app.example, http://localhost:3000",
});
const APP = "https://app.example";
const CHAT = "/v1/chat/completions";

const get = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  proof().fetch(proof().url + path, {
    ...init,
    headers: { authorization: `Bearer ${proof().key}`, ...headers },
  });
const ask = (body: object, headers: Record<string, string> = {}) =>
  get(
    CHAT,
    { "content-type": "application/json", ...headers },
    { method: "POST", body: JSON.stringify(body) },
  );
const keyOf = async (more: object) => {
  const { database, pepper, workspaceId } = proof();
  return createKey(database, pepper, {
    workspaceId,
    name: "web",
    role: "developer",
    nowMs: Date.now(),
    ...more,
  });
};

/** Every kind of answer that there is. */
const ANSWERS: [string, number, (headers: Record<string, string>) => Promise<Response>][] = [
  ["a whole answer", 200, (headers) => ask(chat(modelOf("vllm"), "Hi"), headers)],
  ["a stream", 200, (headers) => ask({ ...chat(modelOf("vllm"), "Hi"), stream: true }, headers)],
  ["a list", 200, (headers) => get("/v1/models", headers)],
  ["a wrong request", 400, (headers) => ask({ model: modelOf("vllm"), messages: "none" }, headers)],
  ["no key", 401, (headers) => get("/v1/models", { authorization: "", ...headers })],
  ["no permission", 403, (headers) => get("/admin/engines", headers)],
  ["no model", 404, (headers) => ask(chat("nowhere", "Hi"), headers)],
  ["no route", 404, (headers) => get("/nowhere", headers)],
  ["a wrong method", 405, (headers) => get(CHAT, headers)],
  ["a page", 200, (headers) => get("/docs", headers)],
  ["the description", 200, (headers) => get("/openapi.json", headers)],
  ["health", 200, (headers) => get("/health", headers)],
  [
    "operators",
    200,
    (headers) => get("/admin/engines", { authorization: `Bearer ${proof().adminKey}`, ...headers }),
  ],
  [
    "an export",
    200,
    (headers) => get("/admin/audit/export", { authorization: `Bearer ${proof().adminKey}`, ...headers }),
  ],
];

describe("every answer", () => {
  it.each(ANSWERS)("keeps browsers from harm: %s", async (name, status, answer) => {
    const response = await answer({});
    await response.text();
    expect(response.status).toBe(status);
    const { headers } = response;
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("permissions-policy")).toContain("camera=()");
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    // This is plain HTTP, on which browsers ignore it.
    expect(headers.has("strict-transport-security")).toBe(false);
    const kept = ["a page", "the description"].includes(name);
    expect(headers.get("cache-control")).toMatch(
      name === "a stream" ? /^no-cache, no-transform$/ : kept ? /^no-cache$/ : /^no-store/,
    );
  });

  it.each(ANSWERS)("may be read by a page that is named: %s", async (_, status, answer) => {
    const response = await answer({ origin: APP });
    await response.text();
    expect(response.status).toBe(status);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
    expect(response.headers.get("vary")).toContain("Origin");
    expect(response.headers.get("access-control-expose-headers")).toMatch(
      /x-request-id.*x-ratelimit-remaining-tokens/,
    );
    expect(response.headers.has("access-control-allow-credentials")).toBe(false);
  });

  it.each(ANSWERS)("may not be read by another page: %s", async (_, status, answer) => {
    const response = await answer({ origin: "https://evil.example" });
    await response.text();
    expect(response.status).toBe(status);
    expect(response.headers.has("access-control-allow-origin")).toBe(false);
    expect(response.headers.get("vary")).toContain("Origin");
  });
});

describe("a key's own origins", () => {
  it("may read its answers, and those of no other key", async () => {
    const origin = "https://customer.example";
    const authorization = `Bearer ${await keyOf({ origins: [origin] })}`;
    const own = await get("/v1/models", { origin, authorization });
    expect(own.headers.get("access-control-allow-origin")).toBe(origin);
    const other = await get("/v1/models", { origin });
    expect(other.headers.has("access-control-allow-origin")).toBe(false);
  });
});

describe("a browser that asks beforehand", () => {
  const preflight = (path: string, headers: Record<string, string> = {}) =>
    fetch(proof().url + path, {
      method: "OPTIONS",
      headers: {
        origin: APP,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-os,x-eco-session",
        ...headers,
      },
    });

  it.each([
    [CHAT, "POST"],
    ["/v1/models", "GET, HEAD"],
    ["/v1/models/org/name", "GET, HEAD"],
    ["/admin/engines/gpu-1", "GET, PATCH, DELETE, HEAD"],
    ["/api/v1/platforms", "GET, POST, HEAD"],
  ])("is told without a key what %s allows", async (path, methods) => {
    const response = await preflight(path);
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
    expect(response.headers.get("access-control-allow-methods")).toBe(methods);
    expect(response.headers.get("access-control-allow-headers")).toBe(
      "authorization, content-type, x-stainless-os, x-eco-session",
    );
    expect(response.headers.get("access-control-max-age")).toBe("7200");
    expect(response.headers.get("vary")).toContain("Origin");
  });

  it.each<[string, string, Record<string, string>, number]>([
    ["for a page that is not named", CHAT, { origin: "https://evil.example" }, 401],
    ["for a path that is not there", "/v2/chat", {}, 404],
    ["for a public path and a page that is not named", "/health", { origin: "https://evil.example" }, 405],
  ])("is not let through %s", async (_, path, headers, status) => {
    const response = await preflight(path, headers);
    expect(response.status).toBe(status);
    expect(response.headers.has("access-control-allow-methods")).toBe(false);
  });
});
