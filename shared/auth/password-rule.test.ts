import { describe, expect, it } from "vitest";
import { checkPassword, normalEmail, normalPassword } from "./password-rule.ts";

const EMAIL = "ada.lovelace@example.com";

describe("a new password", () => {
  it.each([
    ["ten characters", "abcdefghij"],
    ["two hundred", "x".repeat(200)],
    ["one class of characters alone", "aaaaaaaaaa"],
    ["spaces", "correct horse battery staple"],
    ["ten characters of two units each", "🔑".repeat(10)],
  ])("may be %s", (_, password) => {
    expect(checkPassword(password, EMAIL)).toEqual({ ok: true, value: password });
  });

  it.each([
    ["nine characters", "abcdefghi", /at least 10/],
    ["nine characters of two units each", "🔑".repeat(9), /at least 10/],
    ["more than two hundred", "x".repeat(201), /at most 200/],
    ["the address", EMAIL, /not the e-mail/],
    ["the address in other letters", "ADA.Lovelace@example.com", /not the e-mail/],
    ["the address's name", "ada.lovelace", /not the e-mail/],
  ])("may not be %s", (_, password, says) => {
    expect(checkPassword(password, EMAIL, "newPassword")).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", param: "newPassword", message: expect.stringMatching(says) },
    });
  });

  it("is the same however it was typed", () => {
    expect(normalPassword("e\u0301a")).toBe(normalPassword("\u00e9a"));
  });
});

describe("an e-mail address", () => {
  it("is compared in small letters", () => {
    expect(normalEmail(" Ada@Example.COM ")).toBe("ada@example.com");
  });
});
