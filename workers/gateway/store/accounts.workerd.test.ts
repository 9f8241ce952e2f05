import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import { SessionId, UserId, WorkspaceId, randomBase62 } from "../../../shared/kernel/ids.ts";
import { d1AuditLog } from "./audit.ts";
import { d1OneTimeTokens } from "./one-time-tokens.ts";
import { memberships, users, workspaces } from "./schema.ts";
import { SESSION_MS, d1Sessions } from "./sessions.ts";
import { d1Users } from "./users.ts";
import { d1Workspaces } from "./workspaces.ts";

const NOW_MS = 1_800_000_000_000;
const idOf = (prefix: string) =>
  `${prefix}_${randomBase62(20, (count) => crypto.getRandomValues(new Uint8Array(count)))}`;
const audit = d1AuditLog(env.DB);
const sessions = d1Sessions(env.DB, audit);
const tokens = d1OneTimeTokens(env.DB, audit);
const people = d1Users(env.DB, audit);
const places = d1Workspaces(env.DB, audit);

let workspaceId: string;
const entry = (): AuditEntry => ({
  workspaceId,
  actor: { kind: "system", id: "test" },
  action: "test",
  resource: { type: "test", id: "test" },
  outcome: "pass",
});
const DAY_MS = 24 * 3_600_000;
const newUser = (email = `${idOf("mail")}@example.com`) => ({
  id: idOf("usr"),
  email,
  name: "Ada",
  passwordHash: "none",
  disabledAtMs: null,
  createdAtMs: NOW_MS,
  updatedAtMs: NOW_MS,
});
async function member(role: Role = "admin"): Promise<string> {
  const user = newUser();
  const db = drizzle(env.DB);
  await db.insert(users).values(user);
  await db.insert(memberships).values({ workspaceId, userId: user.id, role, createdAtMs: NOW_MS });
  return user.id;
}
async function session(userId: string) {
  const row = { id: idOf("ses"), userId, workspaceId, refreshHash: idOf("hash") };
  await sessions.open(entry(), row, NOW_MS);
  return row;
}
async function invite(nowMs = NOW_MS) {
  const hash = idOf("hash");
  const row = { hash, id: idOf("inv"), purpose: "invite" as const, workspaceId, role: "viewer" as const };
  await tokens.create(entry(), { ...row, createdAtMs: nowMs, expiresAtMs: nowMs + 10 }, nowMs);
  return hash;
}

beforeEach(async () => {
  workspaceId = idOf("ws");
  const row = { id: workspaceId, name: "a workspace", createdAtMs: NOW_MS, limits: { tokensPerDay: 5 } };
  await drizzle(env.DB).insert(workspaces).values(row);
});

describe("sessions in D1", () => {
  const claimsOf = (row: { id: string; userId: string }) => ({
    sub: UserId.parse(row.userId),
    sid: SessionId.parse(row.id),
    ws: WorkspaceId.parse(workspaceId),
    exp: NOW_MS / 1000 + 60,
  });

  it("say who somebody is now, with the limits of the workspace", async () => {
    const row = await session(await member("developer"));
    expect(await sessions.principal(claimsOf(row), NOW_MS)).toMatchObject({
      kind: "user",
      id: row.userId,
      workspaceId,
      role: "developer",
      operator: false,
      limits: null,
      workspaceLimits: { tokensPerDay: 5 },
      expiresAtMs: NOW_MS + 60_000,
    });
    expect(await sessions.principal(claimsOf(row), NOW_MS + SESSION_MS)).toBeUndefined();
    const other = await member();
    expect(await sessions.principal(claimsOf({ ...row, userId: other }), NOW_MS)).toBeUndefined();
    const elsewhere = { ...claimsOf(row), ws: WorkspaceId.parse(idOf("ws")) };
    expect(await sessions.principal(elsewhere, NOW_MS)).toBeUndefined();
  });

  it("give the next refresh token to one of many at once, and none after an end", async () => {
    const row = await session(await member());
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        sessions.rotate(row.id, { old: row.refreshHash, next: `${row.refreshHash} ${n}` }, NOW_MS + 5),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
    const winner = `${row.refreshHash} ${outcomes.indexOf("done")}`;
    expect(await sessions.find(winner, NOW_MS + SESSION_MS)).toMatchObject({ used: false, live: true });
    expect(await sessions.find(row.refreshHash, NOW_MS)).toMatchObject({ used: true });
    await sessions.end(entry(), { sessionId: row.id }, NOW_MS + 6);
    expect(await sessions.rotate(row.id, { old: winner, next: "never" }, NOW_MS + 7)).toBe("used");
    expect(await sessions.find("never", NOW_MS)).toBeUndefined();
    expect(await sessions.find(winner, NOW_MS)).toMatchObject({ used: false, live: false });
  });

  it("forget the tokens that were used a month ago", async () => {
    const row = await session(await member());
    const [second, third, fourth] = [idOf("hash"), idOf("hash"), idOf("hash")];
    await sessions.rotate(row.id, { old: row.refreshHash, next: second }, NOW_MS + 5);
    await sessions.rotate(row.id, { old: second, next: third }, NOW_MS + SESSION_MS);
    expect(await sessions.find(row.refreshHash, NOW_MS)).toMatchObject({ used: true });
    await sessions.rotate(row.id, { old: third, next: fourth }, NOW_MS + SESSION_MS + 6);
    expect(await sessions.find(row.refreshHash, NOW_MS)).toBeUndefined();
    expect(await sessions.find(second, NOW_MS)).toMatchObject({ used: true });
    expect(await sessions.find(fourth, NOW_MS)).toMatchObject({ used: false });
  });

  it("are forgotten with their tokens long after their end, at the next sign-in", async () => {
    const userId = await member();
    const old = await session(userId);
    const next = { id: idOf("ses"), userId, workspaceId, refreshHash: idOf("hash") };
    await sessions.open(entry(), next, NOW_MS + SESSION_MS + 1);
    expect(await sessions.find(old.refreshHash, NOW_MS)).toBeUndefined();
    expect(await sessions.find(next.refreshHash, NOW_MS)).toBeDefined();
  });
});

