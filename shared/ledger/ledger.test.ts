import { describe, expect, it } from "vitest";
import type { Limits } from "../contracts/limits.ts";
import { DAY_MS, monthOf, monthStartMs } from "../limits/periods.ts";
import { LEASE_MS, ORPHAN_MS, bringUpToDate, fence, loadOf, newLedger, step, sweep, undo } from "./ledger.ts";
import { ledgerFrom, storedLedger } from "./stored.ts";
import { START_MS, speaker, testAsk, testBooking, testMessage } from "./testing.ts";
import { unwritten } from "./totals.ts";

const PRICE = { inputPerMillion: 1, outputPerMillion: 1 };
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `r${from + at}`);
const asks = (count: number, from = 0) => ids(count, from).map((id) => testAsk(id));
const verdictsOf = (reply: { verdicts: readonly { type: string }[] }) =>
  reply.verdicts.map(({ type }) => type);
const refusalOf = (reply: ReturnType<ReturnType<typeof speaker>>) => {
  const verdict = reply.verdicts[0];
  return verdict?.type === "refused" ? verdict.refusal : undefined;
};

describe("a limit", () => {
  it.each<[string, Limits, number, object]>([
    [
      "of requests",
      { requestsPerMinute: 3 },
      3,
      { limit: "requests_per_minute", max: 3, remaining: 0, retryAfterMs: 60_500 },
    ],
    [
      "of tokens",
      { tokensPerMinute: 350 },
      3,
      { limit: "tokens_per_minute", max: 350, remaining: 50, retryAfterMs: 60_500 },
    ],
    [
      "of requests at once",
      { concurrentRequests: 2 },
      2,
      { limit: "concurrent_requests", max: 2, remaining: 0, retryAfterMs: 1_000 },
    ],
    [
      "of a day's tokens",
      { tokensPerDay: 250 },
      2,
      { limit: "tokens_per_day", max: 250, remaining: 50, retryAfterMs: DAY_MS / 2 },
    ],
    [
      "of a month's tokens",
      { tokensPerMonth: 100 },
      1,
      { limit: "tokens_per_month", remaining: 0, retryAfterMs: Date.UTC(2027, 6, 1) - START_MS },
    ],
    [
      "of a day's cost",
      { costPerDay: 0.00025 },
      2,
      { limit: "cost_per_day", max: 0.00025, remaining: 0.00005, retryAfterMs: DAY_MS / 2 },
    ],
    ["of a month's cost", { costPerMonth: 0.0001 }, 1, { limit: "cost_per_month", remaining: 0 }],
    ["that is 0", { requestsPerMinute: 0 }, 0, { limit: "requests_per_minute", retryAfterMs: null }],
  ])("%s admits what fits, and says what is left and when there is more", (_, limits, admitted, refusal) => {
    const say = speaker(newLedger(), limits);
    const reply = say({ asks: ids(5).map((id) => testAsk(id, { price: PRICE })) }, START_MS);
    expect(reply.verdicts.filter(({ type }) => type === "admitted")).toHaveLength(admitted);
    const last = say({ asks: [testAsk("late", { price: PRICE })] }, START_MS);
    expect(refusalOf(last)).toMatchObject({ leased: false, ...refusal });
  });

  it("tells of several the one that takes longest", () => {
    const say = speaker(newLedger(), { concurrentRequests: 1, requestsPerMinute: 1, tokensPerDay: 100 });
    expect(verdictsOf(say({ asks: asks(1) }, START_MS))).toEqual(["admitted"]);
    expect(refusalOf(say({ asks: asks(1, 1) }, START_MS))).toMatchObject({ limit: "tokens_per_day" });
  });

  it("can never be met by what is larger than it, and says so", () => {
    const say = speaker(newLedger(), { tokensPerMinute: 99 });
    expect(refusalOf(say({ asks: asks(1) }, START_MS))).toMatchObject({ retryAfterMs: null });
  });

  it("sets aside for a request without a bound what is usual, and no more than there is at all", () => {
    const say = speaker(newLedger(), { tokensPerMinute: 500 });
    const reply = say({ asks: [testAsk("a", { completion: null })] }, START_MS);
    expect(reply.verdicts[0]).toMatchObject({ type: "admitted", reserve: { prompt: 15, completion: 485 } });
  });

  it("takes nothing from who is refused", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { requestsPerMinute: 2, tokensPerMinute: 1000, concurrentRequests: 9 });
    say({ asks: asks(2) }, START_MS);
    const before = loadOf(ledger);
    const seen = {
      requests: before.requests.sum,
      tokens: before.tokens.sum,
      open: before.open,
      day: before.day.tokens,
    };
    for (let at = 0; at < 50; at++) say({ asks: asks(3, 10 + at * 3) }, START_MS + at);
    const after = loadOf(ledger);
    expect({
      requests: after.requests.sum,
      tokens: after.tokens.sum,
      open: after.open,
      day: after.day.tokens,
    }).toEqual(seen);
  });

  it("tells in headers' terms what is left behind each", () => {
    const say = speaker(newLedger(), { requestsPerMinute: 5, tokensPerMinute: 1000 });
    const { verdicts } = say({ asks: asks(2) }, START_MS);
    expect(verdicts.map((verdict) => verdict.type === "admitted" && verdict.standing)).toMatchObject([
      { requests: { max: 5, remaining: 4 }, tokens: { max: 1000, remaining: 900 } },
      { requests: { remaining: 3 }, tokens: { remaining: 800 } },
    ]);
  });
});

