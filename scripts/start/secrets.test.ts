import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSecrets } from "./secrets.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eco-secrets-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the secrets of a state folder", () => {
  it("are made once, and for the user alone", () => {
    const first = loadSecrets(folder);
    expect(first).toMatchObject({ ok: true, value: { KEY_PEPPER: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect(loadSecrets(folder)).toEqual(first);
    expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["secrets.json"]);
  });

  it.each([
    ["is empty", "", "it is not JSON"],
    ["is cut short", '{"KEY_PEPPER":"0123', "it is not JSON"],
    ["holds something else", "{}", "it holds no KEY_PEPPER"],
    ["holds a pepper that is too short", '{"KEY_PEPPER":"0123"}', "it holds no KEY_PEPPER"],
  ])("are not replaced when the file %s", (_, text, reason) => {
    const file = join(folder, "secrets.json");
    writeFileSync(file, text);
    const loaded = loadSecrets(folder);
    expect(loaded).toMatchObject({ ok: false, error: expect.stringContaining(`cannot be read (${reason})`) });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("are made along with their folder", () => {
    const inner = join(folder, "not", "there");
    expect(loadSecrets(inner).ok).toBe(true);
    expect(existsSync(join(inner, "secrets.json"))).toBe(true);
  });
});
