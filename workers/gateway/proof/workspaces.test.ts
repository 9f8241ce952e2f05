import { describe, expect, it } from "vitest";
import type { Joined, Me, PasswordSet, ResetToken, Session } from "../../../shared/contracts/accounts.ts";
import type {
  AccountList,
  InviteList,
  MemberList,
  NewAccount,
  NewInvite,
  Workspace,
  WorkspaceList,
} from "../../../shared/contracts/workspaces.ts";
import { PASSWORD, accountsOf, errorOf, newEmail } from "./accounts.ts";
import { proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "openai" }], {
  SIGNUP_POLICY: "invite",
  THROTTLE_RULES: JSON.stringify({ loginFailures: { countMax: 4, windowS: 900 } }),
});
const { ask, post, gives, workspace, person, login, signedIn, sql } = accountsOf(proof);

const WS = "/api/v1/workspaces";
const operator = () => proof().adminKey;
const patch = (path: string, body: unknown, token: string, headers: Record<string, string> = {}) =>
  ask("PATCH", path, { body, token, headers });
const invite = async (token: string, workspaceId: string, body: object = { role: "developer" }) =>
  gives<NewInvite>(post(`${WS}/${workspaceId}/invites`, body, { token }));

describe("a workspace", () => {
  it("is one of those that one belongs to", async () => {
    const someone = await signedIn("developer");
    const second = await workspace();
    await sql("INSERT INTO memberships VALUES (?, ?, 'admin', 1)", second, someone.id);
    const { data } = await gives<WorkspaceList>(ask("GET", WS, { token: someone.accessToken }));
    expect(Object.fromEntries(data.map(({ id, role }) => [id, role]))).toEqual({
      [someone.workspaceId]: "developer",
      [second]: "admin",
    });
    const mine = await gives<WorkspaceList>(ask("GET", WS, { token: proof().key }));
    expect(mine.data).toMatchObject([{ id: proof().workspaceId, role: "developer", operator: true }]);
  });

  it("is seen among all by operators alone, page by page", async () => {
    await Promise.all([workspace(), workspace(), workspace()]);
    const seen: string[] = [];
    for (let more = true; more;) {
      const after = seen.at(-1) ?? "";
      const page = await gives<WorkspaceList>(
        ask("GET", `${WS}?all=true&limit=2&after=${after}`, { token: operator() }),
      );
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map(({ id }) => id));
      more = page.hasMore;
    }
    const count = await proof()
      .database.prepare("SELECT count(*) AS n FROM workspaces")
      .first<{ n: number }>();
    expect(new Set(seen).size).toBe(count?.n);
    expect((await ask("GET", `${WS}?all=true`, { token: proof().key })).status).toBe(403);
    expect((await ask("GET", `${WS}?all=true`, { token: (await signedIn()).accessToken })).status).toBe(403);
    for (const query of ["all=yes", "limit=0", "limit=51", "limit=x"])
      expect((await ask("GET", `${WS}?${query}`, { token: operator() })).status).toBe(400);
  });

  it("is made by operators, who say what it may use", async () => {
    const made = await post(WS, { name: "Research", limits: { tokensPerDay: 5 } }, { token: operator() });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as Workspace;
    const shown = await ask("GET", `${WS}/${id}`, { token: operator() });
    expect(shown.headers.get("etag")).toBe('"1"');
    expect(await shown.json()).toMatchObject({
      id,
      name: "Research",
      operator: false,
      limits: { tokensPerDay: 5 },
    });
    expect((await post(WS, { name: "Mine" }, { token: (await signedIn()).accessToken })).status).toBe(403);
    for (const body of [
      {},
      { name: "" },
      { name: "x", limits: { tokensPerDay: -1 } },
      { name: "x", operator: true },
    ])
      expect((await post(WS, body, { token: operator() })).status).toBe(400);
  });

  it("is named by its admins, and limited by operators", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const path = `${WS}/${workspaceId}`;
    const named = await patch(path, { name: "Ours" }, accessToken);
    expect(named.headers.get("etag")).toBe('"2"');
    expect(await named.json()).toMatchObject({ name: "Ours", version: 2, limits: null });
    expect((await patch(path, { limits: { tokensPerDay: 1 } }, accessToken)).status).toBe(403);
    const limit = (limits: unknown) => patch(path, { limits }, operator()).then((each) => each.json());
    expect(await limit({ tokensPerDay: 1, requestsPerMinute: 2 })).toMatchObject({
      version: 3,
      name: "Ours",
    });
    expect(await limit({ tokensPerDay: null })).toMatchObject({
      version: 4,
      limits: { requestsPerMinute: 2 },
    });
    expect(await limit(null)).toMatchObject({ version: 5, limits: null });
    expect((await patch(path, { limits: { tokensPerDay: "many" } }, operator())).status).toBe(400);
    for (const role of ["developer", "viewer"] as const) {
      const member = await signedIn(role, workspaceId);
      expect((await patch(path, { name: "Mine" }, member.accessToken)).status).toBe(403);
    }
  });

  it("is not overwritten by whoever has read an older one", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const path = `${WS}/${workspaceId}`;
    await gives(patch(path, { name: "First" }, accessToken, { "if-match": '"1"' }));
    const stale = await patch(path, { name: "Second" }, accessToken, { "if-match": '"1"' });
    expect(stale.status).toBe(412);
    expect(stale.headers.get("etag")).toBe('"2"');
    const racing = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        patch(path, { name: `Race ${n}` }, accessToken, { "if-match": '"2"' }),
      ),
    );
    expect(racing.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("is not there for members of another, whatever they try", async () => {
    const mine = await signedIn("admin");
    const other = await signedIn("admin");
    const path = `${WS}/${other.workspaceId}`;
    const open = await invite(other.accessToken, other.workspaceId);
    const tries: [string, string, unknown?][] = [
      ["GET", path],
      ["PATCH", path, { name: "Mine" }],
      ["GET", `${path}/members`],
      ["PATCH", `${path}/members/${other.id}`, { role: "viewer" }],
      ["DELETE", `${path}/members/${other.id}`],
      ["GET", `${path}/invites`],
      ["POST", `${path}/invites`, { role: "admin" }],
      ["DELETE", `${path}/invites/${open.id}`],
    ];
    for (const [method, to, body] of tries) {
      const refused = await ask(method, to, { body, token: mine.accessToken });
      expect([method, to, refused.status]).toEqual([method, to, 404]);
      expect((await errorOf(refused)).message).toContain("There is no workspace");
    }
    const elsewhere = await ask("DELETE", `${WS}/${mine.workspaceId}/members/${other.id}`, {
      token: mine.accessToken,
    });
    expect(elsewhere.status).toBe(404);
    const [members, invites] = await Promise.all([
      gives<MemberList>(ask("GET", `${path}/members`, { token: operator() })),
      gives<InviteList>(ask("GET", `${path}/invites`, { token: operator() })),
    ]);
    expect(members.data).toMatchObject([{ userId: other.id, role: "admin" }]);
    expect(invites.data).toMatchObject([{ id: open.id }]);
  });
});

