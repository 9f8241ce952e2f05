import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../../shared/contracts/request-record.ts";
import { createHistory } from "./history.ts";

/** An id; of one request's attempts, the last two digits differ. */
const id = (letter: string, attempt = "00") => `req_${letter.repeat(30)}${attempt}`;
const record = (request: string): RequestRecord => ({
  at: "2026-01-01T00:00:00.000Z",
  request,
  method: "POST",
  path: "/v1/chat/completions",
  status: 200,
  operation: "chat",
  queue_ms: 0,
  engine_ms: 0,
  overhead_ms: 0,
  total_ms: 0,
});

/** A store that can be away. */
function storeOf() {
  const kept: string[] = [];
  let calls = 0;
  let away = false;
  return {
    kept,
    calls: () => calls,
    leave: (gone: boolean) => void (away = gone),
    async add(lines: readonly string[]) {
      calls += 1;
      if (away) throw new Error("away");
      kept.push(...lines);
    },
    find: async (idStart: string) => kept.find((line) => line.includes(`"request":"${idStart}`)),
  };
}

describe("the history of an isolate", () => {
  it("asks its store for nothing until it is flushed, and then once", async () => {
    const store = storeOf();
    const history = createHistory(() => store);
    history.add(record(id("a")));
    history.add(record(id("b")));
    expect(store.calls()).toBe(0);
    await history.flush();
    await history.flush();
    expect(store.calls()).toBe(1);
    expect(await history.find(id("b"))).toEqual(record(id("b")));
    expect(await history.find(id("c"))).toBeUndefined();
  });

  it("finds a request by the id of one of its attempts", async () => {
    const store = storeOf();
    const history = createHistory(() => store);
    history.add(record(id("a")));
    await history.flush();
    expect(await history.find(id("a", "07"))).toEqual(record(id("a")));
  });

  it("loses nothing while its store is away", async () => {
    const store = storeOf();
    const history = createHistory(() => store);
    history.add(record(id("a")));
    store.leave(true);
    await history.flush();
    history.add(record(id("b")));
    store.leave(false);
    await history.flush();
    expect(store.kept.map((line) => (JSON.parse(line) as RequestRecord).request)).toEqual([id("a"), id("b")]);
  });
});