describe("a settlement", () => {
  it("puts what was used in the place of what was set aside", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { tokensPerMinute: 100 });
    say({ asks: asks(1) }, START_MS);
    say({ settlements: [{ id: "r0", used: testBooking() }] }, START_MS + 5_000);
    expect(loadOf(ledger)).toMatchObject({ open: 0, tokens: { sum: 32 }, day: { tokens: 32, costNano: 7 } });
    expect(unwritten(ledger.book)).toMatchObject([
      {
        model: "m",
        engine: "e",
        requests: 1,
        estimated: 0,
        promptTokens: 12,
        completionTokens: 20,
        costNano: 7,
      },
    ]);
  });

  it("of nothing books nothing and gives all back, but the request has been made", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    say({ asks: asks(1) }, START_MS);
    say({ settlements: [{ id: "r0", used: null }] }, START_MS);
    expect(loadOf(ledger)).toMatchObject({
      open: 0,
      tokens: { sum: 0 },
      requests: { sum: 1 },
      month: { tokens: 0 },
    });
    expect(unwritten(ledger.book)).toEqual([]);
  });

  it("counts what goes beyond the reservation from when it is known", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    say({ asks: asks(1) }, START_MS);
    say({ settlements: [{ id: "r0", used: testBooking({ completionTokens: 188 }) }] }, START_MS + 50_000);
    bringUpToDate(ledger, START_MS + 61_000);
    expect(ledger.tokens.sum).toBe(100);
    bringUpToDate(ledger, START_MS + 111_000);
    expect(ledger.tokens.sum).toBe(0);
  });

  it("counts once, however often it comes", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    say({ asks: asks(1) }, START_MS);
    for (let at = 0; at < 3; at++) say({ settlements: [{ id: "r0", used: testBooking() }] }, START_MS + at);
    expect(unwritten(ledger.book)).toMatchObject([{ requests: 1, promptTokens: 12 }]);
  });

  it("of what nobody admitted is nothing", () => {
    const ledger = newLedger();
    speaker(ledger, null)({ settlements: [{ id: "unknown", used: testBooking() }] }, START_MS);
    expect([unwritten(ledger.book), ledger.day.tokens]).toEqual([[], 0]);
  });

  it("belongs to the day and the month in which the request was admitted", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { tokensPerDay: 100, tokensPerMonth: 1000 });
    const lastMs = monthStartMs(monthOf(START_MS) + 1) - 1;
    say({ asks: asks(1) }, lastMs);
    const next = say({ asks: asks(1, 1), settlements: [{ id: "r0", used: testBooking() }] }, lastMs + 1);
    expect(verdictsOf(next)).toEqual(["admitted"]);
    expect([ledger.day.tokens, ledger.month.tokens]).toEqual([100, 100]);
  });

  it("teaches how long answers and prompts are", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    for (const [at, id] of ids(60).entries()) {
      say({ asks: [testAsk(id, { completion: null })] }, START_MS + at);
      const used = testBooking({ promptTokens: 30, completionTokens: 40 });
      say({ settlements: [{ id, used, estimate: 10 }] }, START_MS + at);
    }
    const { verdicts } = say({ asks: [testAsk("next", { completion: null })] }, START_MS + 99);
    const [verdict] = verdicts;
    if (verdict?.type !== "admitted") throw new Error("not admitted");
    expect(verdict.reserve.prompt).toBe(30);
    expect(verdict.reserve.completion).toBeGreaterThanOrEqual(40);
    expect(verdict.reserve.completion).toBeLessThan(80);
  });
});

