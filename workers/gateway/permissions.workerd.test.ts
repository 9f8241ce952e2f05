import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { PERMISSIONS, type Permission, ROLES, type Role, may } from "../../shared/auth/permissions.ts";
import type { Principal } from "../../shared/auth/principal.ts";
import { testPrincipal } from "../../shared/auth/testing.ts";
import type { ApiError } from "../../shared/contracts/error.ts";
import { ok } from "../../shared/kernel/result.ts";
import { createApp, ROUTES } from "./app.ts";
import { bindPorts } from "./bind.ts";

/** Who asks: a role, in the operators' workspace or another, with a key or signed in. */
const CALLERS: readonly (readonly [string, Principal])[] = ROLES.flatMap((role) =>
  [true, false].flatMap((operator) =>
    (["key", "user"] as const).map((kind): [string, Principal] => [
      `${kind === "key" ? "the key of" : ""} a${role === "admin" ? "n" : ""} ${role} of ${operator ? "the operators'" : "another"} workspace`.trim(),
      testPrincipal({ kind, role, operator, id: `${kind === "key" ? "key" : "usr"}_${"a".repeat(20)}` }),
    ]),
  ),
);

/** An address of a route, with ids that nothing has. */
const addressOf = (path: string): string =>
  `https://ai.example.com${path.replaceAll(/:\w+(\{.+?\})?/g, "made-up")}`;

/** What the platform answers to somebody. */
async function ask(method: string, path: string, caller: Principal | undefined) {
  const ports = bindPorts(env);
  const app = createApp({
    ...ports,
    log: () => undefined,
    ...(caller && { authenticate: () => Promise.resolve(ok(caller)) }),
  });
  const verb = method.toUpperCase();
  const answer = await app(
    new Request(addressOf(path), {
      method: verb,
      headers: { "content-type": "application/json" },
      ...(verb !== "GET" && verb !== "DELETE" && { body: "{}" }),
    }),
    (work) => void work.catch(() => undefined),
  );
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  const body = isJson ? await answer.json<Partial<ApiError>>().catch(() => undefined) : undefined;
  if (!isJson) await answer.body?.cancel();
  return { status: answer.status, code: body?.error?.code ?? undefined };
}

const isRefused = ({ status, code }: { status: number; code: string | undefined }) =>
  status === 401 || (status === 403 && code === "insufficient_permissions");

const WORKSPACE = `ws_${"a".repeat(20)}`;
const USER = `usr_${"a".repeat(20)}`;

beforeAll(async () => {
  const at = (sql: string, ...values: string[]) => env.DB.prepare(sql).bind(...values);
  await env.DB.batch([
    at("INSERT INTO workspaces (id, name, operator, created_at_ms) VALUES (?, 'walked', 0, 0)", WORKSPACE),
    at(
      "INSERT INTO users (id, email, name, password_hash, created_at_ms, updated_at_ms) VALUES (?, 'a@b', '', '', 0, 0)",
      USER,
    ),
    at(
      "INSERT INTO memberships (workspace_id, user_id, role, created_at_ms) VALUES (?, ?, 'viewer', 0)",
      WORKSPACE,
      USER,
    ),
  ]);
});

describe("every route", () => {
  it("declares who may use it", () => {
    const known = ["public", "known", ...PERMISSIONS];
    expect(ROUTES.filter(([, , access]) => !known.includes(access))).toEqual([]);
    expect(ROUTES.length).toBeGreaterThan(60);
  });

  it("is open to nobody without a key, unless it is public", async () => {
    const open: string[] = [];
    for (const [method, path, access] of ROUTES) {
      if (access === "public") continue;
      const { status } = await ask(method, path, undefined);
      if (status !== 401) open.push(`${method} ${path}: ${status}`);
    }
    expect(open).toEqual([]);
  });

  it.each(CALLERS)("answers %s as the table of permissions says", async (_, caller) => {
    const wrong: string[] = [];
    for (const [method, path, access] of ROUTES) {
      if (access === "public") continue;
      const answer = await ask(method, path, caller);
      const allowed = access === "known" || may(caller, access);
      // What a handler refuses by itself is said in other words than those of the table.
      if (!allowed && !isRefused(answer))
        wrong.push(`${method} ${path}: ${answer.status}, and is not for them`);
      if (allowed && answer.status === 401) wrong.push(`${method} ${path}: 401, and is for them`);
    }
    expect(wrong).toEqual([]);
  });
});

describe("the table of permissions", () => {
  const holders = (permission: Permission, kind: "key" | "user" = "user") =>
    [true, false].map((operator) =>
      ROLES.filter((role: Role) => may({ kind, role, operator, scopes: null }, permission)),
    );
  const EVERYBODY = ["admin", "developer", "viewer"];

  it.each<[Permission, string[], string[]]>([
    ["models:read", EVERYBODY, EVERYBODY],
    ["platforms:read", EVERYBODY, EVERYBODY],
    ["workspace:read", EVERYBODY, EVERYBODY],
    ["usage:read", EVERYBODY, EVERYBODY],
    ["account:own", EVERYBODY, EVERYBODY],
    ["inference", ["admin", "developer"], ["admin", "developer"]],
    ["keys:own", ["admin", "developer"], ["admin", "developer"]],
    ["keys:any", ["admin"], ["admin"]],
    ["workspace:manage", ["admin"], ["admin"]],
    ["audit:read", ["admin"], ["admin"]],
    ["platforms:write", ["admin"], []],
    ["engines:manage", ["admin"], []],
    ["metrics:read", ["admin"], []],
    ["usage:any", ["admin"], []],
    ["accounts:any", ["admin"], []],
  ])("gives %s to %j of the operators' workspace, and to %j of others", (permission, operators, others) => {
    expect(holders(permission)).toEqual([operators, others]);
  });

  it("knows no permission that is not written down here", () => {
    expect(PERMISSIONS).toHaveLength(15);
  });

  it("keeps keys from what is for people, and from all beyond their scopes", () => {
    expect(holders("account:own", "key")).toEqual([[], []]);
    for (const scope of PERMISSIONS)
      for (const permission of PERMISSIONS)
        if (permission !== scope)
          expect(may({ kind: "key", role: "admin", operator: true, scopes: [scope] }, permission)).toBe(
            false,
          );
  });
});
