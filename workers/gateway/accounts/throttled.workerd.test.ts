import { describe, expect, it } from "vitest";
import { ROUTES } from "../app.ts";
import { throttleNameOf } from "./throttled.ts";

const open = ROUTES.filter(([method, , access]) => access === "public" && method !== "get");

describe("what anybody may send something to", () => {
  it("has a rule of its own, each", () => {
    expect(open.map(([, path]) => [path, throttleNameOf(path)])).toEqual([
      ["/auth/signup", "signup"],
      ["/auth/login", "login"],
      ["/auth/refresh", "refresh"],
      ["/auth/password/reset", "passwordReset"],
    ]);
  });

  it.each(["/auth/new", "/toString"])("is throttled without one as well: %s", (path) => {
    expect(throttleNameOf(path)).toBe("publicPost");
  });
});