describe("a member", () => {
  it("is what admins make of them, at once", async () => {
    const admin = await signedIn("admin");
    const member = await signedIn("developer", admin.workspaceId);
    const path = `${WS}/${admin.workspaceId}/members`;
    const { data } = await gives<MemberList>(ask("GET", path, { token: admin.accessToken }));
    expect(data.map(({ role }) => role).toSorted()).toEqual(["admin", "developer"]);
    expect((await ask("GET", path, { token: member.accessToken })).status).toBe(403);
    await gives(patch(`${path}/${member.id}`, { role: "admin" }, admin.accessToken));
    expect((await ask("GET", path, { token: member.accessToken })).status).toBe(200);
    await gives(patch(`${path}/${member.id}`, { role: "viewer" }, admin.accessToken));
    expect((await ask("GET", path, { token: member.accessToken })).status).toBe(403);
  });

  it("who is removed is out at once, with all sessions in it and no others", async () => {
    const admin = await signedIn("admin");
    const member = await signedIn("developer", admin.workspaceId);
    const second = await workspace();
    await sql("INSERT INTO memberships VALUES (?, ?, 'admin', ?)", second, member.id, Date.now());
    const elsewhere = await login(member.email, { workspaceId: second });
    const removed = await ask("DELETE", `${WS}/${admin.workspaceId}/members/${member.id}`, {
      token: admin.accessToken,
    });
    expect(await removed.json()).toEqual({ object: "member", id: member.id, deleted: true });
    expect((await ask("GET", "/v1/models", { token: member.accessToken })).status).toBe(401);
    expect((await post("/auth/refresh", { refreshToken: member.refreshToken })).status).toBe(401);
    expect((await ask("GET", "/v1/models", { token: elsewhere.accessToken })).status).toBe(200);
    expect((await login(member.email)).workspace.id).toBe(second);
  });

  it("who leaves is out at once, of that workspace alone", async () => {
    const admin = await signedIn("admin");
    const member = await signedIn("viewer", admin.workspaceId);
    const second = await workspace();
    await sql("INSERT INTO memberships VALUES (?, ?, 'developer', ?)", second, member.id, Date.now());
    const elsewhere = await login(member.email, { workspaceId: second });
    const leave = (id: string, token: string) => post(`${WS}/${id}/leave`, {}, { token });
    const left = await leave(admin.workspaceId, elsewhere.accessToken);
    expect(await left.json()).toEqual({ object: "member", id: member.id, deleted: true });
    expect((await ask("GET", "/v1/models", { token: member.accessToken })).status).toBe(401);
    expect((await ask("GET", "/v1/models", { token: elsewhere.accessToken })).status).toBe(200);
    const again = await leave(admin.workspaceId, elsewhere.accessToken);
    expect([again.status, (await errorOf(again)).message]).toEqual([
      404,
      expect.stringContaining("There is no workspace"),
    ]);
    expect((await leave(admin.workspaceId, admin.accessToken)).status).toBe(409);
    expect((await leave(proof().workspaceId, proof().adminKey)).status).toBe(403);
    expect((await leave(second, elsewhere.accessToken)).status).toBe(200);
    expect((await ask("GET", "/v1/models", { token: elsewhere.accessToken })).status).toBe(401);
  });

  it("who is the last admin stays one, whoever else is there", async () => {
    const admin = await signedIn("admin");
    const path = `${WS}/${admin.workspaceId}/members`;
    await person("developer", admin.workspaceId);
    const disabled = await person("admin", admin.workspaceId);
    await sql("UPDATE users SET disabled_at_ms = 1 WHERE id = ?", disabled.id);
    for (const token of [admin.accessToken, operator()]) {
      for (const refused of [
        await patch(`${path}/${admin.id}`, { role: "viewer" }, token),
        await ask("DELETE", `${path}/${admin.id}`, { token }),
      ]) {
        expect(refused.status).toBe(409);
        expect((await errorOf(refused)).message).toContain("last admin");
      }
    }
    expect((await patch(`${path}/${admin.id}`, { role: "admin" }, admin.accessToken)).status).toBe(200);
    expect((await ask("GET", path, { token: admin.accessToken })).status).toBe(200);
  });

  it("of two admins who remove each other one is left", async () => {
    for (let round = 0; round < 3; round++) {
      const one = await signedIn("admin");
      const two = await signedIn("admin", one.workspaceId);
      const path = `${WS}/${one.workspaceId}/members`;
      const answers = await Promise.all([
        ask("DELETE", `${path}/${two.id}`, { token: one.accessToken }),
        patch(`${path}/${one.id}`, { role: "viewer" }, two.accessToken),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const { data } = await gives<MemberList>(ask("GET", path, { token: operator() }));
      expect(data.filter(({ role }) => role === "admin")).toHaveLength(1);
    }
  });
});

describe("an invitation", () => {
  it("leads somebody new into its workspace, once", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const { token, id } = await invite(accessToken, workspaceId, { role: "viewer" });
    expect(token).toMatch(/^einv_/);
    const listed = await gives<InviteList>(
      ask("GET", `${WS}/${workspaceId}/invites`, { token: accessToken }),
    );
    expect(listed.data).toMatchObject([{ id, role: "viewer", email: null }]);
    expect(JSON.stringify(listed)).not.toContain(token);
    const signup = (email: string) =>
      post("/auth/signup", { email, password: PASSWORD, name: "New", inviteToken: token });
    const joined = await signup(newEmail());
    expect(joined.status).toBe(201);
    const session = (await joined.json()) as Session;
    expect(session).toMatchObject({ user: { name: "New" }, workspace: { id: workspaceId, role: "viewer" } });
    expect((await gives<Me>(ask("GET", "/auth/me", { token: session.accessToken }))).workspaces).toHaveLength(
      1,
    );
    expect((await signup(newEmail())).status).toBe(409);
    expect(
      (await gives<InviteList>(ask("GET", `${WS}/${workspaceId}/invites`, { token: accessToken }))).data,
    ).toEqual([]);
  });

  it("that many use at once lets one in", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const { token } = await invite(accessToken, workspaceId);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        post("/auth/signup", { email: newEmail(), password: PASSWORD, inviteToken: token }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    const { data } = await gives<MemberList>(
      ask("GET", `${WS}/${workspaceId}/members`, { token: accessToken }),
    );
    expect(data).toHaveLength(2);
  });

  it("takes in somebody who has an account", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const guest = await signedIn("admin");
    const { token } = await invite(accessToken, workspaceId, {
      role: "developer",
      email: guest.email.toUpperCase(),
    });
    const accept = () => post("/auth/invites/accept", { token }, { token: guest.accessToken });
    expect(await gives<Joined>(accept())).toMatchObject({
      workspace: { id: workspaceId, role: "developer" },
    });
    expect((await accept()).status).toBe(400);
    expect((await login(guest.email, { workspaceId })).workspace.role).toBe("developer");
    const again = await invite(accessToken, workspaceId, { role: "admin" });
    const member = await post("/auth/invites/accept", { token: again.token }, { token: guest.accessToken });
    expect(member.status).toBe(409);
    expect((await login(guest.email, { workspaceId })).workspace.role).toBe("developer");
  });

  it("brings back somebody who belongs nowhere any more", async () => {
    const { workspaceId, accessToken } = await signedIn("admin");
    const guest = await person("developer", workspaceId);
    await gives(ask("DELETE", `${WS}/${workspaceId}/members/${guest.id}`, { token: accessToken }));
    expect((await post("/auth/login", { email: guest.email, password: PASSWORD })).status).toBe(403);
    const { token } = await invite(accessToken, workspaceId, { role: "viewer" });
    const back = await login(guest.email, { inviteToken: token });
    expect(back.workspace).toMatchObject({ id: workspaceId, role: "viewer" });
  });

  it.each<[string, (admin: { accessToken: string; workspaceId: string }) => Promise<string>]>([
    ["that nobody made", async () => `einv_${"a".repeat(43)}`],
    ["of no form", async () => "einv_"],
    [
      "for somebody else",
      async ({ accessToken, workspaceId }) =>
        (await invite(accessToken, workspaceId, { role: "admin", email: "else@example.com" })).token,
    ],
    [
      "that was taken back",
      async ({ accessToken, workspaceId }) => {
        const { id, token } = await invite(accessToken, workspaceId);
        const path = `${WS}/${workspaceId}/invites/${id}`;
        expect((await ask("DELETE", path, { token: accessToken })).status).toBe(200);
        expect((await ask("DELETE", path, { token: accessToken })).status).toBe(404);
        return token;
      },
    ],
    [
      "that has ended",
      async ({ accessToken, workspaceId }) => {
        const { id, token } = await invite(accessToken, workspaceId, { role: "admin", expiresInHours: 1 });
        await sql("UPDATE one_time_tokens SET expires_at_ms = 1 WHERE id = ?", id);
        return token;
      },
    ],
  ])("%s is good for nothing", async (_, make) => {
    const admin = await signedIn("admin");
    const guest = await signedIn("admin");
    const inviteToken = await make(admin);
    const accepted = await post("/auth/invites/accept", { token: inviteToken }, { token: guest.accessToken });
    expect(accepted.status).toBe(400);
    expect((await errorOf(accepted)).code).toBe("invalid_invite");
    expect((await post("/auth/signup", { email: newEmail(), password: PASSWORD, inviteToken })).status).toBe(
      409,
    );
    const { data } = await gives<MemberList>(
      ask("GET", `${WS}/${admin.workspaceId}/members`, { token: admin.accessToken }),
    );
    expect(data).toHaveLength(1);
  });

  it("cannot be made by developers or viewers", async () => {
    const { workspaceId } = await signedIn("admin");
    for (const role of ["developer", "viewer"] as const) {
      const member = await signedIn(role, workspaceId);
      const refused = await post(
        `${WS}/${workspaceId}/invites`,
        { role: "viewer" },
        { token: member.accessToken },
      );
      expect(refused.status).toBe(403);
    }
  });
});

