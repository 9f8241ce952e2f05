import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../contracts/request-record.ts";
import { LATEST_MAX, NOTABLE_MAX, RequestBuffer } from "./request-buffer.ts";

const record = (serial: number, more: Partial<RequestRecord> = {}): RequestRecord => ({
  at: "2026-01-01T00:00:00.000Z",
  request: `req_${serial}`,
  method: "POST",
  path: "/v1/chat/completions",
  status: 200,
  operation: "chat",
  queue_ms: 0,
  engine_ms: 0,
  overhead_ms: 0,
  total_ms: 0,
  ...more,
});
const many = (count: number, from = 0, more: Partial<RequestRecord> = {}) =>
  Array.from({ length: count }, (_, at) => record(from + at, more));
const filled = (records: readonly RequestRecord[]): RequestBuffer => {
  const buffer = new RequestBuffer();
  for (const each of records) buffer.add(each);
  return buffer;
};

describe("a buffer of requests", () => {
  it("hands over all of a usual number, in order, once", () => {
    const records = many(700);
    const buffer = filled(records);
    expect(buffer.isEmpty).toBe(false);
    expect(buffer.take()).toEqual(records);
    expect(buffer.isEmpty).toBe(true);
    expect(buffer.take()).toEqual([]);
  });

  it("always has the latest, and is bounded, however many there were", () => {
    fc.assert(
      fc.property(fc.nat(6 * LATEST_MAX), (count) => {
        const records = many(count);
        const taken = filled(records).take();
        expect(taken.slice(-LATEST_MAX)).toEqual(records.slice(-LATEST_MAX));
        expect(taken.length).toBe(Math.min(count, LATEST_MAX + NOTABLE_MAX));
        expect(new Set(taken).size).toBe(taken.length);
      }),
      { numRuns: 30 },
    );
  });

  it.each<[string, Partial<RequestRecord>]>([
    ["a failure of ours", { status: 503 }],
    ["a refusal for want of a slot", { status: 429 }],
    [
      "one that went to another engine",
      { attempts: [{ engine: "a", reason: "could not be reached", ms: 1 }] },
    ],
    ["a stream that broke off", { error: "engine_failed" }],
    ["a slow one", { total_ms: 5_000 }],
  ])("keeps %s before others when they are too many", (_, more) => {
    const notable = record(-1, more);
    expect(filled([notable, ...many(20 * LATEST_MAX, 0, { total_ms: 10 })]).take()).toContain(notable);
  });

  it("keeps no mistake of a caller before a slow answer", () => {
    const slow = many(NOTABLE_MAX, -NOTABLE_MAX, { total_ms: 900 });
    const mistakes = many(5 * LATEST_MAX, 0, { status: 400, error: "invalid_request" });
    expect(filled([...slow, ...mistakes]).take()).toEqual(expect.arrayContaining(slow));
  });

  it("takes back what could not be delivered, before what came meanwhile", () => {
    const buffer = filled(many(10));
    const taken = buffer.take();
    buffer.add(record(10));
    buffer.restore(taken);
    expect(buffer.take()).toEqual(many(11));
  });
});
