import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Me, Session } from "../../../shared/contracts/accounts.ts";
import { createPasswords } from "../auth/password.ts";
import { PASSWORD, accountsOf, errorOf, newEmail, newIp } from "./accounts.ts";
import { chat } from "./asking.ts";
import { CHEAP_PASSWORDS, modelOf, proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "openai" }]);
const { ask, post, gives, workspace, person, login, signedIn, sql } = accountsOf(proof);

const meOf = (token: string) => ask("GET", "/auth/me", { token });
const refresh = (refreshToken: string) => post("/auth/refresh", { refreshToken });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const partsOf = (token: string) => token.split(".") as [string, string, string];
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(partsOf(token)[1], "base64url").toString()) as Record<string, unknown>;

describe("a session", () => {
  it("begins with a password, says who one is, and reaches models", async () => {
    const { id, email, workspaceId } = await person("developer");
    const session = await login(email.toUpperCase());
    expect(session).toMatchObject({
      object: "session",
      expiresInS: 900,
      user: { id, email, name: "Ada" },
      workspace: { id: workspaceId, role: "developer", operator: false },
    });
    const me = await gives<Me>(meOf(session.accessToken));
    expect(me).toMatchObject({ user: { id, email }, workspace: { id: workspaceId, role: "developer" } });
    expect(me.workspaces).toHaveLength(1);
    const asked = await post("/v1/chat/completions", chat(modelOf("openai"), "Hello"), {
      token: session.accessToken,
    });
    expect(asked.status).toBe(200);
    expect(await proof().lineOf(asked)).toMatchObject({ key: id, workspace: workspaceId });
  });

  it("is in the workspace that is asked for, or the first that one was in", async () => {
    const { id, email, workspaceId } = await person("admin");
    const second = await workspace();
    await sql("INSERT INTO memberships VALUES (?, ?, 'viewer', ?)", second, id, Date.now() + 10);
    expect((await login(email)).workspace).toMatchObject({ id: workspaceId, role: "admin" });
    expect((await login(email, { workspaceId: second })).workspace).toMatchObject({
      id: second,
      role: "viewer",
    });
    const elsewhere = await post("/auth/login", {
      email,
      password: PASSWORD,
      workspaceId: await workspace(),
    });
    expect(elsewhere.status).toBe(403);
  });

  it("keeps no token and no password in the database or the log", async () => {
    const { email, accessToken, refreshToken } = await signedIn();
    const next = await gives<Session>(refresh(refreshToken));
    const tables = ["users", "sessions", "refresh_tokens", "audit"];
    const rows = await Promise.all(
      tables.map((table) => proof().database.prepare(`SELECT * FROM ${table}`).all()),
    );
    const kept = JSON.stringify([rows.map(({ results }) => results), proof().lines]);
    expect(kept).toContain(email);
    for (const secret of [accessToken, refreshToken, next.refreshToken, PASSWORD])
      expect(kept).not.toContain(secret);
    expect(kept).toContain(sha256(next.refreshToken));
  });

  it("ends at once when one logs out", async () => {
    const { accessToken, refreshToken } = await signedIn();
    expect(await gives(post("/auth/logout", {}, { token: accessToken }))).toEqual({
      object: "logout",
      everywhere: false,
    });
    expect((await meOf(accessToken)).status).toBe(401);
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  it("is one of many, and all end when one logs out everywhere; a body is not needed for one", async () => {
    const first = await signedIn();
    const [second, third] = [await login(first.email), await login(first.email)];
    expect((await ask("POST", "/auth/logout", { token: second.accessToken })).status).toBe(200);
    expect((await meOf(first.accessToken)).status).toBe(200);
    await gives(post("/auth/logout", { everywhere: true }, { token: third.accessToken }));
    for (const { accessToken } of [first, second, third]) expect((await meOf(accessToken)).status).toBe(401);
  });
});

describe("a refresh token", () => {
  it("gives the next pair, once", async () => {
    const first = await signedIn();
    const second = await gives<Session>(refresh(first.refreshToken));
    expect(second).toMatchObject({ user: { id: first.id }, workspace: { id: first.workspaceId } });
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect((await meOf(second.accessToken)).status).toBe(200);
    const third = await gives<Session>(refresh(second.refreshToken));
    expect((await meOf(third.accessToken)).status).toBe(200);
  });

  it("that comes a second time ends the session for everybody who has it", async () => {
    const first = await signedIn();
    const second = await gives<Session>(refresh(first.refreshToken));
    const reused = await refresh(first.refreshToken);
    expect(reused.status).toBe(401);
    expect((await errorOf(reused)).code).toBe("invalid_token");
    expect((await refresh(second.refreshToken)).status).toBe(401);
    expect((await meOf(second.accessToken)).status).toBe(401);
    expect((await meOf(first.accessToken)).status).toBe(401);
  });

  it("that two present at once is won by one at most", async () => {
    for (let round = 0; round < 3; round++) {
      const { refreshToken, accessToken } = await signedIn();
      const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(refreshToken)));
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      for (const { status } of answers) expect([200, 401]).toContain(status);
      // Nobody can say who of them is the thief.
      expect((await meOf(accessToken)).status).toBe(401);
    }
  });

  it.each<[string, (refreshToken: string) => string]>([
    ["that nobody has", () => `ert_${"a".repeat(43)}`],
    ["that is cut", (token) => token.slice(0, -1)],
    ["of another kind", (token) => token.replace("ert_", "epw_")],
    ["that is an access token", () => "eyJhbGciOiJIUzI1NiJ9.e30.x"],
    ["that is nothing", () => ""],
  ])("%s is a 401", async (_, change) => {
    const { refreshToken } = await signedIn();
    const refused = await refresh(change(refreshToken));
    expect(refused.status).toBe(401);
    expect((await errorOf(refused)).code).toBe("invalid_token");
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it.each([
    ["has not been used for too long", "UPDATE sessions SET expires_at_ms = 1 WHERE user_id = ?"],
    ["of somebody who was disabled", "UPDATE users SET disabled_at_ms = 1 WHERE id = ?"],
    ["of somebody who was removed", "DELETE FROM memberships WHERE user_id = ?"],
  ])("that %s is a 401", async (_, text) => {
    const { id, refreshToken } = await signedIn();
    await sql(text, id);
    expect((await refresh(refreshToken)).status).toBe(401);
  });
});

describe("an access token", () => {
  it.each<[string, (token: string) => string]>([
    ["with another signature", (token) => `${token.slice(0, -6)}AAAAAA`],
    ["without one", (token) => `${partsOf(token).slice(0, 2).join(".")}.`],
    ["of alg none", (token) => `${encode({ alg: "none", typ: "JWT" })}.${partsOf(token)[1]}.`],
    [
      "of another user with the same signature",
      (token) => {
        const [head, , signature] = partsOf(token);
        return `${head}.${encode({ ...claimsOf(token), sub: `usr_${"a".repeat(20)}` })}.${signature}`;
      },
    ],
    ...["", "eco-base", "eco-base access tokens 1", "pepper for the proofs only"].map(
      (key): [string, (token: string) => string] => [
        `signed with ${JSON.stringify(key)}`,
        (token) => {
          const text = `${encode({ alg: "HS256", typ: "JWT" })}.${partsOf(token)[1]}`;
          return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
        },
      ],
    ),
    ["that is half a token", (token) => token.slice(0, 30)],
    ["with a word behind it", (token) => `${token}.more`],
  ])("%s is a 401", async (_, change) => {
    const { accessToken } = await signedIn();
    for (const path of ["/auth/me", "/v1/models", "/admin/engines"]) {
      const refused = await ask("GET", path, { token: change(accessToken) });
      expect(refused.status).toBe(401);
      expect((await errorOf(refused)).code).toBe("invalid_token");
    }
  });

  it.each([
    ["whose session was revoked", "UPDATE sessions SET revoked_at_ms = 1 WHERE user_id = ?"],
    ["whose session has ended", "UPDATE sessions SET expires_at_ms = 1 WHERE user_id = ?"],
    ["of somebody who was disabled", "UPDATE users SET disabled_at_ms = 1 WHERE id = ?"],
    ["of somebody who was removed", "DELETE FROM memberships WHERE user_id = ?"],
  ])("%s is a 401 at once", async (_, text) => {
    const { id, accessToken } = await signedIn();
    expect((await ask("GET", "/v1/models", { token: accessToken })).status).toBe(200);
    await sql(text, id);
    for (const path of ["/v1/models", "/auth/me"])
      expect((await ask("GET", path, { token: accessToken })).status).toBe(401);
    const inference = await post("/v1/chat/completions", chat(modelOf("openai"), "Hi"), {
      token: accessToken,
    });
    // The isolate has looked it up anew just now, and remembers no other answer.
    expect(inference.status).toBe(401);
  });

  it("never says what somebody may do: a role counts from the moment it is given or taken", async () => {
    const { id, accessToken } = await signedIn("admin", proof().workspaceId);
    expect((await ask("GET", "/admin/engines", { token: accessToken })).status).toBe(200);
    await sql("UPDATE memberships SET role = 'viewer' WHERE user_id = ?", id);
    expect((await ask("GET", "/admin/engines", { token: accessToken })).status).toBe(403);
    expect((await gives<Me>(meOf(accessToken))).workspace.role).toBe("viewer");
  });

  it("of an admin is no operator's outside of the operators' workspace", async () => {
    const { accessToken } = await signedIn("admin");
    for (const path of ["/admin/engines", "/metrics"])
      expect((await ask("GET", path, { token: accessToken })).status).toBe(403);
    const token = await post("/auth/password/reset-token", { email: "a@b" }, { token: accessToken });
    expect(token.status).toBe(403);
  });

  it("is what one needs for one's own account: a key is nobody's", async () => {
    for (const [method, path] of [
      ["GET", "/auth/me"],
      ["POST", "/auth/logout"],
      ["POST", "/auth/password"],
    ] as const) {
      const refused = await ask(method, path, { token: proof().adminKey });
      expect(refused.status).toBe(403);
      expect((await errorOf(refused)).message).toContain("sign in");
      expect((await ask(method, path)).status).toBe(401);
    }
  });
});

describe("a sign-in that is refused", () => {
  const refused = (email: string, password: string, ip = newIp()) =>
    post("/auth/login", { email, password }, { ip });

  it("tells nobody whether there is such an account", async () => {
    const { email } = await person();
    const disabled = await person();
    await sql("UPDATE users SET disabled_at_ms = 1 WHERE id = ?", disabled.id);
    const answers = await Promise.all([
      refused(email, "not the password at all"),
      refused(newEmail(), "not the password at all"),
      refused(disabled.email, PASSWORD),
    ]);
    const told = await Promise.all(answers.map(async (each) => [each.status, await each.text()]));
    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(told[0]?.[0]).toBe(401);
    expect(told[0]?.[1]).toContain("invalid_credentials");
  });

  it("takes as long where there is no such account", async () => {
    const { email } = await person();
    const timeMs = async (address: string) => {
      const began = performance.now();
      await refused(address, "not the password at all");
      return performance.now() - began;
    };
    await timeMs(newEmail());
    const known = Math.min(await timeMs(email), await timeMs(email), await timeMs(email));
    const unknown = Math.min(await timeMs(newEmail()), await timeMs(newEmail()), await timeMs(newEmail()));
    // Hashing is what takes the time: without it an answer would be there in a few milliseconds.
    expect(unknown).toBeGreaterThan(known / 3);
    expect(known).toBeGreaterThan(unknown / 3);
  });

  it("is the eleventh from one address in a minute, whatever is tried", async () => {
    const ip = newIp();
    const emails = Array.from({ length: 10 }, newEmail);
    const first = await Promise.all(emails.map((email) => refused(email, "wrong password", ip)));
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    const { email } = await person();
    const eleventh = await refused(email, PASSWORD, ip);
    expect(eleventh.status).toBe(429);
    expect(Number(eleventh.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await errorOf(eleventh)).code).toBe("too_many_attempts");
    expect((await refused(email, PASSWORD)).status).toBe(200);
  });

  it("is any after ten wrong passwords, from anywhere, for an account and for none alike", async () => {
    const { email } = await person();
    const nobody = newEmail();
    for (const address of [email, nobody]) {
      const wrong = await Promise.all(Array.from({ length: 12 }, () => refused(address, "wrong password")));
      expect(wrong.filter(({ status }) => status === 401)).toHaveLength(10);
      expect(wrong.filter(({ status }) => status === 429)).toHaveLength(2);
    }
    const [right, none] = [await refused(email, PASSWORD), await refused(nobody, PASSWORD)];
    expect([right.status, none.status]).toEqual([429, 429]);
    expect(await right.text()).toBe(await none.text());
  });

  it("counts no more once the right password was given", async () => {
    const { email } = await person();
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 8 }, () => refused(email, "wrong password")));
      expect((await refused(email, PASSWORD)).status).toBe(200);
    }
  });

  it("is one that is malformed, and says how", async () => {
    const { email } = await person();
    for (const body of [
      {},
      { email },
      { email, password: 1 },
      { email: "nobody", password: "x" },
      { email, password: "x", more: 1 },
    ])
      expect((await post("/auth/login", body)).status).toBe(400);
  });
});

describe("a hash of another cost than the one that is set", () => {
  it("is replaced at the next sign-in", async () => {
    const { id, email } = await person();
    const old = { n: 2048, r: 4, p: 2 };
    const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const hash = await createPasswords(random, old).hash(PASSWORD);
    await sql("UPDATE users SET password_hash = ? WHERE id = ?", hash, id);
    await login(email);
    const now = () =>
      proof()
        .database.prepare("SELECT password_hash AS hash FROM users WHERE id = ?")
        .bind(id)
        .first<{ hash: string }>();
    const { n, r, p } = CHEAP_PASSWORDS;
    const start = `scrypt$${n}$${r}$${p}$`;
    await expect.poll(async () => (await now())?.hash.slice(0, start.length), { timeout: 5_000 }).toBe(start);
    await login(email);
  });
});
