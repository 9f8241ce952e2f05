import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EnginePort, Outcome } from "../../../shared/fleet/ports.ts";
import type { EngineStatus } from "../../../shared/fleet/snapshot.ts";
import { LEASE_MS, type SlotAsk } from "../../../shared/routing/lease.ts";
import type { QueueEntry } from "../../../shared/routing/queue.ts";

const CIRCUIT = { failuresToOpen: 3, openMs: 1_000, openMsMax: 60_000 };
/** Longer than any wait of an open circuit here. */
const REST_MS = 61_000;

/** The engines behind the objects: whether they are there, and what they were asked to generate. */
const world = { up: true, generations: 0, generate: (): Promise<Response> | Response => Response.json({}) };

function answer(path: string, method: string): Promise<Response> | Response {
  if (!world.up) throw new TypeError("fetch failed");
  if (path === "/v1/models") return Response.json({ data: [{ id: "m" }] });
  if (method !== "POST") return new Response("");
  world.generations += 1;
  return world.generate();
}

beforeEach(() => {
  Object.assign(world, { up: true, generations: 0, generate: () => Response.json({}) });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  vi.stubGlobal("fetch", async (input: string, init?: RequestInit) =>
    answer(new URL(input).pathname, init?.method ?? "GET"),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

type State = {
  circuit: { state: string; forced?: true; openings: number };
  status: EngineStatus;
  slots: { held: number; cap: number };
  config: Record<string, unknown>;
};
type Keeper = EnginePort & {
  configure(config: EngineConfig, draining: boolean): Promise<EngineStatus>;
  retire(): Promise<void>;
};

let serial = 0;

/** An engine's object that is new, and knows how the engine is registered. */
async function newEngine(more: object = {}) {
  const id = `engine-${++serial}`;
  const stub = env.ENGINE.getByName(id);
  const keeper = stub as unknown as Keeper;
  const config = EngineConfig.parse({
    id,
    kind: "vllm",
    baseUrl: "https://engine.example.com",
    apiKey: "a secret",
    circuit: CIRCUIT,
    ...more,
  });
  await keeper.configure(config, false);
  const get = async (path: string, method = "GET") =>
    (await (await stub.fetch(`http://object/${path}`, { method })).json()) as State;
  return {
    stub,
    keeper,
    state: () => get("state"),
    tell: (what: string) => get(what, "POST"),
    report: (...types: Outcome["type"][]) =>
      keeper.report(types.map((type) => ({ type, sentMs: Date.now() }))),
  };
}
type Engine = Awaited<ReturnType<typeof newEngine>>;

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const open = ({ report }: Engine) => report(...times(3, "failure" as const));

describe("the circuit of an engine's object", () => {
  it.each<[string, Outcome["type"][], string]>([
    ["stays closed after a failure too few", times(2, "failure"), "closed"],
    ["opens after failures in a row", times(3, "failure"), "open"],
    ["stays closed where one succeeded", ["failure", "failure", "success", "failure"], "closed"],
    ["stays closed in a storm of overload", times(20, "overload"), "closed"],
    ["stays closed whatever callers do wrong", times(20, "client_fault"), "closed"],
    [
      "counts failures between other news",
      ["failure", "overload", "failure", "client_fault", "failure"],
      "open",
    ],
  ])("%s", async (_, types, circuit) => {
    const { report } = await newEngine();
    expect(await report(...types)).toMatchObject({ circuit });
  });

  it("closes when the engine has stood one real request, of which there is one at a time", async () => {
    const engine = await newEngine();
    await open(engine);
    const trial = { over: false };
    // The object waits by itself: it must not be woken from outside.
    world.generate = async () => {
      while (!trial.over) await scheduler.wait(1);
      return Response.json({ choices: [] });
    };
    pass(REST_MS);
    const looks = [runDurableObjectAlarm(engine.stub), engine.tell("probe"), engine.keeper.report([])];
    await expect.poll(() => world.generations).toBe(1);
    expect(await engine.report("failure", "success")).toMatchObject({ circuit: "half_open" });
    expect(world.generations).toBe(1);
    trial.over = true;
    await Promise.all(looks);
    expect(world.generations).toBe(1);
    expect(await engine.state()).toMatchObject({ circuit: { state: "closed", failuresMs: [] } });
  });

  it.each([
    ["fails the request", () => (world.generate = () => new Response("no", { status: 500 })), 1],
    ["is not there", () => (world.up = false), 0],
  ])("opens again, for longer, where the engine %s", async (_, spoil, generations) => {
    const engine = await newEngine();
    await open(engine);
    spoil();
    pass(REST_MS);
    await engine.tell("probe");
    expect(world.generations).toBe(generations);
    const { circuit, status } = await engine.state();
    expect(circuit).toMatchObject({ state: "open", openings: 2 });
    expect((status.retryAtMs ?? 0) - Date.now()).toBeGreaterThanOrEqual(2 * CIRCUIT.openMs);
  });

  it.each([
    ["is busy", 429],
    ["refuses to chat", 400],
  ])("closes where the engine %s: then it is there", async (_, status) => {
    const engine = await newEngine();
    await open(engine);
    world.generate = () => Response.json({ error: { message: "no" } }, { status });
    pass(REST_MS);
    expect(await engine.tell("probe")).toMatchObject({ circuit: { state: "closed" } });
    expect(world.generations).toBe(1);
  });

  it("is not tried before its time, however often somebody asks", async () => {
    const engine = await newEngine();
    await open(engine);
    for (let asked = 0; asked < 5; asked++) await engine.tell("probe");
    expect(world.generations).toBe(0);
    expect(await engine.state()).toMatchObject({ circuit: { state: "open", openings: 1 } });
  });

  it("stays as an operator has forced it, until it is reset", async () => {
    const engine = await newEngine();
    expect(await engine.tell("force-open")).toMatchObject({ circuit: { state: "open", forced: true } });
    pass(REST_MS);
    await engine.report("success");
    expect(await engine.tell("probe")).toMatchObject({ circuit: { state: "open", forced: true } });
    expect(world.generations).toBe(0);
    await engine.tell("force-close");
    expect(await open(engine)).toMatchObject({ circuit: "closed" });
    expect(await engine.tell("reset")).toMatchObject({ circuit: { state: "closed" } });
    expect(await open(engine)).toMatchObject({ circuit: "open" });
  });

  it("is remembered when the object is evicted", async () => {
    const engine = await newEngine();
    await open(engine);
    await evictDurableObject(engine.stub);
    expect(await engine.state()).toMatchObject({
      circuit: { state: "open", openings: 1 },
      status: { health: "ready", models: [{ names: ["m"] }] },
    });
  });
});

const askOf = (holder: string, more: Partial<SlotAsk> = {}): SlotAsk => ({
  holder,
  epoch: 1,
  returned: 0,
  inUse: 0,
  need: 1,
  want: 1,
  ...more,
});
const NOTHING = { count: 0, totalMs: 0 };
const give = ({ keeper }: Engine, holder: string) =>
  keeper.renew(askOf(holder, { returned: 1, need: 0, want: 0 }), NOTHING);

/** A request of an isolate of its own enters; resolves with how its wait ended. */
function enter({ keeper }: Engine, id: string, more: Partial<QueueEntry> = {}) {
  const entry = {
    id,
    key: id.slice(0, 1),
    priority: "normal" as const,
    deadlineMs: Date.now() + 600_000,
    holder: id,
    ...more,
  };
  return keeper.enter(askOf(entry.holder), entry, NOTHING);
}

const expectWaiting = async ({ state }: Engine, count: number): Promise<void> => {
  await expect.poll(async () => (await state()).status.waiting).toBe(count);
};

describe("the slots of an engine's object", () => {
  it("are never more than its cap, over all who hold some", async () => {
    const engine = await newEngine({ concurrencyMax: 5 });
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map((holder) => engine.keeper.renew(askOf(holder, { need: 2, want: 9 }), NOTHING)),
    );
    expect(answers.reduce((sum, { answer: { given } }) => sum + given, 0)).toBe(5);
    expect(await engine.state()).toMatchObject({ slots: { held: 5, cap: 5 } });
  });

  it("stay with those who hold them through an eviction, and the others are free", async () => {
    const engine = await newEngine({ concurrencyMax: 2 });
    expect(await enter(engine, "a")).toMatchObject({ got: { given: 1 } });
    await evictDurableObject(engine.stub);
    expect((await engine.keeper.renew(askOf("b", { need: 2 }), NOTHING)).answer.given).toBe(1);
    expect((await engine.keeper.renew(askOf("a", { inUse: 1 }), NOTHING)).answer).toMatchObject({ given: 1 });
    expect(await engine.state()).toMatchObject({ slots: { held: 2, inUse: 1, holders: 2 } });
  });

  it("come back through an eviction from those who are not heard of any more", async () => {
    const engine = await newEngine({ concurrencyMax: 1 });
    expect(await enter(engine, "a")).toMatchObject({ got: { given: 1 } });
    await evictDurableObject(engine.stub);
    expect((await engine.keeper.renew(askOf("b"), NOTHING)).answer.given).toBe(0);
    pass(LEASE_MS + 1);
    expect((await engine.keeper.renew(askOf("b"), NOTHING)).answer.given).toBe(1);
  });

  it("come back from an isolate that is not heard of any more", async () => {
    const engine = await newEngine({ concurrencyMax: 1 });
    await enter(engine, "a");
    pass(LEASE_MS + 1);
    expect(await enter(engine, "b")).toMatchObject({ got: { given: 1 } });
  });
});

describe("the queue of an engine's object", () => {
  /** An engine whose only slot is taken. */
  const fullEngine = async (more: object = {}) => {
    const engine = await newEngine({ concurrencyMax: 1, ...more });
    await enter(engine, "holder");
    return engine;
  };

  it("takes turns by key, and lets the urgent go first", async () => {
    const engine = await fullEngine();
    const order: string[] = [];
    const entering = async (id: string, more: Partial<QueueEntry> = {}) => {
      const entered = await enter(engine, id, more);
      expect(entered).toHaveProperty("got");
      order.push(id);
      await give(engine, id);
    };
    const all: Promise<void>[] = [];
    for (const [id, more] of [
      ["low", { priority: "low" }],
      ["a1", {}],
      ["a2", {}],
      ["a3", {}],
      ["b1", {}],
      ["urgent", { priority: "high" }],
    ] as const) {
      all.push(entering(id, more));
      await expectWaiting(engine, all.length);
    }
    await give(engine, "holder");
    await Promise.all(all);
    expect(order).toEqual(["urgent", "a1", "b1", "a2", "a3", "low"]);
  });

  it("is as long as it may be, and tells the rest when to come again", async () => {
    const engine = await fullEngine({ queueMax: 2 });
    const waiting = [enter(engine, "a"), enter(engine, "b")];
    await expectWaiting(engine, 2);
    expect(await enter(engine, "c")).toEqual({
      refused: { reason: "full", retryAfterMs: expect.any(Number) },
    });
    await give(engine, "holder");
    expect(await waiting[0]).toHaveProperty("got");
    await give(engine, "a");
    expect(await waiting[1]).toHaveProperty("got");
  });

  it("refuses at once who would wait too long, and lets go who has waited too long", async () => {
    const engine = await fullEngine();
    expect(await enter(engine, "hasty", { deadlineMs: Date.now() + 1 })).toMatchObject({
      refused: { reason: "deadline" },
    });
    const waiting = enter(engine, "patient", { deadlineMs: Date.now() + LEASE_MS - 500 });
    await expectWaiting(engine, 1);
    pass(LEASE_MS - 400);
    expect(await waiting).toMatchObject({ refused: { reason: "deadline" } });
    expect((await engine.state()).status.waiting).toBe(0);
  });

  it("forgets who leaves", async () => {
    const engine = await fullEngine({ queueMax: 1 });
    const leaving = enter(engine, "a");
    await expectWaiting(engine, 1);
    await engine.keeper.leave("a");
    expect(await leaving).toHaveProperty("refused");
    const next = enter(engine, "b");
    await expectWaiting(engine, 1);
    await give(engine, "holder");
    expect(await next).toHaveProperty("got");
  });
});

describe("an engine's object", () => {
  it("takes nobody in while it is drained, also after an eviction, and takes them again when told to", async () => {
    const engine = await newEngine();
    expect(await engine.tell("drain")).toMatchObject({ status: { draining: true } });
    await evictDurableObject(engine.stub);
    expect(await enter(engine, "a")).toMatchObject({ refused: { reason: "draining" } });
    expect(await engine.tell("resume")).toMatchObject({ status: { draining: false } });
    expect(await enter(engine, "b")).toHaveProperty("got");
  });

  it("shows operators its state without its secret, and 404 for what it has not", async () => {
    const { stub, state } = await newEngine();
    const text = JSON.stringify(await state());
    expect(text).toContain("https://engine.example.com");
    expect(text).not.toContain("a secret");
    expect((await stub.fetch("http://object/nothing")).status).toBe(404);
    expect((await stub.fetch("http://object/drain")).status).toBe(404);
  });

  it("knows nothing any more when the engine is retired", async () => {
    const engine = await newEngine();
    await engine.tell("drain");
    await engine.tell("force-open");
    await engine.keeper.retire();
    expect(await engine.state()).toMatchObject({
      circuit: { state: "closed" },
      config: {},
      status: { health: "down", draining: false, models: [] },
    });
  });
});
