import { describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import type { ApiKey, ApiKeyList, KeySecret } from "../../../shared/contracts/keys.ts";
import { chat, errorOf } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const KEYS = "/api/v1/keys";
const CHAT = "/v1/chat/completions";
const HOUR_MS = 3_600_000;
const proof = proofForFile([{ kind: "openai" }, { kind: "openai", id: "other" }]);

type Headers = Readonly<Record<string, string>>;

/** Asks with a key. */
const ask = (key: string, method: string, path: string, body?: unknown, headers: Headers = {}) =>
  proof().fetch(proof().url + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const admin = (method: string, path: string, body?: unknown, headers?: Headers) =>
  ask(proof().adminKey, method, path, body, headers);
const chatWith = (key: string, headers?: Headers, model = modelOf("openai")) =>
  ask(key, "POST", CHAT, chat(model, "Hello"), headers);

/** Makes a key, by an admin unless told. */
async function make(more: object = {}, by = proof().adminKey): Promise<KeySecret> {
  const response = await ask(by, "POST", KEYS, { name: "app", ...more });
  expect(response.status, await response.clone().text()).toBe(201);
  return (await response.json()) as KeySecret;
}
const read = async (id: string): Promise<ApiKey> =>
  (await (await admin("GET", `${KEYS}/${id}`)).json()) as ApiKey;
/** Looks at what needs no engine, and nothing that is remembered. */
const works = async (key: string): Promise<boolean> => (await ask(key, "GET", "/v1/models")).status === 200;
const sql = (text: string, ...values: unknown[]) =>
  proof()
    .database.prepare(text)
    .bind(...values)
    .run();

/** An admin's key in another workspace, which does not run the platform. */
async function tenant(): Promise<{ workspaceId: string; admin: string; developer: string }> {
  const nowMs = Date.now();
  const { database, pepper } = proof();
  const workspaceId = await createWorkspace(database, "tenant", nowMs, { operator: false });
  const keyOf = (role: "admin" | "developer") =>
    createKey(database, pepper, { workspaceId, name: role, role, nowMs });
  return { workspaceId, admin: await keyOf("admin"), developer: await keyOf("developer") };
}

describe("a key over the API", () => {
  it("is made, shown once, and works at once", async () => {
    const made = await admin("POST", KEYS, { name: " my app ", metadata: { team: "a" } });
    expect(made.status).toBe(201);
    expect(made.headers.get("etag")).toBe('"1"');
    expect(made.headers.get("cache-control")).toBe("no-store");
    const key = (await made.json()) as KeySecret;
    expect(key).toMatchObject({
      object: "api_key",
      id: expect.stringMatching(/^key_\w{20}$/),
      workspaceId: proof().workspaceId,
      name: "my app",
      role: "developer",
      scopes: null,
      models: null,
      metadata: { team: "a" },
      version: 1,
      revokedAtMs: null,
      secret: expect.stringMatching(/^sk-eco-\w{38}$/),
      secrets: [{ hint: expect.stringMatching(/^sk-eco-\w{4}…\w{4}$/), expiresAtMs: null }],
    });
    expect((await chatWith(key.secret)).status).toBe(200);
    const shown = await admin("GET", `${KEYS}/${key.id}`);
    expect(shown.headers.get("etag")).toBe('"1"');
    const text = await shown.text();
    expect(text).not.toContain(key.secret);
    const { secret: _, ...rest } = key;
    expect(JSON.parse(text)).toEqual(rest);
  });

  it("is changed by a merge patch, and by nobody who has read an older one", async () => {
    const { id } = await make({ models: ["a"], limits: { requestsPerMinute: 5 } });
    const patched = await admin("PATCH", `${KEYS}/${id}`, { name: "b", models: null }, { "if-match": '"1"' });
    expect(patched.status).toBe(200);
    expect(patched.headers.get("etag")).toBe('"2"');
    expect(await patched.json()).toMatchObject({
      name: "b",
      models: null,
      limits: { requestsPerMinute: 5 },
      version: 2,
    });
    const late = await admin("PATCH", `${KEYS}/${id}`, { name: "c" }, { "if-match": '"1"' });
    expect(late.status).toBe(412);
    const same = await admin("PATCH", `${KEYS}/${id}`, { name: "b" });
    expect(await same.json()).toMatchObject({ version: 2 });
  });

  it("is changed by several at a time, and none of the changes is lost", async () => {
    const { id } = await make();
    const patches = [{ name: "x" }, { models: ["m"] }, { priority: "low" }, { ips: ["10.0.0.0/8"] }];
    const answers = await Promise.all(patches.map((patch) => admin("PATCH", `${KEYS}/${id}`, patch)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await read(id)).toMatchObject({ version: 5, name: "x", models: ["m"], priority: "low" });
  });

  it.each<[object, string]>([
    [{}, "name"],
    [{ name: "x", secret: "sk-eco-mine" }, ""],
    [{ name: "x", role: "owner" }, "role"],
    [{ name: "x", origins: ["https://a.example/path"] }, "origins[0]"],
    [{ name: "x", ips: ["10.0.0.0/40"] }, "ips[0]"],
    [{ name: "x", models: ["capability:chat"] }, "models[0]"],
    [{ name: "x", scopes: ["keys:any"] }, "scopes[0]"],
    [{ name: "x", expiresAtMs: 1 }, "expiresAtMs"],
    [{ name: "x", limits: { requestsPerHour: 1 } }, "limits"],
  ])("is refused as %j", async (body, param) => {
    const response = await admin("POST", KEYS, body);
    expect(response.status).toBe(400);
    expect((await errorOf(response)).param ?? "").toBe(param);
  });

  it("leaves its secret nowhere, neither in the database nor in the log", async () => {
    const made = await make({ name: "watched" });
    const rotated = (await (
      await admin("POST", `${KEYS}/${made.id}/rotate`, { graceSeconds: 60 })
    ).json()) as KeySecret;
    await chatWith(rotated.secret);
    await admin("DELETE", `${KEYS}/${made.id}`);
    const { results: tables } = await proof()
      .database.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .all<{ name: string }>();
    const dumps = await Promise.all(
      tables.map(({ name }) => proof().database.prepare(`SELECT * FROM "${name}"`).all()),
    );
    const everything = JSON.stringify([dumps.map(({ results }) => results), proof().lines]);
    expect(everything).toContain("watched");
    for (const { secret } of [made, rotated]) {
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain(secret.slice(13, 39));
    }
  });
});

describe("a key that is rotated", () => {
  it("works by both secrets while the grace lasts, and by the new one after it", async () => {
    const made = await make();
    const answer = await admin("POST", `${KEYS}/${made.id}/rotate`, {});
    expect(answer.status).toBe(200);
    const rotated = (await answer.json()) as KeySecret;
    expect(rotated.secret).not.toBe(made.secret);
    expect(rotated).toMatchObject({ id: made.id, version: 2, secrets: [{ expiresAtMs: null }, {}] });
    expect(rotated).not.toHaveProperty("effectiveInSeconds");
    const graceMs = (rotated.secrets[1]?.expiresAtMs ?? 0) - Date.now();
    expect(Math.abs(graceMs - 24 * HOUR_MS)).toBeLessThan(60_000);
    expect(await Promise.all([made, rotated].map(({ secret }) => works(secret)))).toEqual([true, true]);
    expect((await chatWith(made.secret)).status).toBe(200);
    await sql("UPDATE key_secrets SET expires_at_ms = 1 WHERE key_id = ? AND expires_at_ms > 1", made.id);
    expect(await Promise.all([made, rotated].map(({ secret }) => works(secret)))).toEqual([false, true]);
    expect((await read(made.id)).secrets).toHaveLength(1);
  });

  it("has two secrets at most: the oldest ends with the second rotation", async () => {
    const first = await make();
    const second = (await (await admin("POST", `${KEYS}/${first.id}/rotate`)).json()) as KeySecret;
    const third = (await (await admin("POST", `${KEYS}/${first.id}/rotate`)).json()) as KeySecret;
    expect(third.secrets).toHaveLength(2);
    const living = await Promise.all([first, second, third].map(({ secret }) => works(secret)));
    expect(living).toEqual([false, true, true]);
  });

  it("ends its old secret at once without a grace", async () => {
    const made = await make();
    const rotated = (await (
      await admin("POST", `${KEYS}/${made.id}/rotate`, { graceSeconds: 0 })
    ).json()) as KeySecret;
    expect(rotated.secrets).toHaveLength(1);
    expect(await works(made.secret)).toBe(false);
    expect(await works(rotated.secret)).toBe(true);
  });

  it.each([-1, 1.5, 30 * 86_400 + 1, "1"])("has no grace of %j", async (graceSeconds) => {
    const { id } = await make();
    expect((await admin("POST", `${KEYS}/${id}/rotate`, { graceSeconds })).status).toBe(400);
  });

  it("may do so itself, whatever it may else, but not by a secret in its grace", async () => {
    const made = await make({ scopes: ["models:read"] });
    const itself = `${KEYS}/${made.id}`;
    const rotated = (await (await ask(made.secret, "POST", `${itself}/rotate`)).json()) as KeySecret;
    expect(await works(rotated.secret)).toBe(true);
    const again = await ask(made.secret, "POST", `${itself}/rotate`);
    expect(again.status).toBe(403);
    expect((await ask(rotated.secret, "GET", itself)).status).toBe(200);
    expect((await ask(rotated.secret, "PATCH", itself, { name: "x" })).status).toBe(403);
  });
});

describe("a key that is revoked", () => {
  it.each([
    ["DELETE", ""],
    ["POST", "/revoke"],
  ])("ends at once and for ever: %s", async (method, rest) => {
    const { id, secret } = await make();
    expect(await works(secret)).toBe(true);
    const revoked = await admin(method, KEYS + `/${id}` + rest);
    expect(revoked.status).toBe(200);
    expect(await revoked.json()).toMatchObject({ id, version: 2, revokedAtMs: expect.any(Number) });
    expect(await works(secret)).toBe(false);
    const again = await admin(method, KEYS + `/${id}` + rest);
    expect(await again.json()).toMatchObject({ version: 2 });
    for (const [verb, path, body] of [
      ["PATCH", "", { name: "x" }],
      ["POST", "/rotate", {}],
    ] as const)
      expect((await admin(verb, KEYS + `/${id}` + path, body)).status).toBe(409);
  });

  it("may do so itself", async () => {
    const { id, secret } = await make({ role: "viewer" });
    expect((await ask(secret, "POST", `${KEYS}/${id}/revoke`)).status).toBe(200);
    expect(await works(secret)).toBe(false);
  });
});

describe("whose keys are whose", () => {
  it("a developer makes keys, sees its own alone, and makes none above itself", async () => {
    const developer = await make();
    const child = await make({ role: "viewer" }, developer.secret);
    const stranger = await make();
    const list = (await (await ask(developer.secret, "GET", KEYS)).json()) as ApiKeyList;
    expect(list.data.map(({ id }) => id)).toEqual([child.id, developer.id]);
    expect(list.data[0]).toMatchObject({ createdBy: developer.id });
    for (const [method, rest, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { name: "mine" }],
      ["DELETE", "", undefined],
      ["POST", "/rotate", {}],
      ["POST", "/revoke", undefined],
    ] as const) {
      const response = await ask(developer.secret, method, KEYS + `/${stranger.id}` + rest, body);
      expect(response.status).toBe(404);
    }
    expect(await works(stranger.secret)).toBe(true);
    expect((await ask(developer.secret, "POST", KEYS, { name: "x", role: "admin" })).status).toBe(403);
    const raise = { role: "admin" };
    expect((await ask(developer.secret, "PATCH", `${KEYS}/${child.id}`, raise)).status).toBe(403);
    expect((await ask(developer.secret, "PATCH", `${KEYS}/${developer.id}`, raise)).status).toBe(403);
    expect((await ask(developer.secret, "DELETE", `${KEYS}/${child.id}`)).status).toBe(200);
  });

  it("a viewer deals with none but itself", async () => {
    const { id, secret } = await make({ role: "viewer" });
    expect((await ask(secret, "GET", KEYS)).status).toBe(403);
    expect((await ask(secret, "POST", KEYS, { name: "x", role: "viewer" })).status).toBe(403);
    expect((await ask(secret, "GET", `${KEYS}/${proof().workspaceId}`)).status).toBe(403);
    expect((await ask(secret, "GET", `${KEYS}/${id}`)).status).toBe(200);
  });

  it("an admin does not learn that another workspace's keys exist", async () => {
    const [a, b] = [await tenant(), await tenant()];
    const key = await make({}, a.developer);
    for (const method of ["GET", "DELETE"])
      expect((await ask(b.admin, method, `${KEYS}/${key.id}`)).status).toBe(404);
    expect((await ask(b.admin, "POST", `${KEYS}/${key.id}/rotate`)).status).toBe(404);
    const named = `?workspace=${a.workspaceId}`;
    for (const path of [KEYS + named, `${KEYS}/${key.id}${named}`])
      expect((await ask(b.admin, "GET", path)).status).toBe(403);
    expect((await ask(b.admin, "POST", KEYS + named, { name: "x" })).status).toBe(403);
    expect((await ask(a.admin, "GET", `${KEYS}/${key.id}${named}`)).status).toBe(200);
  });

  it("operators deal with those of any workspace that they name", async () => {
    const { workspaceId } = await tenant();
    const named = `?workspace=${workspaceId}`;
    const made = await admin("POST", KEYS + named, { name: "theirs", role: "admin", priority: "high" });
    const key = (await made.json()) as KeySecret;
    expect(key).toMatchObject({ workspaceId, priority: "high" });
    expect((await admin("GET", `${KEYS}/${key.id}`)).status).toBe(404);
    expect((await admin("GET", `${KEYS}/${key.id}${named}`)).status).toBe(200);
    // The rights of the workspace are those of the key, not those of who made it.
    const scopes = { name: "x", role: "admin", scopes: ["engines:manage"] };
    expect((await admin("POST", KEYS + named, scopes)).status).toBe(400);
    expect((await ask(key.secret, "GET", "/admin/engines")).status).toBe(403);
    expect((await ask(key.secret, "POST", KEYS, { name: "x", priority: "high" })).status).toBe(403);
    expect((await admin("DELETE", `${KEYS}/${key.id}${named}`)).status).toBe(200);
    expect((await admin("POST", `${KEYS}?workspace=ws_nowhere`, { name: "x" })).status).toBe(404);
  });

  it("a key that was cut down makes none that is not, and learns the secret of none", async () => {
    const cut = await make({ role: "admin", scopes: ["keys:any", "keys:own"], models: ["a"] });
    const other = await make();
    expect((await ask(cut.secret, "POST", KEYS, { name: "x" })).status).toBe(403);
    expect((await ask(cut.secret, "POST", `${KEYS}/${other.id}/rotate`)).status).toBe(403);
    expect((await ask(cut.secret, "PATCH", `${KEYS}/${cut.id}`, { scopes: null })).status).toBe(403);
    expect((await ask(cut.secret, "PATCH", `${KEYS}/${cut.id}`, { models: null })).status).toBe(403);
    const within = { scopes: ["keys:own"], models: ["a"] };
    expect((await ask(cut.secret, "POST", KEYS, { name: "x", ...within })).status).toBe(201);
  });
});

describe("a list of keys", () => {
  it("comes in pages, the newest first, each key once", async () => {
    const { admin: key } = await tenant();
    const made: string[] = [];
    for (let at = 0; at < 7; at++) made.unshift((await make({ name: `k${at}` }, key)).id);
    const seen: string[] = [];
    let after = "";
    for (let pages = 0; pages < 10; pages++) {
      const response = await ask(key, "GET", `${KEYS}?limit=3${after}`);
      const page = (await response.json()) as ApiKeyList;
      expect(page.data.length).toBeLessThanOrEqual(3);
      expect(page.hasMore).toBe(page.next !== null);
      seen.push(...page.data.map(({ id }) => id));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(seen.slice(0, 7)).toEqual(made);
    // And the two that the workspace began with.
    expect(new Set(seen).size).toBe(9);
    expect(seen).toHaveLength(9);
  });

  it("of a key's own has the key itself at its place", async () => {
    const own = await make();
    for (let at = 0; at < 3; at++) await make({}, own.secret);
    const first = (await (await ask(own.secret, "GET", `${KEYS}?limit=2`)).json()) as ApiKeyList;
    const second = (await (
      await ask(own.secret, "GET", `${KEYS}?limit=2&after=${first.next}`)
    ).json()) as ApiKeyList;
    expect(second.data.map(({ id }) => id).at(-1)).toBe(own.id);
    expect(second).toMatchObject({ hasMore: false, next: null });
    expect(new Set([...first.data, ...second.data].map(({ id }) => id)).size).toBe(4);
  });

  it.each(["limit=0", "limit=101", "limit=x", "after=key_unknown"])("is refused with %s", async (query) => {
    const response = await admin("GET", `${KEYS}?${query}`);
    expect(response.status).toBe(400);
    expect((await errorOf(response)).param).toBe(query.split("=")[0]);
  });
});

describe("what a key is bound to", () => {
  it("scopes: nothing else", async () => {
    const { secret } = await make({ scopes: ["models:read"] });
    expect(await works(secret)).toBe(true);
    const refused = await chatWith(secret);
    expect(refused.status).toBe(403);
    expect((await errorOf(refused)).message).toMatch(/scopes lack `inference`/);
  });

  it("its end, which can be put off", async () => {
    const { id, secret } = await make({ expiresAtMs: Date.now() + HOUR_MS });
    expect((await chatWith(secret)).status).toBe(200);
    await sql("UPDATE api_keys SET expires_at_ms = 1 WHERE id = ?", id);
    expect(await works(secret)).toBe(false);
    expect((await admin("POST", `${KEYS}/${id}/rotate`)).status).toBe(409);
    expect((await admin("PATCH", `${KEYS}/${id}`, { expiresAtMs: Date.now() + HOUR_MS })).status).toBe(200);
    expect(await works(secret)).toBe(true);
    expect((await chatWith(secret)).status).toBe(200);
  });

  it("origins: pages of others are refused, servers are not", async () => {
    const { secret } = await make({ origins: ["https://a.example"] });
    expect((await chatWith(secret, { origin: "https://a.example" })).status).toBe(200);
    expect((await chatWith(secret)).status).toBe(200);
    for (const origin of ["https://b.example", "null", "https://a.example.b.example"]) {
      const refused = await chatWith(secret, { origin });
      expect(refused.status).toBe(403);
      expect((await errorOf(refused)).code).toBe("insufficient_permissions");
    }
    expect((await ask(secret, "GET", "/v1/models", undefined, { origin: "https://b.example" })).status).toBe(
      403,
    );
  });

  it("addresses, as the edge tells them and no other header", async () => {
    const { secret } = await make({ ips: ["203.0.113.0/24", "2001:db8::/32"] });
    const from = (address: string) => chatWith(secret, { "cf-connecting-ip": address });
    expect((await from("203.0.113.9")).status).toBe(200);
    expect((await from("2001:db8::9")).status).toBe(200);
    expect((await from("203.0.114.9")).status).toBe(403);
    expect((await chatWith(secret, { "x-forwarded-for": "203.0.113.9" })).status).toBe(403);
    // Without an edge, who asks is on this machine.
    const { secret: here } = await make({ ips: ["127.0.0.0/8"] });
    expect((await chatWith(here)).status).toBe(200);
  });

  it("models: to it there are no others", async () => {
    const { secret } = await make({ models: [modelOf("openai")] });
    expect((await chatWith(secret)).status).toBe(200);
    const refused = await chatWith(secret, {}, modelOf("other"));
    expect(refused.status).toBe(404);
    const error = await errorOf(refused);
    expect(error.code).toBe("model_not_found");
    const unknown = await errorOf(await chatWith(secret, {}, "sim-othex"));
    expect(error.message.replace("sim-other", "")).toBe(unknown.message.replace("sim-othex", ""));
    const list = (await (await ask(secret, "GET", "/v1/models")).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual([modelOf("openai")]);
    expect((await ask(secret, "GET", `/v1/models/${modelOf("other")}`)).status).toBe(404);
    expect((await ask(secret, "GET", `/v1/models/${modelOf("openai")}`)).status).toBe(200);
  });

  it("a priority, where no operator asks for another", async () => {
    const { secret } = await make({ priority: "low" });
    const response = await chatWith(secret);
    expect(await proof().lineOf(response)).toMatchObject({ priority: "low" });
    const operator = await make({ role: "admin", priority: "low" });
    const asked = await chatWith(operator.secret, { "x-eco-priority": "high" });
    expect(await proof().lineOf(asked)).toMatchObject({ priority: "high" });
  });
});

describe("what goes wrong around keys", () => {
  it("nobody is let in by what is written in the wrong form", async () => {
    for (const [method, path] of [
      ["GET", KEYS],
      ["POST", KEYS],
      ["GET", `${KEYS}/key_x`],
      ["DELETE", `${KEYS}/key_x`],
      ["POST", `${KEYS}/key_x/rotate`],
    ] as const) {
      const response = await proof().fetch(proof().url + path, { method });
      expect(response.status).toBe(401);
    }
  });

  // Last in the file: the tables are away meanwhile.
  it("a database that is away is a 503, and nothing is changed", async () => {
    const made = await make();
    await sql("ALTER TABLE key_secrets RENAME TO lost");
    const response = await admin("POST", `${KEYS}/${made.id}/rotate`);
    await sql("ALTER TABLE lost RENAME TO key_secrets");
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("store_unavailable");
    expect(await works(made.secret)).toBe(true);
    expect((await read(made.id)).version).toBe(1);
  });
});
