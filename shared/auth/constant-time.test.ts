import fc from "fast-check";
import { expect, it } from "vitest";
import { sameSecret } from "./constant-time.ts";

it("tells the same from what differs, as `===` does", () => {
  const near = fc.string({ maxLength: 6, unit: fc.constantFrom("a", "b", "é", "\u0000") });
  fc.assert(fc.property(near, near, (one, two) => sameSecret(one, two) === (one === two)));
  fc.assert(fc.property(fc.string(), (text) => sameSecret(text, `${text}`)));
});

it.each([
  ["a beginning", "secret", "secre"],
  ["more than it", "secret", "secret\u0000"],
  ["another first letter", "secret", "Secret"],
  ["another last letter", "secret", "secreT"],
  ["nothing", "secret", ""],
])("does not take %s for it", (_, one, two) => {
  expect(sameSecret(one, two)).toBe(false);
  expect(sameSecret(two, one)).toBe(false);
});
