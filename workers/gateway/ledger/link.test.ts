import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Ledger, newLedger, step } from "../../../shared/ledger/ledger.ts";
import type { Message } from "../../../shared/ledger/messages.ts";
import { START_MS, testAsk, testBooking } from "../../../shared/ledger/testing.ts";
import { unwritten } from "../../../shared/ledger/totals.ts";
import { KeyLink } from "./link.ts";

const ACCOUNT = { workspaceId: "ws_a", workspaceLimits: null };
const RESERVE = { prompt: 15, completion: 85, costNano: 0 };

/** A link to a real ledger, over a line that can be cut before or behind it. */
function connect() {
  const ledger: Ledger = newLedger();
  const messages: Message[] = [];
  const line: { state: "up" | "deaf" | "mute" } = { state: "up" };
  const port = {
    async exchange(message: Message) {
      messages.push(message);
      if (line.state === "deaf") throw new Error("the object is away");
      const reply = step(ledger, message, Date.now());
      if (line.state === "mute") throw new Error("its answer was lost");
      return reply;
    },
  };
  const deferred: Promise<unknown>[] = [];
  const defer = (work: Promise<unknown>) => void deferred.push(work);
  const link = new KeyLink(
    "isolate",
    () => port,
    () => Date.now(),
  );
  link.know({ version: 1, limits: { requestsPerMinute: 1_000 } }, ACCOUNT);
  return { link, ledger, messages, line, defer, deferred };
}

/** Asks so often at once that the key is hot. */
async function heat({ link, defer }: ReturnType<typeof connect>) {
  for (let at = 0; at < 60; at++) await link.ask(testAsk(`hot${at}`), defer);
}

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what an isolate says to the ledger of a key", () => {
  it("goes in one message while another is on its way", async () => {
    const { link, messages, defer } = connect();
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, at) => link.ask(testAsk(`r${at}`), defer)),
    );
    expect(verdicts.every((verdict) => verdict !== "unheard" && verdict.type === "admitted")).toBe(true);
    expect(messages.length).toBeLessThanOrEqual(4);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, at) => at + 1));
  });

  it("is a verdict for each, in whatever message it was", async () => {
    const { link, defer } = connect();
    link.know({ version: 1, limits: { requestsPerMinute: 7 } }, ACCOUNT);
    const verdicts = await Promise.all(
      Array.from({ length: 30 }, (_, at) => link.ask(testAsk(`r${at}`), defer)),
    );
    const types = verdicts.map((verdict) => (verdict === "unheard" ? verdict : verdict.type));
    expect(
      [types.filter((type) => type === "admitted"), types.filter((type) => type === "refused")].map(
        ({ length }) => length,
      ),
    ).toEqual([7, 23]);
  });

  it("is sent again as it was, and counts once, where the answer was lost", async () => {
    const { link, ledger, line, messages, defer } = connect();
    await link.ask(testAsk("a"), defer);
    line.state = "mute";
    await link.settle({ id: "a", used: testBooking() }, defer);
    expect(await link.ask(testAsk("b"), defer)).toBe("unheard");
    line.state = "up";
    const verdict = await link.ask(testAsk("c"), defer);
    expect(verdict).toMatchObject({ type: "admitted" });
    expect(
      new Set(messages.filter(({ settlements }) => settlements.length > 0).map(({ seq }) => seq)).size,
    ).toBe(1);
    expect(unwritten(ledger.book)).toMatchObject([{ requests: 1 }]);
  });

  it("takes back what was admitted when nobody waited for it any more", async () => {
    const { link, ledger, line, defer } = connect();
    line.state = "mute";
    expect(await link.ask(testAsk("lost"), defer)).toBe("unheard");
    expect([...ledger.open.keys()]).toEqual(["lost"]);
    line.state = "up";
    await link.ask(testAsk("next"), defer);
    await link.settle({ id: "next", used: null }, defer);
    expect(ledger.open.size).toBe(0);
    expect(unwritten(ledger.book)).toEqual([]);
  });

  it("is kept while the object is away, and told when it is back", async () => {
    const { link, ledger, line, defer } = connect();
    await link.ask(testAsk("a"), defer);
    line.state = "deaf";
    await link.settle({ id: "a", used: testBooking() }, defer);
    expect(link.isIdle).toBe(false);
    line.state = "up";
    await link.ask(testAsk("b"), defer);
    expect(unwritten(ledger.book)).toMatchObject([{ requests: 1, promptTokens: 12 }]);
  });

  it("tells now and then what is under way, and nothing of what has not been heard of for long", async () => {
    const { link, messages, defer, deferred } = connect();
    await link.ask(testAsk("busy"), defer);
    await link.ask(testAsk("dead"), defer);
    for (let second = 0; second < 70; second += 2) {
      vi.setSystemTime(Date.now() + 2_000);
      link.touch("busy", defer);
      await Promise.all(deferred);
    }
    const told = messages.flatMap(({ open }) => (open ? [open] : []));
    expect(told.length).toBeGreaterThan(6);
    expect(told[1]).toEqual(["busy", "dead"]);
    expect(told.at(-1)).toEqual(["busy"]);
  });
});

describe("a lease", () => {
  const take = ({ link, defer }: ReturnType<typeof connect>, id: string) =>
    link.take({ id, model: "m" }, () => RESERVE, defer);

  it("admits without waiting, and the ledger is told behind it", async () => {
    const connected = connect();
    await heat(connected);
    const taken = take(connected, "leased");
    expect(taken?.taken.reserve).toEqual(RESERVE);
    await taken?.told;
    expect(connected.ledger.open.has("leased")).toBe(true);
  });

  it("is over when its time is, and what is left of it goes back by itself", async () => {
    const connected = connect();
    await heat(connected);
    expect(connected.ledger.leases.size).toBe(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(connected.ledger.leases.size).toBe(0);
    expect(take(connected, "late")).toBeUndefined();
  });

  it("is for nobody who knows an older key than another request here", async () => {
    const connected = connect();
    await heat(connected);
    expect(connected.link.know({ version: 2, limits: null }, ACCOUNT)).toBe(true);
    expect(connected.link.know({ version: 1, limits: null }, ACCOUNT)).toBe(false);
  });

  it("is not for keys that share a workspace's limits", async () => {
    const connected = connect();
    connected.link.know(
      { version: 1, limits: null },
      { workspaceId: "ws_a", workspaceLimits: { tokensPerDay: 1 } },
    );
    await heat(connected);
    expect(connected.ledger.leases.size).toBe(0);
  });
});
