import { describe, expect, it } from "vitest";
import type { Principal } from "../../../shared/auth/principal.ts";
import { testPrincipal } from "../../../shared/auth/testing.ts";
import { SessionId, UserId, WorkspaceId } from "../../../shared/kernel/ids.ts";
import type { Claims } from "../auth/access-token.ts";
import { accessTokenOf, createUserAuthenticator } from "./authenticate-user.ts";

const claims = (expMs: number): Claims => ({
  sub: UserId.parse(`usr_${"a".repeat(20)}`),
  sid: SessionId.parse(`ses_${"a".repeat(20)}`),
  ws: WorkspaceId.parse(`ws_${"a".repeat(20)}`),
  exp: expMs / 1000,
});
const somebody = testPrincipal({ kind: "user", id: `usr_${"a".repeat(20)}` });
const TRUST_MS = 30_000;

/** Asks at each of these times for a token that ends at a time, of a store that gives its answers in turn. */
async function ask(
  answers: (Principal | undefined | Error)[],
  times: [nowMs: number, fresh: boolean][],
  expMs = 900_000,
) {
  let asked = 0;
  const tokens = {
    issue: () => Promise.reject(new Error("makes none")),
    read: async (token: string, nowMs: number) =>
      token === "eyJ.good" && nowMs < expMs ? claims(expMs) : undefined,
  };
  const sessions = {
    principal: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const authenticate = createUserAuthenticator(tokens, sessions);
  const heard: string[] = [];
  for (const [nowMs, fresh] of times) {
    const caller = await authenticate("eyJ.good", nowMs, { fresh });
    heard.push(caller.ok ? caller.value.sessionId.slice(0, 3) : caller.error.kind);
  }
  return { heard, asked, bad: await authenticate("eyJ.bad", 0) };
}

describe("an authenticator of people", () => {
  it.each<[string, (Principal | undefined | Error)[], [number, boolean][], string[], number]>([
    [
      "remembers for requests to models",
      [somebody],
      [
        [0, false],
        [TRUST_MS - 1, false],
      ],
      ["ses", "ses"],
      1,
    ],
    [
      "not for longer",
      [somebody, undefined],
      [
        [0, false],
        [TRUST_MS, false],
      ],
      ["ses", "invalid_token"],
      2,
    ],
    [
      "asks anew for all else",
      [somebody, undefined],
      [
        [0, false],
        [1, true],
      ],
      ["ses", "invalid_token"],
      2,
    ],
    [
      "forgets what it has learned is over",
      [somebody, undefined],
      [
        [0, true],
        [1, true],
        [2, false],
      ],
      ["ses", "invalid_token", "invalid_token"],
      3,
    ],
    [
      "blames the store when it is away",
      [new Error("D1_ERROR")],
      [
        [0, false],
        [1, true],
      ],
      ["store_unavailable", "store_unavailable"],
      2,
    ],
  ])("%s", async (_, answers, times, heard, asked) => {
    const outcome = await ask(answers, times);
    expect(outcome).toMatchObject({ heard, asked });
  });

  it("ends a token at its very end, though it is remembered, and asks no store about one that is none", async () => {
    const { heard, asked, bad } = await ask(
      [somebody],
      [
        [0, false],
        [9_999, false],
        [10_000, false],
      ],
      10_000,
    );
    expect(heard).toEqual(["ses", "ses", "invalid_token"]);
    expect(asked).toBe(1);
    expect(bad).toMatchObject({ ok: false, error: { kind: "invalid_token" } });
  });
});

describe("the access token of a header", () => {
  it.each([
    ["Bearer eyJa.b.c", "eyJa.b.c"],
    ["bearer  eyJa.b.c ", "eyJa.b.c"],
    ["Bearer sk-eco-abc", undefined],
    ["Basic eyJa", undefined],
    ["eyJa.b.c", undefined],
    ["Bearer eyJa b", undefined],
    [null, undefined],
  ])("%j is %j", (header, token) => {
    expect(accessTokenOf(header)).toBe(token);
  });
});