describe("a request that nobody is at", () => {
  const lost = () => {
    const ledger = newLedger();
    const say = speaker(ledger, { concurrentRequests: 1 });
    say({ asks: asks(1) }, START_MS);
    return { ledger, say };
  };

  it("is booked as estimated, between its prompt and what was set aside, and its slot is free", () => {
    const { ledger, say } = lost();
    expect(sweep(ledger, START_MS + ORPHAN_MS - 1)).toEqual([]);
    expect(sweep(ledger, START_MS + ORPHAN_MS)).toEqual(["r0"]);
    const [row] = unwritten(ledger.book);
    expect(row).toMatchObject({ requests: 1, estimated: 1, promptTokens: 15, engine: "" });
    expect(row?.completionTokens).toBeLessThanOrEqual(85);
    expect(verdictsOf(say({ asks: asks(1, 1) }, START_MS + ORPHAN_MS))).toEqual(["admitted"]);
  });

  it("is not one while its isolate tells of it", () => {
    const { ledger, say } = lost();
    say({ open: ["r0"] }, START_MS + 20_000);
    expect(sweep(ledger, START_MS + ORPHAN_MS)).toEqual([]);
    say({ open: [] }, START_MS + 40_000);
    expect(sweep(ledger, START_MS + 20_000 + ORPHAN_MS)).toEqual(["r0"]);
  });

  it.each([
    [
      "what it used",
      testBooking(),
      { requests: 1, estimated: 0, promptTokens: 12, completionTokens: 20 },
      32,
    ],
    ["that it used nothing", null, { requests: 0, estimated: 0, promptTokens: 0, completionTokens: 0 }, 0],
  ])("is put right when somebody tells late %s, once", (_, used, row, tokens) => {
    const { ledger, say } = lost();
    sweep(ledger, START_MS + ORPHAN_MS);
    for (let at = 0; at < 2; at++) say({ settlements: [{ id: "r0", used }] }, START_MS + 45_000 + at);
    const total = { requests: 0, estimated: 0, promptTokens: 0, completionTokens: 0 };
    for (const each of unwritten(ledger.book)) {
      total.requests += each.requests;
      total.estimated += each.estimated;
      total.promptTokens += each.promptTokens;
      total.completionTokens += each.completionTokens;
    }
    expect(total).toEqual(row);
    expect(ledger.day.tokens).toBe(tokens);
  });
});

describe("a key that has been changed", () => {
  it("admits nothing on what was known before", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    expect(fence(ledger, 2, START_MS)).toBe(0);
    expect(verdictsOf(say({ asks: asks(2), rate: 500 }, START_MS))).toEqual(["stale", "stale"]);
    expect(ledger.leases.size).toBe(0);
    const newer = { version: 2, limits: null };
    expect(verdictsOf(say({ asks: asks(1, 5), policy: newer }, START_MS))).toEqual(["admitted"]);
  });

  it("still settles what was admitted before", () => {
    const ledger = newLedger();
    const say = speaker(ledger, null);
    say({ asks: asks(1) }, START_MS);
    fence(ledger, 2, START_MS);
    say({ settlements: [{ id: "r0", used: testBooking() }] }, START_MS);
    expect([ledger.open.size, ledger.day.tokens]).toEqual([0, 32]);
  });

  it("says how long leases from before still last", () => {
    const ledger = newLedger();
    speaker(ledger, null)({ asks: asks(1), rate: 100 }, START_MS);
    expect(fence(ledger, 2, START_MS + 300)).toBe(LEASE_MS - 300);
  });
});

