import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Platform, servePlatform } from "../platform/serve.ts";
import { ensureKeys } from "./keys.ts";
import { OPERATOR_EMAIL, ensureOperator } from "./operator.ts";

const PEPPER = "a pepper for tests only";

let platform: Platform;
let folder: string;
beforeAll(async () => {
  platform = await servePlatform({
    port: 0,
    variables: { KEY_PEPPER: PEPPER, ENGINES: "[]", LOOPBACK_ONLY: "1" },
  });
  folder = mkdtempSync(join(tmpdir(), "eco-operator-"));
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const keys = (pepper = PEPPER) => ensureKeys(platform.database, pepper, folder, 0);
const operator = () => ensureOperator(platform.database, folder, 0);
const kept = () =>
  JSON.parse(readFileSync(join(folder, "keys.json"), "utf8")) as {
    apiKey: string;
    operator: { password: string };
  };
const signIn = (password: string) =>
  fetch(`${platform.url}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: OPERATOR_EMAIL, password }),
  });

describe("the first account on this machine", () => {
  it("is an operator's, and its password lies beside the keys, for the user alone", async () => {
    const { apiKey } = await keys();
    const { email, passwordFile } = await operator();
    expect(email).toBe(OPERATOR_EMAIL);
    expect(kept().apiKey).toBe(apiKey);
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    const signedIn = await signIn(kept().operator.password);
    expect(await signedIn.json()).toMatchObject({
      workspace: { name: "Home", role: "admin", operator: true },
    });
  });

  it("is made once, and stays when keys are made anew", async () => {
    const { password } = kept().operator;
    await operator();
    await keys("another pepper for tests");
    await operator();
    expect(kept().operator.password).toBe(password);
  });

  it("waits for nobody on this machine to be throttled by an address", async () => {
    const answers = await Promise.all(
      Array.from({ length: 11 }, (_, n) =>
        fetch(`${platform.url}/auth/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ email: `nobody-${n}@localhost`, password: "a wrong password" }),
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 11 }, () => 401));
  });
});
