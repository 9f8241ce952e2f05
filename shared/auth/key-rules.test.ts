import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyCreate, KeyPatch, type KeySettings } from "../contracts/keys.ts";
import { powerBeyond } from "./key-powers.ts";
import { type Dealing, checkNewKey, checkRotation, patchKey } from "./key-rules.ts";
import { PERMISSIONS, ROLES } from "./permissions.ts";
import { testPrincipal } from "./testing.ts";

const NOW_MS = 1_800_000_000_000;
const dealing = (by: object = {}, operator = false): Dealing => ({
  by: testPrincipal({ role: "admin", operator, ...by }),
  operator,
  nowMs: NOW_MS,
});
const settings = (more: Partial<KeySettings> = {}): KeySettings => ({
  name: "app",
  role: "developer",
  ...more,
});

const outcome = (result: ReturnType<typeof checkNewKey>): string => {
  if (result.ok) return "ok";
  return result.error.kind === "invalid_request" ? (result.error.param ?? "") : result.error.kind;
};

describe("a new key", () => {
  it.each<[string, object, Partial<KeySettings>, string]>([
    ["is made by an admin for any role", {}, { role: "admin" }, "ok"],
    ["is made by a developer for developers", { role: "developer" }, { role: "developer" }, "ok"],
    ["is made by a developer for viewers", { role: "developer" }, { role: "viewer" }, "ok"],
    ["is above nobody's own role", { role: "developer" }, { role: "admin" }, "forbidden"],
    ["ends in the future", {}, { expiresAtMs: NOW_MS + 1 }, "ok"],
    ["does not end now", {}, { expiresAtMs: NOW_MS }, "expiresAtMs"],
    ["has scopes of its role", {}, { scopes: ["inference", "usage:read"] }, "ok"],
    ["has none of a higher role", {}, { scopes: ["inference", "keys:any"] }, "scopes[1]"],
    ["has none of operators elsewhere", {}, { role: "admin", scopes: ["engines:manage"] }, "scopes[0]"],
    ["has none of people", {}, { role: "admin", scopes: ["account:own"] }, "scopes[0]"],
    ["has a low priority", {}, { priority: "low" }, "ok"],
    ["has a high priority of operators only", {}, { priority: "high" }, "forbidden"],
    [
      "has what its maker has of scopes",
      { scopes: ["keys:own", "inference"] },
      { scopes: ["inference"] },
      "ok",
    ],
    ["has no scope more", { scopes: ["keys:own"] }, { scopes: ["inference"] }, "forbidden"],
    ["is cut down where its maker is", { scopes: ["keys:own"] }, {}, "forbidden"],
    ["is for its maker's models", { models: ["a", "b"] }, { models: ["b"] }, "ok"],
    ["is for no model more", { models: ["a"] }, { models: ["a", "b"] }, "forbidden"],
    ["is not for all models then", { models: ["a"] }, {}, "forbidden"],
    ["is for its maker's addresses", { ips: ["10.0.0.0/8"] }, { ips: ["10.1.0.0/16"] }, "ok"],
    ["is for no address more", { ips: ["10.1.0.0/16"] }, { ips: ["10.0.0.0/8"] }, "forbidden"],
    ["is for its maker's origins", { origins: ["https://a.example"] }, {}, "forbidden"],
    [
      "is limited as its maker",
      { limits: { requestsPerMinute: 5 } },
      { limits: { requestsPerMinute: 5 } },
      "ok",
    ],
    ["has no more", { limits: { requestsPerMinute: 5 } }, { limits: { requestsPerMinute: 6 } }, "forbidden"],
    [
      "has no fewer limits",
      { limits: { requestsPerMinute: 5 } },
      { limits: { tokensPerDay: 1 } },
      "forbidden",
    ],
    ["does not outlive its maker", { expiresAtMs: NOW_MS + 5 }, { expiresAtMs: NOW_MS + 6 }, "forbidden"],
    ["ends where its maker does", { expiresAtMs: NOW_MS + 5 }, {}, "forbidden"],
    ["may end before", { expiresAtMs: NOW_MS + 5 }, { expiresAtMs: NOW_MS + 5 }, "ok"],
    ["of a low key is low", { priority: "low" }, {}, "forbidden"],
  ])("%s", (_, by, more, expected) => {
    expect(outcome(checkNewKey(dealing(by), settings(more)))).toBe(expected);
  });

  it("of operators may have a high priority and their scopes", () => {
    const key = settings({ role: "admin", priority: "high", scopes: ["engines:manage"] });
    expect(outcome(checkNewKey(dealing({}, true), key))).toBe("ok");
    expect(outcome(checkNewKey(dealing({ role: "developer" }, true), settings({ priority: "high" })))).toBe(
      "forbidden",
    );
  });

  it("may never do what its maker may not", () => {
    const scopes = fc.option(fc.subarray([...PERMISSIONS], { minLength: 1 }), { nil: null });
    const role = fc.constantFrom(...ROLES);
    fc.assert(
      fc.property(role, scopes, role, scopes, (ownRole, own, newRole, wanted) => {
        const key = settings({ role: newRole, ...(wanted && { scopes: wanted }) });
        if (!checkNewKey(dealing({ role: ownRole, scopes: own }), key).ok) return;
        expect(ROLES.indexOf(newRole)).toBeGreaterThanOrEqual(ROLES.indexOf(ownRole));
        if (own) expect(wanted?.every((scope) => own.includes(scope))).toBe(true);
      }),
    );
  });
});

