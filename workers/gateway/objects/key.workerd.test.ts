import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Limits } from "../../../shared/contracts/limits.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { ORPHAN_MS } from "../../../shared/ledger/ledger.ts";
import type { Account, Message, Reply } from "../../../shared/ledger/messages.ts";
import { testAsk, testBooking, testMessage } from "../../../shared/ledger/testing.ts";
import type { KeyObject } from "./key.ts";

const id = (prefix: string) =>
  `${prefix}_${randomBase62(20, (count) => crypto.getRandomValues(new Uint8Array(count)))}`;

/** A key that nobody has used, and its object, spoken to by one isolate. */
function newKey(limits: Limits | null = null, account: Partial<Account> = {}) {
  const name = id("key");
  const whole = { workspaceId: id("ws"), workspaceLimits: null, ...account };
  const stub = () => env.KEY.getByName(name) as unknown as DurableObjectStub<KeyObject>;
  let seq = 0;
  const say = (more: Partial<Message>): Promise<Reply> =>
    stub().exchange(testMessage({ seq: (seq += 1), policy: { version: 1, limits }, ...more }), whole);
  return { name, stub, say, account: whole };
}

const typesOf = ({ verdicts }: Reply) => verdicts.map(({ type }) => type);
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, at) => testAsk(`r${from + at}`));
const rowsOf = async (key: string) =>
  (await env.DB.prepare("SELECT * FROM usage_hours WHERE key_id = ?").bind(key).all()).results;
const stateOf = async (stub: DurableObjectStub<KeyObject>) =>
  (await stub.fetch("https://object/state")).json<{ open: number; requestsOfTheLastMinute: number }>();

beforeEach(() => {
  vi.useRealTimers();
});

describe("the object of a key", () => {
  it("comes back from eviction with everything that it answered, journal and snapshot", async () => {
    const { stub, say } = newKey({ requestsPerMinute: 300 });
    for (let at = 0; at < 260; at++)
      await say({ asks: ids(1, at), settlements: at > 3 ? [{ id: `r${at - 2}`, used: testBooking() }] : [] });
    const before = await (await stub().fetch("https://object/state")).text();
    await evictDurableObject(stub());
    expect(await (await stub().fetch("https://object/state")).text()).toBe(before);
    expect(typesOf(await say({ asks: ids(50, 500) })).filter((type) => type === "admitted")).toHaveLength(40);
  });

  it("answers a message that comes again, after eviction too, as before", async () => {
    const { stub, say } = newKey({ requestsPerMinute: 1 });
    const first = await say({ asks: ids(2), seq: 7 });
    await evictDurableObject(stub());
    expect(await say({ asks: ids(2), seq: 7 })).toEqual(first);
    expect(await stateOf(stub())).toMatchObject({ open: 1, requestsOfTheLastMinute: 1 });
  });

  it("admits nothing on an older version once it has been told, and tells when leases have ended", async () => {
    const { stub, say } = newKey();
    expect((await say({ asks: ids(1), rate: 200 })).grant).toBeDefined();
    const began = Date.now();
    await stub().fence(2);
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
    expect(typesOf(await say({ asks: ids(1, 1) }))).toEqual(["stale"]);
  });

  it("writes what was used to the database, and the same again changes nothing", async () => {
    const { name, stub, say, account } = newKey();
    await say({ asks: ids(3) });
    await say({
      settlements: [
        { id: "r0", used: testBooking() },
        { id: "r1", used: testBooking() },
      ],
    });
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    const rows = await rowsOf(name);
    expect(rows).toMatchObject([
      {
        workspace_id: account.workspaceId,
        model: "m",
        engine: "e",
        requests: 2,
        prompt_tokens: 24,
        cost_nano: 14,
      },
    ]);
    await stub().flush();
    await evictDurableObject(stub());
    await say({ settlements: [{ id: "r2", used: testBooking() }] });
    await stub().flush();
    expect(await rowsOf(name)).toMatchObject([{ requests: 3, prompt_tokens: 36 }]);
  });

  it("keeps what was used while the database is away", async () => {
    const { name, stub, say } = newKey();
    await say({ asks: ids(1) });
    await say({ settlements: [{ id: "r0", used: testBooking() }] });
    await env.DB.prepare("ALTER TABLE usage_hours RENAME TO away").run();
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    await env.DB.prepare("ALTER TABLE away RENAME TO usage_hours").run();
    expect(await rowsOf(name)).toEqual([]);
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    expect(await rowsOf(name)).toMatchObject([{ requests: 1 }]);
  });

  it("books by its alarm what nobody is at any more", async () => {
    const { name, stub, say } = newKey({ concurrentRequests: 1 });
    await say({ asks: ids(1) });
    await runInDurableObject(stub(), (object: KeyObject) => {
      vi.setSystemTime(Date.now() + ORPHAN_MS);
      return object.alarm();
    });
    expect(await rowsOf(name)).toMatchObject([{ requests: 1, estimated: 1, engine: "", prompt_tokens: 15 }]);
    expect(await stateOf(stub())).toMatchObject({ open: 0 });
  });
});

describe("the object of a workspace with limits", () => {
  it("lets exactly so many in of all its keys, whichever asks", async () => {
    const account = { workspaceId: id("ws"), workspaceLimits: { requestsPerMinute: 20 } };
    const keys = Array.from({ length: 4 }, () => newKey(null, account));
    const replies = await Promise.all(
      keys.flatMap(({ say }) => [say({ asks: ids(5) }), say({ asks: ids(5, 5) })]),
    );
    expect(replies.flatMap(typesOf).filter((type) => type === "admitted")).toHaveLength(20);
    for (const { verdicts } of replies)
      for (const verdict of verdicts)
        if (verdict.type === "refused") expect(verdict).toMatchObject({ workspace: true });
    const states = await Promise.all(keys.map(({ stub }) => stateOf(stub())));
    expect(states.reduce((sum, state) => sum + state.requestsOfTheLastMinute, 0)).toBe(20);
  });

  it("takes nothing of what a key refuses by itself, and frees what its keys settle", async () => {
    const account = { workspaceId: id("ws"), workspaceLimits: { concurrentRequests: 3 } };
    const narrow = newKey({ concurrentRequests: 1 }, account);
    const wide = newKey(null, account);
    expect(typesOf(await narrow.say({ asks: ids(5) })).filter((type) => type === "admitted")).toHaveLength(1);
    expect(typesOf(await wide.say({ asks: ids(3, 10) }))).toEqual(["admitted", "admitted", "refused"]);
    await narrow.say({ settlements: [{ id: "r0", used: testBooking() }] });
    expect(typesOf(await wide.say({ asks: ids(1, 20) }))).toEqual(["admitted"]);
  });

  it("begins with what its keys have used this month", async () => {
    const account = { workspaceId: id("ws"), workspaceLimits: { tokensPerMonth: 100 } };
    const before = newKey(null, { workspaceId: account.workspaceId });
    await before.say({ asks: ids(1) });
    await before.say({ settlements: [{ id: "r0", used: testBooking() }] });
    await before.stub().flush();
    expect(typesOf(await newKey(null, account).say({ asks: ids(1) }))).toEqual(["refused"]);
  });
});
