import { describe, expect, it } from "vitest";
import type { Session } from "../../../shared/contracts/accounts.ts";
import type { NewInvite, Workspace } from "../../../shared/contracts/workspaces.ts";
import { PASSWORD, accountsOf, errorOf, newEmail, newIp } from "./accounts.ts";
import { proofForFile } from "./harness.ts";

const JWT_SECRET = "a secret of its own for access tokens";

describe("where everybody may sign up", () => {
  const proof = proofForFile([{ kind: "openai" }], {
    SIGNUP_POLICY: "open",
    SIGNUP_LIMITS: '{"requestsPerMinute":7}',
    JWT_SECRET,
  });
  const { ask, post, gives, signedIn, sql } = accountsOf(proof, JWT_SECRET);
  const signup = (body: object, ip = newIp()) =>
    post("/auth/signup", { password: PASSWORD, ...body }, { ip });

  it("one gets a workspace of one's own, and is its admin, and no operator", async () => {
    const email = newEmail();
    const signed = await signup({ email: email.toUpperCase(), name: "Ada" });
    expect(signed.status).toBe(201);
    const session = (await signed.json()) as Session;
    expect(session).toMatchObject({
      user: { email, name: "Ada" },
      workspace: { role: "admin", operator: false },
    });
    const token = session.accessToken;
    const workspace = await gives<Workspace>(
      ask("GET", `/api/v1/workspaces/${session.workspace.id}`, { token }),
    );
    expect(workspace).toMatchObject({ limits: { requestsPerMinute: 7 }, operator: false });
    expect((await ask("GET", "/admin/engines", { token })).status).toBe(403);
    expect((await ask("GET", "/v1/models", { token })).status).toBe(200);
  });

  it("an address that has an account is answered as an invitation that is not good", async () => {
    const known = newEmail();
    await gives(signup({ email: known }));
    const answers = [
      await signup({ email: known }),
      await signup({ email: known.toUpperCase(), password: "another good password" }),
      await signup({ email: newEmail(), inviteToken: `einv_${"a".repeat(43)}` }),
      await signup({ email: known, inviteToken: `einv_${"a".repeat(43)}` }),
    ];
    const told = await Promise.all(answers.map(async (each) => [each.status, await each.text()]));
    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(told[0]?.[0]).toBe(409);
  });

  it("two at once of one address make one account, and no second workspace", async () => {
    const email = newEmail();
    const count = () =>
      proof().database.prepare("SELECT count(*) AS n FROM workspaces").first<{ n: number }>();
    const before = (await count())?.n ?? 0;
    const answers = await Promise.all(Array.from({ length: 4 }, () => signup({ email })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    expect((await count())?.n).toBe(before + 1);
  });

  it("an invitation leads into its workspace, and not into one of one's own", async () => {
    const { accessToken, workspaceId } = await signedIn("admin");
    const path = `/api/v1/workspaces/${workspaceId}/invites`;
    const { token } = await gives<NewInvite>(post(path, { role: "viewer" }, { token: accessToken }));
    const session = await gives<Session>(signup({ email: newEmail(), inviteToken: token }));
    expect(session.workspace).toMatchObject({ id: workspaceId, role: "viewer" });
  });

  it("five an hour from one address may, and of IPv6 from one network", async () => {
    for (const ips of [
      Array.from({ length: 6 }, () => "192.0.2.55"),
      Array.from({ length: 6 }, (_, n) => `2001:db8:1:1::${n}`),
    ]) {
      const answers = await Promise.all(ips.map((ip) => signup({ email: newEmail() }, ip)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 201, 201, 429]);
      const refused = answers.find(({ status }) => status === 429);
      expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(3_500);
    }
    expect((await signup({ email: newEmail() }, "2001:db8:1:2::1")).status).toBe(201);
  });

  it("whoever tells no address is one of all who tell none, whatever else they tell", async () => {
    const login = (headers: Record<string, string>) =>
      proof().fetch(`${proof().url}/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ email: newEmail(), password: PASSWORD }),
      });
    const answers = await Promise.all(
      Array.from({ length: 11 }, (_, n) =>
        login({ "x-forwarded-for": `10.0.0.${n}`, "x-real-ip": `10.0.0.${n}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it.each([
    ["no password", { email: "a@example.com", password: undefined }],
    ["a short one", { email: "a@example.com", password: "short" }],
    [
      "the address as a password",
      { email: "ada.lovelace@example.com", password: "ada.lovelace@example.com" },
    ],
    ["no address", {}],
    ["what is none", { email: "nobody" }],
    ["a space in it", { email: "a b@example.com" }],
    ["a role", { email: "a@example.com", role: "admin" }],
  ])("%s is a 400", async (_, body) => {
    expect((await signup(body)).status).toBe(400);
  });

  it("an account that was disabled cannot be made anew", async () => {
    const email = newEmail();
    await gives(signup({ email }));
    await sql("UPDATE users SET disabled_at_ms = 1 WHERE email = ?", email);
    expect((await signup({ email })).status).toBe(409);
  });
});

describe("where only those who are invited may sign up", () => {
  const proof = proofForFile([{ kind: "openai" }], { SIGNUP_POLICY: "invite" });
  const { post } = accountsOf(proof);

  it("nobody else may", async () => {
    const none = await post("/auth/signup", { email: newEmail(), password: PASSWORD });
    expect(none.status).toBe(403);
    expect((await errorOf(none)).message).toContain("invitation");
    const bad = { email: newEmail(), password: PASSWORD, inviteToken: `einv_${"b".repeat(43)}` };
    expect((await post("/auth/signup", bad)).status).toBe(409);
  });
});

describe("where nobody may sign up", () => {
  const proof = proofForFile([{ kind: "openai" }]);
  const { post, gives, signedIn, login } = accountsOf(proof);

  it("not even an invitation helps, but it takes in those who have an account", async () => {
    const { accessToken, workspaceId } = await signedIn("admin");
    const path = `/api/v1/workspaces/${workspaceId}/invites`;
    const { token } = await gives<NewInvite>(post(path, { role: "viewer" }, { token: accessToken }));
    for (const inviteToken of [undefined, token]) {
      const refused = await post("/auth/signup", { email: newEmail(), password: PASSWORD, inviteToken });
      expect(refused.status).toBe(403);
      expect((await errorOf(refused)).message).toContain("Nobody can sign up");
    }
    const guest = await signedIn("admin");
    await gives(post("/auth/invites/accept", { token }, { token: guest.accessToken }));
    expect((await login(guest.email, { workspaceId })).workspace.role).toBe("viewer");
  });
});

describe("keys that nobody has", () => {
  const proof = proofForFile([{ kind: "openai" }]);
  const { ask } = accountsOf(proof);

  it("are looked up no more after twenty in a minute from one address", async () => {
    const { createApiKey } = await import("../../../shared/auth/api-key.ts");
    const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const ip = newIp();
    const from = (token: string, address = ip) => ask("GET", "/v1/models", { token, ip: address });
    const first = [];
    for (let n = 0; n < 20; n++) first.push((await from(createApiKey(random, Date.now()))).status);
    expect(new Set(first)).toEqual(new Set([401]));
    const refused = await from(createApiKey(random, Date.now()));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await from(createApiKey(random, Date.now()), newIp())).status).toBe(401);
    expect((await from("sk-eco-not-a-key")).status).toBe(401);
  });
});
