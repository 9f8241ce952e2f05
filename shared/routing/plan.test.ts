import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineView } from "./engine-view.ts";
import { RECENT_FAILURE_MS } from "./load.ts";
import { type RouteAsk, plan } from "./plan.ts";
import { seededRandom } from "./random.ts";

const NOW_MS = 1_000_000;

const view = (id: string, changes: Partial<EngineView> = {}): EngineView => ({
  id,
  kind: "vllm",
  weight: 1,
  circuit: "closed",
  health: "ready",
  draining: false,
  concurrencyMax: 10,
  inFlight: 0,
  localInFlight: 0,
  waiting: 0,
  load: {},
  ...changes,
});
const ask = (changes: Partial<RouteAsk> = {}): RouteAsk => ({ priority: "normal", ...changes });
const order = (engines: EngineView[], asked: RouteAsk = ask(), seed = 1) =>
  plan(engines, asked, NOW_MS, seededRandom(seed)).order;

/** How often each engine comes first, over many draws. */
function firsts(engines: EngineView[], asked: RouteAsk, draws = 2_000): Record<string, number> {
  const random = seededRandom(7);
  const counts: Record<string, number> = {};
  for (let draw = 0; draw < draws; draw++) {
    const [first = "nobody"] = plan(engines, asked, NOW_MS, random).order;
    counts[first] = (counts[first] ?? 0) + 1;
  }
  return counts;
}

describe("plan", () => {
  it.each<[string, EngineView, string | undefined]>([
    ["takes a ready engine", view("a"), undefined],
    [
      "takes one whose model is being loaded, if it is all there is",
      view("a", { health: "loading" }),
      undefined,
    ],
    ["takes a full one: it can be waited for", view("a", { inFlight: 10 }), undefined],
    ["takes none with an open circuit", view("a", { circuit: "open" }), "circuit_open"],
    ["takes none that waits for its probe", view("a", { circuit: "half_open" }), "circuit_half_open"],
    ["takes none that drains", view("a", { draining: true }), "draining"],
    ["takes none that is down", view("a", { health: "down" }), "down"],
  ])("%s", (_, engine, reason) => {
    const expected = { order: reason ? [] : ["a"], excluded: reason ? [{ engine: "a", reason }] : [] };
    expect(plan([engine], ask(), NOW_MS, Math.random)).toEqual(expected);
    const two = plan([engine, view("b")], ask(), NOW_MS, seededRandom(1));
    expect([...two.order].toSorted()).toEqual(reason ? ["b"] : ["a", "b"]);
    expect(two.excluded).toEqual(expected.excluded);
  });

  it("has nobody to choose from", () => {
    expect(plan([], ask(), NOW_MS, Math.random)).toEqual({ order: [], excluded: [] });
  });

  const better = view("better", { inFlight: 1 });
  it.each<[string, Partial<EngineView>, Partial<RouteAsk>]>([
    ["fuller", { inFlight: 2 }, {}],
    ["fuller by what this isolate did since the snapshot", { localInFlight: 2 }, {}],
    ["waited for", { waiting: 2 }, {}],
    ["busy with requests that are not ours", { load: { running: 2 } }, {}],
    ["busy with a queue of its own", { load: { waiting: 2 } }, {}],
    ["of fewer slots", { inFlight: 1, load: { slots: 5 } }, {}],
    ["short of KV cache", { load: { kvUse: 0.2 } }, {}],
    ["failing just now", { lastFailureMs: NOW_MS - RECENT_FAILURE_MS / 2 }, {}],
    ["full", { inFlight: 10 }, {}],
    ["full for requests of low priority", { inFlight: 9 }, { priority: "low" }],
    ["a spare one", { weight: 0 }, {}],
    ["loading its model", { health: "loading" }, {}],
    ["in another region", { region: "b" }, { region: "a" }],
  ])("puts an engine behind that is %s", (_, changes, asked) => {
    const engines = [view("worse", changes), { ...better, region: "a" }];
    expect(firsts(engines, ask(asked))).toEqual({ better: 2_000 });
    expect(order(engines, ask(asked))).toEqual(["better", "worse"]);
  });

  it.each<[string, EngineView[], string[]]>([
    [
      "free ones, full ones, spare ones, loading ones",
      [
        view("loading", { health: "loading" }),
        view("spare", { weight: 0 }),
        view("full", { inFlight: 10 }),
        view("free", { inFlight: 9 }),
      ],
      ["free", "full", "spare", "loading"],
    ],
    [
      "the rest by their load",
      [
        view("c", { inFlight: 5 }),
        view("a"),
        view("d", { inFlight: 8 }),
        view("b", { inFlight: 9, weight: 3 }),
      ],
      ["a", "b", "c", "d"],
    ],
  ])("orders %s", (_, engines, expected) => {
    const [first, ...rest] = order(engines);
    expect(rest).toEqual(expected.filter((id) => id !== first));
  });

  it("forgives a failure after a while", () => {
    const engines = [view("a", { lastFailureMs: NOW_MS - RECENT_FAILURE_MS }), view("b", { inFlight: 1 })];
    expect(firsts(engines, ask())).toEqual({ a: 2_000 });
  });

  it("uses spare engines where nothing else is left", () => {
    const engines = [view("a", { circuit: "open" }), view("b", { weight: 0 }), view("c", { weight: 0 })];
    expect(Object.keys(firsts(engines, ask())).toSorted()).toEqual(["b", "c"]);
  });

  it("leaves the region when its engines are nearly full, or their cache is", () => {
    const far = view("far", { region: "b" });
    const near = (changes: Partial<EngineView>) => [view("near", { region: "a", ...changes }), far];
    expect(order(near({ inFlight: 7 }), ask({ region: "a" }))[0]).toBe("near");
    expect(order(near({ inFlight: 8 }), ask({ region: "a" }))[0]).toBe("far");
    expect(order(near({ load: { kvUse: 0.8 } }), ask({ region: "a" }))[0]).toBe("far");
    expect(firsts(near({}), ask({ region: "c" }))).toHaveProperty("far");
  });

  it("spreads failovers over engines that are as good", () => {
    const engines = ["a", "b", "c", "d"].map((id) => view(id));
    const random = seededRandom(3);
    const seconds = Array.from({ length: 800 }, () => plan(engines, ask(), NOW_MS, random).order[1]);
    for (const { id } of engines) {
      const count = seconds.filter((second) => second === id).length;
      expect(Math.abs(count - 200)).toBeLessThan(4 * Math.sqrt(200));
    }
  });

  it("names the best sixteen of a large fleet", () => {
    const engines = Array.from({ length: 40 }, (_, at) =>
      view(`gpu-${at}`, { inFlight: at % 10, waiting: at }),
    );
    const ids = order(engines);
    expect(ids).toHaveLength(16);
    const best = engines.toSorted((a, b) => a.inFlight + a.waiting - (b.inFlight + b.waiting)).slice(0, 15);
    for (const { id } of best) expect(ids).toContain(id);
  });

  it("is the same for the same chance", () => {
    const engines = Array.from({ length: 20 }, (_, at) => view(`gpu-${at}`, { inFlight: at % 4 }));
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(order(engines, ask(), seed)).toEqual(order(engines, ask(), seed));
      }),
    );
    expect(order(engines, ask(), 1)).not.toEqual(order(engines, ask(), 2));
  });
});