describe("a password", () => {
  const change = (token: string, currentPassword: string, newPassword: string) =>
    post("/auth/password", { currentPassword, newPassword }, { token });

  it("is changed by whoever knows it, which ends all other sessions", async () => {
    const first = await signedIn();
    const second = await login(first.email);
    const changed = await gives<PasswordSet>(change(second.accessToken, PASSWORD, "another good password"));
    expect(changed).toEqual({ object: "password", changed: true, sessionsEnded: "others" });
    expect((await ask("GET", "/auth/me", { token: second.accessToken })).status).toBe(200);
    expect((await ask("GET", "/auth/me", { token: first.accessToken })).status).toBe(401);
    expect((await post("/auth/refresh", { refreshToken: first.refreshToken })).status).toBe(401);
    expect((await post("/auth/login", { email: first.email, password: PASSWORD })).status).toBe(401);
    await login(first.email, {}, "another good password");
  });

  it("is not changed by whoever has a token alone, nor guessed by it", async () => {
    const { email, accessToken } = await signedIn();
    for (let n = 0; n < 4; n++)
      expect((await change(accessToken, "a wrong password", "another good password")).status).toBe(401);
    expect((await change(accessToken, PASSWORD, "another good password")).status).toBe(429);
    expect((await post("/auth/login", { email, password: PASSWORD })).status).toBe(429);
  });

  it("that is too short, too long or the address is none", async () => {
    const { email, accessToken } = await signedIn();
    for (const password of ["short", "x".repeat(201), email]) {
      const refused = await change(accessToken, PASSWORD, password);
      expect(refused.status).toBe(400);
      expect((await errorOf(refused)).param).toBe("newPassword");
    }
  });

  it("is set anew with an operator's token, once, which ends all sessions and the waiting", async () => {
    const { id, email, accessToken } = await signedIn();
    await Promise.all(
      Array.from({ length: 5 }, () => post("/auth/login", { email, password: "a wrong password" })),
    );
    expect((await post("/auth/login", { email, password: PASSWORD })).status).toBe(429);
    const made = await post("/auth/password/reset-token", { email }, { token: operator() });
    expect(made.status).toBe(201);
    const { token, user } = (await made.json()) as ResetToken;
    expect(user.id).toBe(id);
    const reset = (newPassword: string) => post("/auth/password/reset", { token, newPassword });
    expect((await reset("short")).status).toBe(400);
    const racing = await Promise.all([reset("another good password"), reset("another good password")]);
    expect(racing.map(({ status }) => status).toSorted()).toEqual([200, 400]);
    const again = await reset("a third good password");
    expect(again.status).toBe(400);
    expect(await errorOf(again)).toMatchObject({ param: "token", code: "invalid_reset_token" });
    expect((await ask("GET", "/auth/me", { token: accessToken })).status).toBe(401);
    await login(email, {}, "another good password");
  });

  it.each<[string, (email: string) => Promise<string>]>([
    ["that was never made", async () => `epw_${"a".repeat(43)}`],
    [
      "that is older than another",
      async (email) => {
        const make = () =>
          gives<ResetToken>(post("/auth/password/reset-token", { email }, { token: operator() }));
        const { token } = await make();
        await make();
        return token;
      },
    ],
    [
      "that has ended",
      async (email) => {
        const { token, user } = await gives<ResetToken>(
          post("/auth/password/reset-token", { email }, { token: operator() }),
        );
        await sql("UPDATE one_time_tokens SET expires_at_ms = 1 WHERE user_id = ?", user.id);
        return token;
      },
    ],
    [
      "that came before a change",
      async (email) => {
        const { token } = await gives<ResetToken>(
          post("/auth/password/reset-token", { email }, { token: operator() }),
        );
        const { accessToken } = await login(email);
        await gives(change(accessToken, PASSWORD, PASSWORD));
        return token;
      },
    ],
  ])("is not set with a token %s", async (_, make) => {
    const { email } = await person();
    const refused = await post("/auth/password/reset", {
      token: await make(email),
      newPassword: "another good password",
    });
    expect(refused.status).toBe(400);
    await login(email);
  });

  it("is reset by operators alone, and only of people who are there", async () => {
    const { email } = await person();
    const admin = await signedIn("admin");
    for (const token of [proof().key, admin.accessToken])
      expect((await post("/auth/password/reset-token", { email }, { token })).status).toBe(403);
    expect(
      (await post("/auth/password/reset-token", { email: newEmail() }, { token: operator() })).status,
    ).toBe(404);
  });
});

