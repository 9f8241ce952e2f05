import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../platform/accounts.ts";
import { type Platform, servePlatform } from "../platform/serve.ts";
import { runEco } from "./run.ts";

const PEPPER = "a pepper for tests only";

let platform: Platform;
let folder: string;
let adminKey: string;
let developerKey: string;
beforeAll(async () => {
  platform = await servePlatform({ port: 0, variables: { KEY_PEPPER: PEPPER, ENGINES: "[]" } });
  const workspaceId = await createWorkspace(platform.database, "Home", 0);
  const keyOf = (role: "admin" | "developer") =>
    createKey(platform.database, PEPPER, { workspaceId, name: role, role, nowMs: 0 });
  adminKey = await keyOf("admin");
  developerKey = await keyOf("developer");
  folder = mkdtempSync(join(tmpdir(), "eco-cli-"));
  writeFileSync(join(folder, "dev.json"), JSON.stringify({ url: platform.url, adminKey }));
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command line as a shell would, in a folder where `npm start` has been. */
async function eco(line: string, more: { input?: string; env?: Record<string, string> } = {}) {
  const said: string[] = [];
  const complained: string[] = [];
  const code = await runEco(
    line.split(" ").filter((word) => word !== ""),
    {
      env: { ECO_STATE: folder, ...more.env },
      print: (text) => said.push(text),
      readInput: async () => more.input ?? "",
      fetch,
    },
    (text) => complained.push(text),
  );
  return { code, said: said.join("\n"), complained: complained.join("\n") };
}

let addresses = 0;
const signIn = async (email: string, password: string) => {
  addresses += 1;
  const response = await fetch(`${platform.url}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json", "cf-connecting-ip": `198.18.9.${addresses}` },
    body: JSON.stringify({ email, password }),
  });
  return response.status;
};
const shown = (said: string): string => /shown this once: (\S+)/.exec(said)?.[1] ?? "";

describe("npm run eco", () => {
  it("makes an operator's account, with a password that is shown once", async () => {
    const { code, said } = await eco("admin create --email ada@example.com --name Ada");
    expect([code, said]).toEqual([0, expect.stringContaining("ada@example.com can sign in")]);
    expect(await signIn("ada@example.com", shown(said))).toBe(200);
    const listed = await eco("admin list");
    expect(listed.said).toContain("ada@example.com\tAda\tadmin of Home");
    expect(listed.said).not.toContain(shown(said));
  });

  it("takes a password that is piped in", async () => {
    const { code, said } = await eco(
      "admin create --email piped@example.com --role viewer --password-stdin",
      {
        input: "correct horse battery staple\n",
      },
    );
    expect([code, said]).toEqual([0, expect.stringContaining("viewer of Home")]);
    expect(said).not.toContain("shown this once");
    expect(await signIn("piped@example.com", "correct horse battery staple")).toBe(200);
  });

  it("gives a new password for one that is forgotten", async () => {
    const first = shown((await eco("admin create --email lost@example.com")).said);
    const { code, said } = await eco("admin reset-password --email lost@example.com");
    expect(code).toBe(0);
    expect(await signIn("lost@example.com", first)).toBe(401);
    expect(await signIn("lost@example.com", shown(said))).toBe(200);
  });

  it("speaks to the platform that is named", async () => {
    const env = { ECO_STATE: "/nowhere" };
    expect((await eco(`admin list --url ${platform.url}/ --key ${adminKey}`, { env })).code).toBe(0);
    expect(
      (await eco("admin list", { env: { ...env, ECO_URL: platform.url, ECO_KEY: adminKey } })).code,
    ).toBe(0);
    expect(await eco("admin list", { env })).toMatchObject({
      code: 2,
      complained: expect.stringContaining("npm start"),
    });
    // A key of this machine goes to no other.
    expect((await eco("admin list --url http://127.0.0.1:1")).complained).toContain("belong together");
  });

  it.each<[line: string, code: number, says: RegExp]>([
    ["", 2, /admin create/],
    ["nothing", 2, /no command `nothing`/],
    ["constructor", 2, /no command/],
    ["admin", 2, /What with/],
    ["admin toString", 2, /no `admin toString`/],
    ["admin create", 2, /--email/],
    ["admin create --mail a@b", 2, /--mail/],
    ["admin create --email a@b --password-stdin", 2, /No password came in/],
    ["admin create --email nobody", 1, /email/],
    ["admin create --email a@b --role king", 1, /role/],
    ["admin reset-password --email missing@example.com", 1, /no user/],
    ["admin list --url http://127.0.0.1:1 --key none", 2, /cannot be reached/],
  ])("%j ends with %i, and one line says why", async (line, code, says) => {
    const ended = await eco(line);
    expect(ended.code).toBe(code);
    expect(ended.complained).toMatch(says);
    expect(ended.said).toBe("");
  });

  it("is for operators' keys", async () => {
    const ended = await eco(`admin list --url ${platform.url} --key ${developerKey}`);
    expect(ended).toMatchObject({ code: 1, complained: expect.stringContaining("operators") });
  });

  it("says how it is used", async () => {
    expect(await eco("--help")).toMatchObject({
      code: 0,
      said: expect.stringContaining("admin reset-password"),
    });
  });
});