describe("people in D1", () => {
  it("have an address of their own, and nothing is left of one that was refused", async () => {
    const user = newUser();
    const made = { user, workspaceId, role: "viewer" as const };
    expect(await people.create(entry(), made, NOW_MS)).toBe("done");
    const again = { ...newUser(user.email), id: idOf("usr") };
    const own = {
      user: again,
      workspaceId: idOf("ws"),
      role: "admin" as const,
      workspace: { name: "own", limits: {} },
    };
    expect(await people.create(entry(), own, NOW_MS)).toBe("taken");
    expect(await places.get(own.workspaceId)).toBeUndefined();
    expect(await people.get(again.id)).toBeUndefined();
  });

  it("use an invitation up, all or nothing", async () => {
    const inviteHash = await invite();
    const made = { user: newUser(), workspaceId, role: "viewer" as const, inviteHash };
    expect(await people.create(entry(), made, NOW_MS + 10)).toBe("used");
    expect(await people.get(made.user.id)).toBeUndefined();
    expect(await people.create(entry(), made, NOW_MS + 9)).toBe("done");
    expect(await people.create(entry(), { ...made, user: newUser() }, NOW_MS + 9)).toBe("used");
  });

  it("find no invitation that has long ended, once there is a new one", async () => {
    const kept = async (hash: string) =>
      (await env.DB.prepare("SELECT hash FROM one_time_tokens WHERE hash = ?").bind(hash).first()) !== null;
    const first = await invite();
    const second = await invite(NOW_MS + DAY_MS);
    expect([await kept(first), await kept(second)]).toEqual([true, true]);
    await invite(NOW_MS + DAY_MS + 11);
    expect([await kept(first), await kept(second)]).toEqual([false, true]);
  });

  it("throw what is nobody's mistake", async () => {
    const nowhere = { user: newUser(), workspaceId: idOf("ws"), role: "viewer" as const };
    await expect(people.create(entry(), nowhere, NOW_MS)).rejects.toThrow(/FOREIGN KEY/);
  });
});

describe("workspaces in D1", () => {
  it("always have an admin, however many leave at once", async () => {
    const admins = await Promise.all([member(), member(), member()]);
    const outcomes = await Promise.all(
      admins.map((userId) => places.remove(entry(), { workspaceId, userId }, NOW_MS)),
    );
    expect(outcomes.toSorted()).toEqual(["done", "done", "last"]);
    expect(await places.members(workspaceId)).toMatchObject([{ role: "admin" }]);
  });

  it("go on by one version for one change at a time", async () => {
    const change = { id: workspaceId, version: 1, name: "changed", limits: null };
    const outcomes = await Promise.all([1, 2, 3].map(() => places.change(entry(), change)));
    expect(outcomes.toSorted()).toEqual(["done", "overtaken", "overtaken"]);
    expect(await places.get(workspaceId)).toMatchObject({ version: 2, name: "changed", limits: null });
  });
});

describe("what every request asks D1", () => {
  it.each([
    [
      "a session",
      "SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id JOIN workspaces ON workspaces.id = sessions.workspace_id JOIN memberships ON memberships.user_id = sessions.user_id AND memberships.workspace_id = sessions.workspace_id WHERE sessions.id = 'x' AND sessions.user_id = 'y' AND sessions.workspace_id = 'z'",
    ],
    [
      "a refresh token",
      "SELECT 1 FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id WHERE hash = 'x'",
    ],
    ["an address", "SELECT 1 FROM users WHERE email = 'x'"],
    [
      "a workspace's members",
      "SELECT 1 FROM memberships JOIN users ON users.id = memberships.user_id WHERE workspace_id = 'x' ORDER BY user_id",
    ],
    [
      "a person's workspaces",
      "SELECT 1 FROM memberships JOIN workspaces ON workspaces.id = workspace_id WHERE user_id = 'x'",
    ],
  ])("finds %s by indexes alone", async (_, text) => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`).all<{ detail: string }>();
    expect(results.map(({ detail }) => detail).filter((detail) => detail.startsWith("SCAN"))).toEqual([]);
  });
});