describe("a pin", () => {
  const engines = [view("a"), view("b", { draining: true }), view("c", { circuit: "open", draining: true })];
  it.each<[string, string, string[], object[]]>([
    ["leads to its engine alone", "a", ["a"], []],
    ["leads to an engine that drains", "b", ["b"], []],
    ["leads to no open circuit", "c", [], [{ engine: "c", reason: "circuit_open" }]],
    ["of an engine that there is not leads nowhere", "z", [], [{ engine: "z", reason: "unknown" }]],
  ])("%s", (_, pin, ids, excluded) => {
    expect(plan(engines, ask({ pin }), NOW_MS, Math.random)).toEqual({ order: ids, excluded });
  });
});

const engineViews = fc
  .array(
    fc.record({
      weight: fc.constantFrom(0, 1, 2, 5),
      circuit: fc.constantFrom("closed" as const, "closed" as const, "open" as const, "half_open" as const),
      health: fc.constantFrom("ready" as const, "ready" as const, "loading" as const, "down" as const),
      draining: fc.boolean(),
      concurrencyMax: fc.integer({ min: 0, max: 8 }),
      inFlight: fc.nat({ max: 9 }),
      localInFlight: fc.nat({ max: 4 }),
      region: fc.constantFrom("x", "y"),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map((changes, at) => view(`gpu-${at}`, changes)));
const asks = fc.record(
  {
    affinity: fc.constantFrom("s1", "s2"),
    region: fc.constantFrom("x", "y", "z"),
    priority: fc.constantFrom("high" as const, "normal" as const, "low" as const),
  },
  { requiredKeys: ["priority"] },
);

describe("a plan, whatever the fleet", () => {
  it("has every engine once, and none that must not be tried", () => {
    fc.assert(
      fc.property(engineViews, asks, fc.integer(), (engines, asked, seed) => {
        const made = plan(engines, asked, NOW_MS, seededRandom(seed));
        const all = [...made.order, ...made.excluded.map(({ engine }) => engine)];
        expect(all.toSorted()).toEqual(engines.map(({ id }) => id).toSorted());
        for (const engine of engines) {
          const fit = engine.circuit === "closed" && !engine.draining && engine.health !== "down";
          expect(made.order.includes(engine.id)).toBe(fit);
        }
      }),
    );
  });

  it("begins with no full engine while another is free", () => {
    fc.assert(
      fc.property(engineViews, asks, fc.integer(), (engines, asked, seed) => {
        const { order } = plan(engines, asked, NOW_MS, seededRandom(seed));
        const used = ({ inFlight, localInFlight }: EngineView) => Math.max(inFlight, localInFlight);
        const room = asked.priority === "low" ? 0.9 : 1;
        const free = engines.filter(
          (each) =>
            order.includes(each.id) &&
            each.weight > 0 &&
            each.health === "ready" &&
            used(each) < Math.floor(each.concurrencyMax * room),
        );
        if (free.length === 0) return;
        const first = engines.find(({ id }) => id === order[0]);
        expect(first && used(first) < first.concurrencyMax).toBe(true);
        expect(first?.health).toBe("ready");
      }),
    );
  });
});

/** Sends requests one after the other; each stays at its engine for the next `stay` ones. Returns who got how many. */
function flow(engines: EngineView[], asks: readonly RouteAsk[], stay: number): Map<string, number> {
  const random = seededRandom(11);
  const counts = new Map(engines.map(({ id }) => [id, 0]));
  const current: string[] = [];
  for (const asked of asks) {
    const views = engines.map((each) => ({
      ...each,
      inFlight: current.filter((id) => id === each.id).length,
    }));
    const [first = ""] = plan(views, asked, NOW_MS, random).order;
    counts.set(first, (counts.get(first) ?? 0) + 1);
    current.push(first);
    if (current.length > stay) current.shift();
  }
  return counts;
}

describe("the spread of requests", () => {
  const many = (count: number) => Array.from({ length: count }, () => ask());

  it.each([
    ["an idle fleet", 0],
    ["a busy one", 60],
  ])("follows the weights in %s", (_, stay) => {
    const weights = [1, 1, 2, 4];
    const engines = weights.map((weight, at) => view(`gpu-${at}`, { weight, concurrencyMax: 100 }));
    const counts = [...flow(engines, many(2_000), stay).values()];
    for (const [at, weight] of weights.entries())
      expect(Math.abs((counts[at] ?? 0) - 250 * weight)).toBeLessThan(4 * Math.sqrt(250 * weight));
  });

  it("keeps equal engines equally full", () => {
    const engines = Array.from({ length: 10 }, (_, at) => view(`gpu-${at}`, { concurrencyMax: 20 }));
    const counts = [...flow(engines, many(3_000), 100).values()];
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.2);
  });
});

describe("affinity", () => {
  const sessions = Array.from({ length: 500 }, (_, at) => `session-${at}`);
  const fleet = (size: number) => Array.from({ length: size }, (_, at) => view(`gpu-${at}`));
  const homes = (engines: EngineView[]) =>
    new Map(sessions.map((affinity) => [affinity, order(engines, ask({ affinity }), 5)[0]]));

  it("sends a session to the same engine, whatever the chance and the order of engines", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), fc.integer(), (affinity, one, other) => {
        const engines = fleet(6);
        const first = order(engines, ask({ affinity }), one)[0];
        expect(order(engines.toReversed(), ask({ affinity }), other)[0]).toBe(first);
      }),
    );
  });

  it("moves the sessions of an engine that leaves or fails, and no others", () => {
    const before = homes(fleet(8));
    const broken = fleet(8).map((each) =>
      each.id === "gpu-3" ? { ...each, circuit: "open" as const } : each,
    );
    const stayers = sessions.filter((session) => before.get(session) !== "gpu-3");
    expect(stayers.length).toBeGreaterThan(400);
    for (const after of [homes(fleet(8).filter(({ id }) => id !== "gpu-3")), homes(broken)])
      expect(stayers.filter((session) => after.get(session) !== before.get(session))).toEqual([]);
  });

  it("moves about one session in n to the nth engine", () => {
    const before = homes(fleet(7));
    const after = homes(fleet(8));
    const moved = sessions.filter((session) => before.get(session) !== after.get(session));
    for (const session of moved) expect(after.get(session)).toBe("gpu-7");
    expect(moved.length).toBeLessThan((sessions.length / 8) * 1.5);
  });

  it("goes to the next engine while its own is failing", () => {
    const home = order(fleet(4), ask({ affinity: "s" }))[0];
    const engines = fleet(4).map((each) =>
      each.id === home ? { ...each, lastFailureMs: NOW_MS - 1 } : each,
    );
    const next = order(engines, ask({ affinity: "s" }))[0];
    expect(next).not.toBe(home);
    expect(order(engines, ask({ affinity: "s" }), 9)[0]).toBe(next);
  });

  it("makes no engine fuller than a quarter above the average, beyond its first quarter", () => {
    const loads = fc.array(fc.nat({ max: 40 }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(loads, fc.string(), (inFlights, affinity) => {
        const engines = inFlights.map((inFlight, at) => view(`gpu-${at}`, { inFlight, concurrencyMax: 50 }));
        const first = engines.find(({ id }) => id === order(engines, ask({ affinity }))[0]);
        const total = inFlights.reduce((sum, each) => sum + each, 1);
        const most = Math.max(Math.ceil((1.25 * total) / engines.length), Math.floor(50 / 4));
        expect((first?.inFlight ?? Infinity) + 1).toBeLessThanOrEqual(most);
      }),
    );
  });

  it("spreads even one hot session when it is more than an engine's share", () => {
    const engines = fleet(4).map((each) => ({ ...each, concurrencyMax: 40 }));
    const hot = Array.from({ length: 400 }, () => ask({ affinity: "hot" }));
    const counts = [...flow(engines, hot, 80).values()];
    expect(Math.max(...counts)).toBeLessThan(400 * 0.4);
  });
});