describe("a change of a key", () => {
  const before = settings({ models: ["a"], limits: { requestsPerMinute: 5, tokensPerDay: 7 } });

  it("changes what is named, and tells it", () => {
    const patch = { name: "other", models: null, limits: { tokensPerDay: null, costPerDay: 2 } };
    expect(patchKey(dealing(), before, patch)).toEqual({
      ok: true,
      value: {
        settings: { name: "other", role: "developer", limits: { requestsPerMinute: 5, costPerDay: 2 } },
        changed: ["name", "models", "limits"],
      },
    });
  });

  it("that changes nothing is none", () => {
    const patched = patchKey(dealing({ models: ["z"] }), before, { name: "app", scopes: null });
    expect(patched).toMatchObject({ ok: true, value: { changed: [] } });
  });

  it.each<[string, object, KeySettings, object, string]>([
    ["cannot take away the role", {}, before, { role: null }, "role"],
    ["cannot empty the name", {}, before, { name: " " }, "name"],
    ["cannot raise a key above oneself", { role: "developer" }, before, { role: "admin" }, "forbidden"],
    [
      "is not for who stands below",
      { role: "developer" },
      settings({ role: "admin" }),
      { name: "x" },
      "forbidden",
    ],
    ["cannot end in the past", {}, before, { expiresAtMs: 1 }, "expiresAtMs"],
    ["leaves an end in the past as it is", {}, settings({ expiresAtMs: 1 }), { name: "x" }, "ok"],
    [
      "cannot free a key of what its changer is bound to",
      { models: ["a"] },
      before,
      { models: null },
      "forbidden",
    ],
    ["may bind it further", { models: ["a"] }, settings(), { models: ["a"] }, "ok"],
    ["leaves what operators granted", {}, settings({ priority: "high" }), { name: "x" }, "ok"],
    [
      "cannot leave scopes that the new role lacks",
      {},
      settings({ scopes: ["inference"] }),
      { role: "viewer" },
      "scopes[0]",
    ],
    [
      "cannot raise the role of a key without scopes",
      { scopes: ["keys:any"] },
      settings({ role: "viewer" }),
      { role: "admin" },
      "forbidden",
    ],
  ])("%s", (_, by, was, patch, expected) => {
    const patched = patchKey(dealing(by), was, patch);
    expect(outcome(patched.ok ? { ok: true, value: patched.value.settings } : patched)).toBe(expected);
  });
});

describe("a new secret", () => {
  it.each<[string, object, Partial<KeySettings>, boolean]>([
    ["is told to who can do as much", {}, { role: "admin" }, true],
    ["is told to nobody below", { role: "developer" }, { role: "admin" }, false],
    ["is told to no key with fewer scopes", { scopes: ["keys:any"] }, {}, false],
    ["is not told to a secret in its grace", { expiresAtMs: NOW_MS + 1 }, {}, false],
    ["is told to a key of itself", { role: "developer", models: ["a"] }, { models: ["a"] }, true],
    ["is told to an admin though operators gave it priority", {}, { priority: "high" }, true],
  ])("%s", (_, by, more, told) => {
    expect(checkRotation(dealing(by), settings(more)).ok).toBe(told);
  });

  it("is always told to the key itself", () => {
    const list = fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 }), { nil: null });
    fc.assert(
      fc.property(
        fc.constantFrom(...ROLES),
        list,
        fc.option(fc.nat(), { nil: null }),
        (role, models, endMs) => {
          const own = { role, ...(models && { models }), ...(endMs !== null && { expiresAtMs: endMs }) };
          expect(powerBeyond(testPrincipal({ role, models, expiresAtMs: endMs }), own)).toBeUndefined();
        },
      ),
    );
  });
});

describe("the contract of a key", () => {
  it.each<[object, boolean]>([
    [{ name: "app" }, true],
    [{}, false],
    [{ name: "" }, false],
    [{ name: "app", role: "owner" }, false],
    [{ name: "app", secret: "sk-eco-1" }, false],
    [{ name: "app", models: ["llama3.1:8b", "meta-llama/Llama-3.1-8B"] }, true],
    [{ name: "app", models: ["capability:chat"] }, false],
    [{ name: "app", models: [] }, false],
    [{ name: "app", origins: ["https://a.example"] }, true],
    [{ name: "app", origins: ["https://a.example/"] }, false],
    [{ name: "app", origins: ["*"] }, false],
    [{ name: "app", ips: ["10.0.0.0/8", "::1"] }, true],
    [{ name: "app", ips: ["10.0.0.0/33"] }, false],
    [{ name: "app", limits: { requestsPerMinute: 1 } }, true],
    [{ name: "app", limits: { requestsPerHour: 1 } }, false],
    [{ name: "app", limits: { requestsPerMinute: -1 } }, false],
    [{ name: "app", metadata: { team: "a" } }, true],
    [{ name: "app", metadata: { team: 1 } }, false],
    [{ name: "app", scopes: ["inference"] }, true],
    [{ name: "app", scopes: ["everything"] }, false],
    [{ name: "app", expiresAtMs: "2030-01-01" }, false],
  ])("of %j is met: %s", (body, met) => {
    expect(KeyCreate.safeParse(body).success).toBe(met);
    expect(KeyPatch.safeParse(body).success).toBe(met || Object.keys(body).length === 0);
  });
});
