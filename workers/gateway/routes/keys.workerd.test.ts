import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { ApiKey, KeySecret } from "../../../shared/contracts/keys.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { createApp } from "../app.ts";
import { bindPorts } from "../bind.ts";
import { randomBytes } from "../new-secret.ts";
import type { Ports } from "../ports.ts";
import { workspaces } from "../store/schema.ts";

const KEYS = "/api/v1/keys";
const NOW_MS = Date.now();

/** An app on the real stores, that tells what was written down, and of what the keys' objects were told. */
async function start(more: Partial<Ports> = {}) {
  const ports = bindPorts(env);
  const entries: AuditEntry[] = [];
  const told: [id: string, version: number][] = [];
  const logged: unknown[] = [];
  const fence = more.fence ?? (async () => undefined);
  const app = createApp({
    ...ports,
    audit: {
      ...ports.audit,
      commit: async (entry, changes) => {
        await ports.audit.commit(entry, changes);
        entries.push(entry);
      },
    },
    log: (line) => void logged.push(line),
    ...more,
    fence: async (id, version) => {
      told.push([id, version]);
      await fence(id, version);
    },
  });
  const { id: keyId, workspaceId, secret: adminKey } = await adminOf(ports);
  const ask = (method: string, path: string, body?: unknown, key = adminKey) =>
    app(
      new Request(`https://ai.example.com${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
      () => undefined,
    );
  const make = async () => (await (await ask("POST", KEYS, { name: "app" })).json()) as KeySecret;
  return { ask, make, entries, told, logged, keyId, workspaceId };
}

/** An admin's key in a workspace of its own. */
async function adminOf({ keyAdmin, newSecret }: Ports) {
  const db = drizzle(env.DB);
  const workspaceId = `ws_${randomBase62(20, randomBytes)}`;
  const id = `key_${randomBase62(20, randomBytes)}`;
  const secret = await newSecret(NOW_MS);
  const settings = { name: "admin", role: "admin" } as const;
  await db.insert(workspaces).values({ id: workspaceId, name: "test", createdAtMs: NOW_MS });
  const key = { id, workspaceId, createdBy: null, createdAtMs: NOW_MS, settings };
  for (const statement of keyAdmin.creating(key, secret)) await statement;
  return { id, workspaceId, secret: secret.secret };
}

describe("a change of a key", () => {
  it("is written down: who did what, and no secret", async () => {
    const { ask, make, entries, logged, keyId, workspaceId } = await start();
    const { id, secret } = await make();
    const updated = await ask("PATCH", `${KEYS}/${id}`, {
      name: "b",
      role: "viewer",
      metadata: { note: "private" },
    });
    const rotated = await ask("POST", `${KEYS}/${id}/rotate`, { graceSeconds: 60 });
    const revoked = await ask("DELETE", `${KEYS}/${id}`);
    const answers = [updated, rotated, revoked];
    const requests = answers.map((answer) => answer.headers.get("x-request-id"));
    const usual = {
      workspaceId,
      actor: { kind: "key", id: keyId },
      resource: { type: "key", id },
      outcome: "pass",
    };
    expect(entries).toEqual([
      {
        ...usual,
        action: "key.create",
        requestId: expect.stringMatching(/^req_/),
        details: { name: "app", role: "developer" },
      },
      {
        ...usual,
        action: "key.update",
        requestId: requests[0],
        details: { changed: ["name", "role", "metadata"], role: "viewer", version: 2 },
      },
      { ...usual, action: "key.rotate", requestId: requests[1], details: { graceSeconds: 60, version: 3 } },
      { ...usual, action: "key.revoke", requestId: requests[2], details: { version: 4 } },
    ]);
    const { secret: second } = (await rotated.json()) as KeySecret;
    for (const each of [secret, second])
      expect(JSON.stringify([entries, logged])).not.toContain(each.slice("sk-eco-".length, -4));
  });

  it("is told to the key's object, each with its version, before it is answered", async () => {
    const { ask, make, told } = await start();
    const { id } = await make();
    expect(told).toEqual([]);
    for (const [method, rest, body, version] of [
      ["PATCH", "", { name: "b" }, 2],
      ["POST", "/rotate", {}, 3],
      ["POST", "/revoke", undefined, 4],
    ] as const) {
      expect((await ask(method, KEYS + `/${id}` + rest, body)).status).toBe(200);
      expect(told.at(-1)).toEqual([id, version]);
    }
    expect(told).toHaveLength(3);
  });

  it("is neither made nor told where it cannot be written down", async () => {
    const ports = bindPorts(env);
    const fault = { ...ports.audit, commit: () => Promise.reject(new Error("D1_ERROR: the log is full")) };
    const { ask, make } = await start();
    const { id, secret } = await make();
    const broken = createApp({ ...ports, audit: fault, log: () => undefined });
    const answer = await broken(
      new Request(`https://ai.example.com${KEYS}/${id}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${secret}` },
      }),
      () => undefined,
    );
    expect(answer.status).toBe(503);
    expect(await (await ask("GET", `${KEYS}/${id}`)).json()).toMatchObject({ version: 1, revokedAtMs: null });
  });

  it("is told again where the object stumbles", async () => {
    let failures = 2;
    const { ask, make, told } = await start({
      fence: async () => {
        if (failures-- > 0) throw new Error("Durable Object reset because its code was updated.");
      },
    });
    const { id } = await make();
    expect((await ask("DELETE", `${KEYS}/${id}`)).status).toBe(200);
    expect(told).toEqual([
      [id, 2],
      [id, 2],
      [id, 2],
    ]);
  });
});

describe("a key whose object is out of reach", () => {
  const away = () => {
    const state = { away: true };
    const fence = async () => {
      if (state.away) throw new Error("Network connection lost.");
    };
    return { state, fence };
  };

  it.each([
    ["PATCH", "", { name: "b" }],
    ["DELETE", "", undefined],
    ["POST", "/revoke", undefined],
  ])("is changed, and the answer says from when that holds: %s%s", async (method, rest, body) => {
    const { state, fence } = away();
    const { ask, make, told } = await start({ fence });
    const { id } = await make();
    const answer = await ask(method, KEYS + `/${id}` + rest, body);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      error: { code: "change_pending", message: expect.stringMatching(/is changed.*within 90 s/) },
    });
    expect(told).toHaveLength(3);
    expect(((await (await ask("GET", `${KEYS}/${id}`)).json()) as ApiKey).version).toBe(2);
    state.away = false;
    const again = await ask(method, KEYS + `/${id}` + rest, body);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ version: 2 });
    expect(told.at(-1)).toEqual([id, 2]);
  });

  it("still tells its new secret, which could not be told later", async () => {
    const { ask, make } = await start({ fence: away().fence });
    const { id } = await make();
    const answer = await ask("POST", `${KEYS}/${id}/rotate`, { graceSeconds: 0 });
    expect(answer.status).toBe(200);
    const { secret, effectiveInSeconds } = (await answer.json()) as KeySecret;
    expect(effectiveInSeconds).toBe(90);
    expect((await ask("GET", `${KEYS}/${id}`, undefined, secret)).status).toBe(200);
  });
});