describe("a lease", () => {
  it("is for isolates that admit much, as long as a second, and small where a limit is near", () => {
    const grantOf = (limits: Limits | null, rate: number) =>
      speaker(newLedger(), limits)({ asks: asks(1), rate }, START_MS).grant;
    expect(grantOf(null, 49)).toBeUndefined();
    expect(grantOf(null, 400)).toEqual({ requests: 400, tokens: 40_000, costNano: 0, ttlMs: LEASE_MS });
    expect(grantOf({ requestsPerMinute: 81 }, 400)).toMatchObject({ requests: 10 });
    expect(grantOf({ requestsPerMinute: 8 }, 400)).toBeUndefined();
    expect(grantOf({ tokensPerMinute: 900 }, 400)).toMatchObject({ tokens: 100 });
  });

  it("counts until it is told to be over, and what is left of it comes back", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { requestsPerMinute: 81 });
    say({ asks: asks(1), rate: 400 }, START_MS);
    expect(loadOf(ledger).leased.requests).toBe(10);
    const taken = ids(4, 50).map((id) => ({
      id,
      model: "m",
      reserve: { prompt: 15, completion: 85, costNano: 0 },
    }));
    say({ taken, left: { requests: 6, tokens: 600, costNano: 0 } }, START_MS + 500);
    expect([loadOf(ledger).leased.requests, ledger.requests.sum]).toEqual([6, 5]);
    say({}, START_MS + 900);
    expect(loadOf(ledger).leased.requests).toBe(0);
  });

  it("of an isolate that is never heard again ends by itself", () => {
    const ledger = newLedger();
    speaker(ledger, { requestsPerMinute: 81 })({ asks: asks(1), rate: 400 }, START_MS);
    const other = speaker(ledger, { requestsPerMinute: 11 }, "other");
    expect(refusalOf(other({ asks: asks(1, 9) }, START_MS + 1))).toMatchObject({ leased: true });
    expect(verdictsOf(other({ asks: asks(1, 9) }, START_MS + LEASE_MS + ORPHAN_MS))).toEqual(["admitted"]);
  });
});

describe("a ledger", () => {
  it("answers the same message as before, and takes it in once", () => {
    const ledger = newLedger();
    const message = testMessage({ asks: asks(2), policy: { version: 1, limits: { requestsPerMinute: 1 } } });
    const first = step(ledger, message, START_MS);
    expect(step(ledger, message, START_MS + 5)).toBe(first);
    expect(ledger.requests.sum).toBe(1);
  });

  it("can take back what somebody else has refused", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { requestsPerMinute: 1 });
    say({ asks: asks(1) }, START_MS);
    undo(ledger, "r0", START_MS);
    expect(loadOf(ledger)).toMatchObject({
      open: 0,
      requests: { sum: 0 },
      tokens: { sum: 0 },
      day: { tokens: 0 },
    });
    expect(verdictsOf(say({ asks: asks(1, 1) }, START_MS))).toEqual(["admitted"]);
  });

  it("comes back from storage as it was", () => {
    const ledger = newLedger();
    const say = speaker(ledger, { requestsPerMinute: 500 });
    say({ asks: asks(5), rate: 100 }, START_MS);
    say({ settlements: [{ id: "r1", used: testBooking(), estimate: 10 }] }, START_MS + 900);
    sweep(ledger, START_MS + 40_000);
    const again = ledgerFrom(storedLedger(ledger));
    expect(storedLedger(again)).toBe(storedLedger(ledger));
    expect(again.open).toEqual(ledger.open);
  });
});
