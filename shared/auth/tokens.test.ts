import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type TokenKind, createToken, hashToken, isTokenForm } from "./tokens.ts";

const random = (count: number) => new Uint8Array(randomBytes(count));
const KINDS: readonly TokenKind[] = ["refresh", "invite", "passwordReset"];

describe("a token", () => {
  it.each(KINDS)("for %s is of its own kind alone", (kind) => {
    const token = createToken(kind, random);
    expect(KINDS.filter((each) => isTokenForm(each, token))).toEqual([kind]);
    for (const other of [token.slice(1), `${token}0`, token.slice(0, -1), `${token.slice(0, -1)}-`, ""])
      expect(isTokenForm(kind, other)).toBe(false);
  });

  it("is stored as anybody would hash it", async () => {
    const token = createToken("refresh", random);
    expect(await hashToken(token)).toBe(createHash("sha256").update(token).digest("hex"));
  });
});
