import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { createApiKey, hashApiKey, importPepper } from "../../../shared/auth/api-key.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import { testPrincipal } from "../../../shared/auth/testing.ts";
import { createAuthenticator } from "../middleware/authenticate.ts";
import type { Lookup } from "../store/keys.ts";

/** The same key for the same seed and time. */
const keyOf = (seed: number, madeAtMs = 0) => {
  let state = seed;
  const random = (count: number) =>
    Uint8Array.from({ length: count }, () => (state = (state * 73 + 41) % 251));
  return createApiKey(random, madeAtMs);
};
const KEY = keyOf(1);
const TRUST_MS = 30_000;
const UNKNOWN_MS = 10_000;
/** So long ago was a key made whose absence is remembered. */
const OLD_MS = 10 * 60_000;
const NOW_MS = 1_800_000_000_000;

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
      3,
    ],
    [
      "asks past every cache whether an end that has come was put off",
      [principal(500), principal(500), principal(900)],
      [0, 500, 501],
      [KNOWN, KNOWN, KNOWN],
      3,
    ],
    ["refuses a key that had ended before", [principal(500)], [500], ["invalid_key"], 2],
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

  it.each<[what: string, madeAtMs: number, timesMs: number[], asked: number]>([
    ["remembers for a while that an old key is unknown", NOW_MS - OLD_MS - 1000, [0, 1, UNKNOWN_MS - 1], 1],
    ["asks again after that", NOW_MS - OLD_MS - 1000, [0, UNKNOWN_MS], 2],
    ["asks each time for one that may just be made", NOW_MS - OLD_MS, [0, 0, 0], 3],
    ["asks each time for one that is new", NOW_MS, [0, 1, 2], 3],
    ["asks each time for one from the future, as keys of the old form may seem", NOW_MS * 2, [0, 1, 2], 3],
  ])("%s", async (_, madeAtMs, timesMs, asked) => {
    const store = storeOf(undefined);
    const heard = await ask(
      store,
      timesMs.map((ms) => NOW_MS + ms),
      keyOf(1, madeAtMs),
    );
    expect(new Set(heard)).toEqual(new Set(["invalid_key"]));
    expect(store.asked).toBe(asked);
  });

  it("never keeps out a key that was asked for before it was there", async () => {
    const ageMs = fc.integer({ min: -NOW_MS, max: OLD_MS });
    await fc.assert(
      fc.asyncProperty(ageMs, fc.nat(2 ** 20), async (ageMs, seed) => {
        const heard = await ask(
          storeOf(undefined, principal()),
          [NOW_MS, NOW_MS],
          keyOf(seed, NOW_MS - ageMs),
        );
        // The stamp is to the second: a key of exactly that age may seem to be older by less than one.
        const asksAgain = Math.floor((NOW_MS - ageMs) / 1000) * 1000 >= NOW_MS - OLD_MS;
        expect(heard).toEqual(["invalid_key", asksAgain ? KNOWN : "invalid_key"]);
      }),
      { numRuns: 50 },
    );
  });

  it("remembers ten thousand unknown keys, and then forgets the oldest", async () => {
    const authenticate = createAuthenticator("a pepper of some length");
    const store = storeOf(undefined);
    const serial = (at: number) =>
      createApiKey((count) => {
        const digits = [at % 62, Math.floor(at / 62) % 62, Math.floor(at / 3844)];
        return Uint8Array.from({ length: count }, (_, place) => digits[place] ?? 0);
      }, 0);
    const askFor = (at: number) => authenticate(`Bearer ${serial(at)}`, store, NOW_MS);
    for (let at = 0; at <= 10_000; at++) await askFor(at);
    expect(store.asked).toBe(10_001);
    await askFor(10_000);
    expect(store.asked).toBe(10_001);
    await askFor(0);
    expect(store.asked).toBe(10_002);
  });

  it("looks a key up by the pepper of before as well, in the same question", async () => {
    const heard: unknown[] = [];
    const store = {
      find: async (hash: string, lookup?: Lookup) => (heard.push([hash, lookup?.previousHash]), principal()),
    };
    const hashOf = async (pepper: string) => hashApiKey(await importPepper(pepper), KEY);
    await createAuthenticator("the present pepper", { previousPepper: "the pepper of before" })(
      `Bearer ${KEY}`,
      store,
      0,
    );
    await createAuthenticator("the present pepper")(`Bearer ${KEY}`, store, 0);
    const present = await hashOf("the present pepper");
    expect(heard).toEqual([
      [present, await hashOf("the pepper of before")],
      [present, undefined],
    ]);
  });

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
