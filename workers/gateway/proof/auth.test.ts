import { describe, expect, it } from "vitest";
import { createApiKey, hashApiKey, importPepper } from "../../../shared/auth/api-key.ts";
import { createKey } from "../../../scripts/platform/accounts.ts";
import { randomBytes } from "node:crypto";
import { chat, errorOf } from "./asking.ts";
import { KINDS, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const proof = proofForFile([
  { kind: "openai", sim: { apiKey: "the-engine's-own" }, config: { apiKey: "the-engine's-own" } },
  { kind: "ollama" },
]);

const random = (count: number) => new Uint8Array(randomBytes(count));
const ask = (authorization: string | undefined, path = CHAT, headers: Record<string, string> = {}) =>
  proof().fetch(proof().url + path, {
    ...(path === CHAT && { method: "POST", body: JSON.stringify(chat(modelOf("openai"), "Hello")) }),
    headers: {
      "content-type": "application/json",
      ...(authorization !== undefined && { authorization }),
      ...headers,
    },
  });
const newKey = (role: "developer" | "admin" = "developer", secret?: string) =>
  createKey(proof().database, proof().pepper, {
    workspaceId: proof().workspaceId,
    name: "another",
    role,
    nowMs: Date.now(),
    ...(secret !== undefined && { secret }),
  });
const hashOf = async (key: string) => hashApiKey(await importPepper(proof().pepper), key);

describe("a request without a key that works", () => {
  const flipped = (key: string) => key.slice(0, 20) + (key[20] === "a" ? "b" : "a") + key.slice(21);

  it.each<[string, () => string | undefined, string]>([
    ["no header", () => undefined, "missing_api_key"],
    ["an empty header", () => "", "missing_api_key"],
    ["another scheme", () => `Basic ${proof().key}`, "missing_api_key"],
    ["a bare key", () => proof().key, "missing_api_key"],
    ["a bearer without a key", () => "Bearer ", "missing_api_key"],
    ["another platform's key", () => "Bearer sk-proj-abcdefghijklmnop", "invalid_api_key"],
    ["a mistyped key", () => `Bearer ${flipped(proof().key)}`, "invalid_api_key"],
    ["half a key", () => `Bearer ${proof().key.slice(0, -3)}`, "invalid_api_key"],
    [
      "a key of the right form that nobody made",
      () => `Bearer ${createApiKey(random, Date.now())}`,
      "invalid_api_key",
    ],
    ["quotes around it", () => `Bearer "${proof().key}"`, "invalid_api_key"],
  ])("is a 401: %s", async (_, authorization, code) => {
    for (const path of [CHAT, "/v1/models", "/v1/models/sim-openai", "/v1/nowhere"]) {
      const response = await ask(authorization(), path);
      expect(response.status).toBe(401);
      expect(await errorOf(response)).toMatchObject({ code, type: "invalid_request_error", param: null });
    }
    expect(proof().sim("openai").seen().accepted).toBe(0);
  });

  it.each([
    ["has expired", "UPDATE key_secrets SET expires_at_ms = 1 WHERE hash = ?"],
    [
      "was revoked",
      "UPDATE api_keys SET revoked_at_ms = 1 WHERE id = (SELECT key_id FROM key_secrets WHERE hash = ?)",
    ],
  ])("is a 401: a key that %s", async (_, sql) => {
    const key = await newKey();
    await proof()
      .database.prepare(sql)
      .bind(await hashOf(key))
      .run();
    const response = await ask(`Bearer ${key}`);
    expect(response.status).toBe(401);
    expect((await errorOf(response)).code).toBe("invalid_api_key");
  });

  it("is told before the body is looked at", async () => {
    const response = await proof().fetch(proof().url + CHAT, { method: "POST", body: "not JSON" });
    expect(response.status).toBe(401);
  });
});

describe("a key that works", () => {
  it.each(["Bearer ", "bearer ", "BEARER   "])("is taken after %j", async (scheme) => {
    expect((await ask(scheme + proof().key)).status).toBe(200);
  });

  it("works the moment it is made, though it was refused before", async () => {
    const key = createApiKey(random, Date.now());
    expect((await ask(`Bearer ${key}`)).status).toBe(401);
    await newKey("developer", key);
    expect((await ask(`Bearer ${key}`)).status).toBe(200);
  });

  it("is named in the log line by its id, and its secret nowhere", async () => {
    const response = await ask(`Bearer ${proof().key}`);
    expect(await proof().lineOf(response)).toMatchObject({
      key: expect.stringMatching(/^key_/),
      workspace: proof().workspaceId,
    });
    expect(JSON.stringify(proof().lines)).not.toContain(proof().key);
  });

  it("never reaches an engine, nor do the caller's headers", async () => {
    const headers = {
      "x-conversation-id": "survives",
      "x-vllm-priority": "0",
      origin: "https://evil.example",
      cookie: "a=b",
      "x-forwarded-for": "10.0.0.1",
      "openai-organization": "org",
      "user-agent": "spy",
    };
    for (const kind of KINDS.filter((each) => each === "openai" || each === "ollama")) {
      const body = JSON.stringify(chat(modelOf(kind), "Hello"));
      await proof().fetch(proof().url + CHAT, {
        method: "POST",
        body,
        headers: { ...headers, "content-type": "application/json", authorization: `Bearer ${proof().key}` },
      });
      const request = proof()
        .sim(kind)
        .seen()
        .requests.findLast(({ method }) => method === "POST");
      expect(Object.keys(request?.headers ?? {}).filter((name) => name in headers)).toEqual([]);
      expect(JSON.stringify(request?.headers)).not.toContain(proof().key);
      expect(request?.headers.authorization).toBe(kind === "openai" ? "Bearer the-engine's-own" : undefined);
    }
  });
});

describe("the operators' pages", () => {
  it("are for admins: /metrics", async () => {
    expect((await ask(undefined, "/metrics")).status).toBe(401);
    const forbidden = await ask(`Bearer ${proof().key}`, "/metrics");
    expect(forbidden.status).toBe(403);
    expect(await errorOf(forbidden)).toMatchObject({ code: "insufficient_permissions" });
    expect((await ask(`Bearer ${proof().adminKey}`, "/metrics")).status).toBe(200);
  });

  it.each(["/health", "/ready", "/openapi.json", "/docs"])("%s needs no key", async (path) => {
    expect((await ask(undefined, path)).status).toBe(200);
  });
});

// Last in the file: after it the database has no keys any more.
describe("a database out of reach", () => {
  it("is a 503 that asks to try again, never a 401, and callers who are known stay so", async () => {
    expect((await ask(`Bearer ${proof().key}`)).status).toBe(200);
    const fresh = await newKey();
    await proof().database.prepare("ALTER TABLE api_keys RENAME TO lost").run();
    for (const path of [CHAT, "/v1/models"]) {
      const response = await ask(`Bearer ${fresh}`, path);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("1");
      expect(await errorOf(response)).toMatchObject({ code: "store_unavailable" });
    }
    expect((await ask("Bearer sk-other")).status).toBe(401);
    expect((await ask(`Bearer ${proof().key}`)).status).toBe(200);
    await proof().database.prepare("ALTER TABLE lost RENAME TO api_keys").run();
    expect((await ask(`Bearer ${fresh}`)).status).toBe(200);
  });
});
