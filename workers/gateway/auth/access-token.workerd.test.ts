import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { SessionId, UserId, WorkspaceId } from "../../../shared/kernel/ids.ts";
import { ACCESS_TOKEN_S, createAccessTokens } from "./access-token.ts";

const SECRET = "a pepper for tests only";
const NOW_MS = 1_800_000_000_000;
const NOW_S = NOW_MS / 1_000;
const WHO = {
  sub: UserId.parse(`usr_${"a".repeat(20)}`),
  sid: SessionId.parse(`ses_${"b".repeat(20)}`),
  ws: WorkspaceId.parse(`ws_${"c".repeat(20)}`),
};
const tokens = createAccessTokens(SECRET);
const bytes = (text: string) => new TextEncoder().encode(text);

/** The key as an attacker who knew the secret would derive it: the tests below change one thing at a time. */
async function realKey(): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", bytes(SECRET), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes("eco-base access tokens 1") },
    material,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  ) as Promise<CryptoKey>;
}

/** A token with the right key and all that it should say, but for these members. */
async function forged(
  more: Record<string, unknown> = {},
  key?: CryptoKey | Uint8Array,
  alg = "HS256",
): Promise<string> {
  const payload = { ...WHO, iss: "eco-base", aud: "eco-base/api", iat: NOW_S, exp: NOW_S + 60, ...more };
  return new SignJWT(payload).setProtectedHeader({ alg, typ: "JWT" }).sign(key ?? (await realKey()));
}

describe("an access token", () => {
  it("says who it is of, for a quarter of an hour", async () => {
    const token = await tokens.issue(WHO, NOW_MS);
    expect(token).toMatch(/^eyJ/);
    expect(await tokens.read(token, NOW_MS)).toEqual({ ...WHO, exp: NOW_S + ACCESS_TOKEN_S });
    expect(await tokens.read(token, NOW_MS + ACCESS_TOKEN_S * 1_000 - 1)).toBeDefined();
    expect(await tokens.read(token, NOW_MS + ACCESS_TOKEN_S * 1_000)).toBeUndefined();
  });

  it("is read as a forged one that has everything right would be, so that what follows tests one thing each", async () => {
    expect(await tokens.read(await forged(), NOW_MS)).toMatchObject(WHO);
  });

  it.each<[what: string, token: () => Promise<string> | string]>([
    ["of another secret", () => createAccessTokens("another pepper for tests").issue(WHO, NOW_MS)],
    ["of another issuer", () => forged({ iss: "another" })],
    ["for another audience", () => forged({ aud: "another" })],
    ["that has ended", () => forged({ exp: NOW_S - 1 })],
    ["that ends at this moment", () => forged({ exp: NOW_S })],
    ["without an end", () => forged({ exp: undefined })],
    ["that is not yet good", () => forged({ nbf: NOW_S + 60 })],
    ["without a time", () => forged({ iat: undefined })],
    ["of no user", () => forged({ sub: "admin" })],
    ["of no session", () => forged({ sid: undefined })],
    ["of no workspace", () => forged({ ws: "*" })],
    [
      "without a signature",
      () =>
        new UnsecuredJWT({
          ...WHO,
          iss: "eco-base",
          aud: "eco-base/api",
          iat: NOW_S,
          exp: NOW_S + 60,
        }).encode(),
    ],
    ["signed with the secret itself", () => forged({}, bytes(SECRET))],
    ["signed with a label that is public", () => forged({}, bytes("eco-base access tokens 1"))],
    ["signed with zeros", () => forged({}, new Uint8Array(32))],
    ["that is no token", () => "eyJhbGciOiJIUzI1NiJ9"],
    ["of nothing", () => ""],
  ])("%s is none", async (_, token) => {
    expect(await tokens.read(await token(), NOW_MS)).toBeUndefined();
  });

  it("is none with another algorithm of the same key", async () => {
    const key = await crypto.subtle.importKey(
      "raw",
      new Uint8Array(64),
      { name: "HMAC", hash: "SHA-512" },
      false,
      ["sign"],
    );
    expect(await tokens.read(await forged({}, key as CryptoKey, "HS512"), NOW_MS)).toBeUndefined();
  });

  it("is none with any one character changed", async () => {
    const token = await tokens.issue(WHO, NOW_MS);
    // The last character of a part has bits that mean nothing, which a reader may ignore.
    const ends = new Set([...token.matchAll(/.(?=\.|$)/g)].map(({ index }) => index));
    for (let at = 0; at < token.length; at += 3) {
      if (token[at] === "." || ends.has(at)) continue;
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect(await tokens.read(changed, NOW_MS)).toBeUndefined();
    }
  });
});