describe("an account that operators make", () => {
  it("is in the operators' workspace, and its password is shown once", async () => {
    const email = newEmail();
    const made = await post("/admin/users", { email }, { token: operator() });
    expect(made.status).toBe(201);
    const account = (await made.json()) as NewAccount;
    expect(account).toMatchObject({
      email,
      disabled: false,
      workspaces: [{ id: proof().workspaceId, role: "admin" }],
    });
    const { accessToken, workspace } = await login(email, {}, account.password);
    expect(workspace.operator).toBe(true);
    expect((await ask("GET", "/admin/engines", { token: accessToken })).status).toBe(200);
    const twice = await post("/admin/users", { email: email.toUpperCase() }, { token: operator() });
    expect(twice.status).toBe(409);
    const { data } = await gives<AccountList>(
      ask("GET", "/admin/users?operators=true", { token: accessToken }),
    );
    expect(data.map((each) => each.id)).toContain(account.id);
    expect(JSON.stringify(data)).not.toMatch(/scrypt|password/i);
    const chosen = await gives<NewAccount>(
      post("/admin/users", { email: newEmail(), role: "viewer", password: PASSWORD }, { token: operator() }),
    );
    expect(chosen.password).toBeUndefined();
    expect(
      (await post("/admin/users", { email: newEmail(), password: "short" }, { token: operator() })).status,
    ).toBe(400);
  });

  it("is listed page by page", async () => {
    await Promise.all([person(), person()]);
    const seen: string[] = [];
    for (let more = true; more;) {
      const page = await gives<AccountList>(
        ask("GET", `/admin/users?limit=7&after=${seen.at(-1) ?? ""}`, { token: operator() }),
      );
      seen.push(...page.data.map(({ id }) => id));
      more = page.hasMore;
    }
    const count = await proof().database.prepare("SELECT count(*) AS n FROM users").first<{ n: number }>();
    expect(new Set(seen).size).toBe(count?.n);
  });

  it("is shut out and let in again, but not by itself", async () => {
    const someone = await signedIn("admin", proof().workspaceId);
    const disable = (id: string, disabled: boolean, token = operator()) =>
      patch(`/admin/users/${id}`, { disabled }, token);
    expect((await disable(someone.id, true, someone.accessToken)).status).toBe(409);
    expect(await (await disable(someone.id, true)).json()).toMatchObject({ id: someone.id, disabled: true });
    expect((await ask("GET", "/auth/me", { token: someone.accessToken })).status).toBe(401);
    expect((await post("/auth/login", { email: someone.email, password: PASSWORD })).status).toBe(401);
    expect((await disable(someone.id, false)).status).toBe(200);
    expect((await ask("GET", "/auth/me", { token: someone.accessToken })).status).toBe(401);
    await login(someone.email);
    expect((await disable(`usr_${"a".repeat(20)}`, true)).status).toBe(404);
  });

  it.each([
    ["GET", "/admin/users"],
    ["POST", "/admin/users"],
    ["PATCH", `/admin/users/usr_${"a".repeat(20)}`],
    ["POST", WS],
  ])("is for operators alone: %s %s", async (method, path) => {
    const body = method === "GET" ? undefined : {};
    for (const token of [proof().key, (await signedIn("admin")).accessToken])
      expect((await ask(method, path, { body, token })).status).toBe(403);
    expect((await ask(method, path, { body })).status).toBe(401);
  });
});
