import { describe, expect, it } from "vitest";
import { createApiKey } from "../../../shared/auth/api-key.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import { testPrincipal } from "../../../shared/auth/testing.ts";
import { createAuthenticator } from "../middleware/authenticate.ts";

/** The same key for the same seed. */
const keyOf = (seed: number) => {
  let state = seed;
  return createApiKey((count) => Uint8Array.from({ length: count }, () => (state = (state * 73 + 41) % 251)));
};
const KEY = keyOf(1);
const TRUST_MS = 30_000;

const principal = (expiresAtMs: number | null = null) => testPrincipal({ expiresAtMs });

/** A store that gives its answers in turn, and counts how often it was asked. */
function storeOf(...answers: (Principal | undefined | Error)[]) {
  let asked = 0;
  return {
    get asked() {
      return asked;
    },
    find: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

/** Asks the same authenticator at each of these times. */
async function ask(
  store: ReturnType<typeof storeOf>,
  timesMs: readonly number[],
  key = KEY,
): Promise<string[]> {
  const authenticate = createAuthenticator("a pepper of some length");
  const heard: string[] = [];
  for (const nowMs of timesMs) {
    const caller = await authenticate(`Bearer ${key}`, store, nowMs);
    heard.push(caller.ok ? caller.value.id : caller.error.kind);
  }
  return heard;
}

const KNOWN = principal().id;

describe("an authenticator", () => {
  it.each<
    [
      what: string,
      answers: (Principal | undefined | Error)[],
      timesMs: number[],
      heard: string[],
      asked: number,
    ]
  >([
    [
      "asks once, and trusts what it knows for a while",
      [principal()],
      [0, 1, TRUST_MS - 1],
      [KNOWN, KNOWN, KNOWN],
      1,
    ],
    ["asks again after that", [principal()], [0, TRUST_MS], [KNOWN, KNOWN], 2],
    [
      "forgets a key that has been revoked",
      [principal(), undefined],
      [0, TRUST_MS, TRUST_MS + 1],
      [KNOWN, "invalid_key", "invalid_key"],
      3,
    ],
    [
      "asks each time for a key that nobody knows: it may have been made since",
      [undefined, principal()],
      [0, 1],
      ["invalid_key", KNOWN],
      2,
    ],
    [
      "blames the store when the store is away, never the caller",
      [new Error("D1_ERROR")],
      [0, 1],
      ["store_unavailable", "store_unavailable"],
      2,
    ],
    [
      "keeps who is known while the store is away",
      [principal(), new Error("D1_ERROR")],
      [0, 1],
      [KNOWN, KNOWN],
      1,
    ],
    [
      "trusts nobody for longer because the store is away",
      [principal(), new Error("D1_ERROR")],
      [0, TRUST_MS],
      [KNOWN, "store_unavailable"],
      2,
    ],
    [
      "ends a key at the very millisecond, though it is trusted",
      [principal(500)],
      [0, 499, 500],
      [KNOWN, KNOWN, "invalid_key"],
      1,
    ],
    ["refuses a key that had ended before", [principal(500)], [500], ["invalid_key"], 1],
  ])("%s", async (_, answers, timesMs, heard, asked) => {
    const store = storeOf(...answers);
    expect(await ask(store, timesMs)).toEqual(heard);
    expect(store.asked).toBe(asked);
  });

  it.each(["sk-other", `${KEY}0`, KEY.slice(0, -1), "sk-eco-"])(
    "asks no store about what can be no key: %s",
    async (key) => {
      const store = storeOf(principal());
      expect(await ask(store, [0], key)).toEqual(["invalid_key"]);
      expect(store.asked).toBe(0);
    },
  );

  it("tells callers apart", async () => {
    const authenticate = createAuthenticator("a pepper of some length");
    const hashes: string[] = [];
    const store = {
      find: async (hash: string) => (hashes.push(hash), hashes.length === 1 ? principal() : undefined),
    };
    expect((await authenticate(`Bearer ${KEY}`, store, 0)).ok).toBe(true);
    expect((await authenticate(`Bearer ${keyOf(2)}`, store, 0)).ok).toBe(false);
    expect(new Set(hashes).size).toBe(2);
    expect(hashes.join()).not.toContain(KEY);
  });
});
