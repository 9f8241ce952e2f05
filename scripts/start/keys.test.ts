import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Platform, servePlatform } from "../platform/serve.ts";
import { ensureKeys } from "./keys.ts";

const PEPPER = "a pepper for tests only";

let platform: Platform;
let folder: string;
beforeAll(async () => {
  platform = await servePlatform({ port: 0, variables: { KEY_PEPPER: PEPPER, ENGINES: "[]" } });
  folder = mkdtempSync(join(tmpdir(), "eco-keys-"));
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const keysOf = (pepper = PEPPER) => ensureKeys(platform.database, pepper, folder, 0);

describe("the keys of a state folder", () => {
  it("stay the same, in a file for the user alone", async () => {
    const first = await keysOf();
    expect(await keysOf()).toEqual(first);
    const file = join(folder, "keys.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("stay the same whatever is written for scripts", async () => {
    const first = await keysOf();
    writeFileSync(join(folder, "dev.json"), JSON.stringify({ apiKey: "another's", adminKey: "another's" }));
    expect(await keysOf()).toEqual(first);
  });

  it("are made anew when they no longer work", async () => {
    const first = await keysOf();
    const second = await keysOf("another pepper for tests");
    expect(second).not.toEqual(first);
    expect(await keysOf("another pepper for tests")).toEqual(second);
  });
});
